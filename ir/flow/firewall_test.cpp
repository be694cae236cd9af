#include "ir/flow/firewall.h"

#include <doctest/doctest.h>

#include <set>

using namespace netpolc;
using namespace netpolc::ir::flow;
using ir::Direction;

namespace {

constexpr std::uint32_t kFriend = 300;

// 10.0.0.3 (a friend) and the pod 10.0.0.1; `reply` turns addresses and ports around.
std::vector<std::uint8_t> frame(std::uint8_t protocol, bool reply, std::uint8_t flags = 0, std::uint16_t port = 80, std::uint8_t host = 3) {
  std::vector<std::uint8_t> out(12, 2);
  const std::uint8_t from = reply ? 1 : host, to = reply ? host : 1;
  out.insert(out.end(), {8, 0, 0x45, 0, 0, 40, 0, 7, 0, 0, 64, protocol, 0, 0, 10, 0, 0, from, 10, 0, 0, to});
  const std::uint8_t low = static_cast<std::uint8_t>(port);
  if (reply)
    out.insert(out.end(), {0, low, 0x0f, 0xa0});
  else
    out.insert(out.end(), {0x0f, 0xa0, 0, low});
  out.insert(out.end(), {0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0, 9, 0, 0, 0, 0});
  return out;
}

// Ingress: TCP and UDP 80 from the friend, rule 5. Egress: nothing.
struct Bench {
  Firewall firewall;
  std::set<std::uint16_t> allowed{80};
  Time now = 1000;
  Bench() {
    firewall.world.addresses[IpPrefix::host(*IpAddress::parse("10.0.0.3"))] = kFriend;
    firewall.policy = {true, true, [this](Direction direction, std::uint32_t identity, ir::Flow flow) -> Decision {
                         if (direction == Direction::Ingress && identity == kFriend && allowed.contains(flow.number)) return {NP_REASON_FORWARDED, {5}};
                         return {NP_REASON_DEFAULT_DENY, {}};
                       }};
  }
  Answer in(const std::vector<std::uint8_t>& bytes) { return firewall.judge(Direction::Ingress, Origin::Device, bytes, now); }
  Answer out(const std::vector<std::uint8_t>& bytes) { return firewall.judge(Direction::Egress, Origin::Device, bytes, now); }
};

}  // namespace

TEST_CASE("replies pass, what nobody asked for doesn't") {
  Bench bench;
  CHECK(bench.out(frame(kTcp, true, kSyn | kAck)).reason == NP_REASON_DEFAULT_DENY);
  const Answer opened = bench.in(frame(kTcp, false, kSyn));
  CHECK(opened.because == Because::New);
  CHECK(opened.rules == std::vector<std::uint32_t>{5});
  CHECK(opened.identity == kFriend);
  CHECK(opened.reported);
  CHECK(bench.out(frame(kTcp, true, kSyn | kAck)).because == Because::Reply);
  CHECK(bench.in(frame(kTcp, false, kAck)).because == Because::Known);
  CHECK(!bench.in(frame(kTcp, false, kAck, 81)).passes());
  CHECK(!bench.in(frame(kTcp, false, kSyn, 80, 4)).passes());
}

TEST_CASE("lifetimes are those of the reference, to the unit") {
  Bench bench;
  const auto lives = [&](Time later) {
    bench.now += later;
    return bench.out(frame(kTcp, true, kAck)).passes();
  };
  bench.in(frame(kTcp, false, kSyn));
  bench.now += 61;
  CHECK(!bench.out(frame(kTcp, true, kSyn | kAck)).passes());
  bench.in(frame(kTcp, false, kSyn));
  CHECK(lives(60));
  CHECK(lives(8000));
  CHECK(!lives(8001));
  bench.in(frame(kTcp, false, kAck));
  bench.in(frame(kTcp, false, kFin | kAck));
  CHECK(lives(8000));
  bench.out(frame(kTcp, true, kFin | kAck));
  CHECK(lives(5));
  CHECK(lives(5));
  CHECK(!lives(1));
  bench.in(frame(kUdp, false));
  bench.now += 60;
  CHECK(bench.out(frame(kUdp, true)).passes());
  bench.now += 61;
  CHECK(!bench.out(frame(kUdp, true)).passes());
}

TEST_CASE("a revoked rule stops the forward direction at once and leaves replies alone") {
  Bench bench;
  bench.in(frame(kUdp, false));
  bench.allowed.clear();
  CHECK(bench.in(frame(kUdp, false)).reason == NP_REASON_DEFAULT_DENY);
  CHECK(bench.out(frame(kUdp, true)).because == Because::Reply);
  bench.now += 60;
  CHECK(bench.out(frame(kUdp, true)).because == Because::Reply);
  bench.allowed = {80};
  CHECK(bench.in(frame(kUdp, false)).because == Because::Known);
  bench.firewall.world.addresses.clear();
  CHECK(bench.in(frame(kUdp, false)).identity == 9);
  CHECK(!bench.in(frame(kUdp, false)).passes());
}

TEST_CASE("a packet that was denied leaves nothing behind") {
  Bench bench;
  bench.allowed.clear();
  bench.in(frame(kUdp, false));
  CHECK(bench.firewall.live_flows(bench.now) == 0);
  CHECK(!bench.out(frame(kUdp, true)).passes());
}

TEST_CASE("audit lets pass what policy denies, and says so every time") {
  Bench bench;
  bench.firewall.pod.audit = true;
  for (int i = 0; i < 2; ++i) {
    const Answer answer = bench.out(frame(kUdp, true));
    CHECK(answer.passes());
    CHECK(answer.audited);
    CHECK(answer.reported);
    CHECK(answer.reason == NP_REASON_DEFAULT_DENY);
  }
  CHECK(bench.in(frame(kUdp, false)).because == Because::Reply);
  bench.firewall.pod.audit = false;
  CHECK(!bench.out(frame(kUdp, true)).passes());
}

TEST_CASE("nobody sends in another's name") {
  Bench bench;
  bench.firewall.policy.egress = false;
  bench.firewall.pod = {.identity = 100, .check4 = true};
  CHECK(bench.out(frame(kUdp, true)).reason == NP_REASON_INVALID_SOURCE);
  bench.firewall.world.addresses[IpPrefix::host(*IpAddress::parse("10.0.0.1"))] = 100;
  CHECK(bench.out(frame(kUdp, true)).because == Because::New);
  bench.firewall.policy.ingress = false;  // nor does a pod without policy
  CHECK(bench.out(frame(kUdp, true)).because == Because::Known);
  CHECK(bench.out(frame(kUdp, false)).reason == NP_REASON_INVALID_SOURCE);
}

TEST_CASE("addresses go by the longest prefix, and then by the world") {
  World world;
  world.addresses[*IpPrefix::parse("10.0.0.0/8")] = 1;
  world.addresses[*IpPrefix::parse("10.1.0.0/16")] = 2;
  world.addresses[*IpPrefix::parse("10.1.2.3/32")] = 3;
  world.addresses[*IpPrefix::parse("fd00::/7")] = 4;
  const auto who = [&](const char* address) { return world.identity_of(*IpAddress::parse(address)); };
  CHECK(who("10.2.0.1") == 1);
  CHECK(who("10.1.255.255") == 2);
  CHECK(who("10.1.2.3") == 3);
  CHECK(who("11.0.0.1") == 9);
  CHECK(who("fc00::1") == 4);
  CHECK(who("2001:db8::1") == 10);
}

TEST_CASE("before it is ready nothing passes, a family that isn't there never does") {
  Bench bench;
  bench.firewall.ready = false;
  CHECK(bench.in(frame(kUdp, false)).reason == NP_REASON_NO_CONFIG);
  bench.firewall.ready = true;
  bench.firewall.world.world4 = 0;
  CHECK(bench.in(frame(kUdp, false)).reason == NP_REASON_UNSUPPORTED_L3);
}
