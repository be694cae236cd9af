// What the compiled program does to packets, one at a time: run in the kernel by
// BPF_PROG_TEST_RUN, without any interface.
#include <doctest/doctest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "tools/loader_test/bench.h"

using namespace netpolc::loader;
using namespace netpolc::loader_test;

namespace {

// False, having said why, where the kernel can't be used; in CI that is a failure.
bool kernel_is_here() {
  static const std::string why = why_no_kernel();
  if (why.empty()) return true;
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") FAIL_CHECK("kernel tests can't run in CI: " << why);
  MESSAGE("skipped: " << why);
  return false;
}

Address at(const char* text) { return *Address::parse(text); }

PacketSpec packet(const char* source, const char* destination, std::uint8_t protocol, std::uint16_t port = 0) {
  PacketSpec spec;
  spec.source = at(source);
  spec.destination = at(destination);
  spec.protocol = protocol;
  spec.destination_port = port;
  spec.icmp_type = protocol == kProtocolIcmp ? 8 : 128;
  return spec;
}

constexpr auto Pass = TcVerdict::Pass;
constexpr auto Drop = TcVerdict::Drop;

}  // namespace

TEST_CASE("rules decide, and are counted by their numbers") {
  if (!kernel_is_here()) return;
  Bench bench;
  CHECK(bench.to_pod(build_packet(packet("10.0.0.3", "10.0.0.1", kProtocolTcp, 8080))) == Pass);
  REQUIRE(bench.event());
  CHECK(bench.event()->reason == NP_REASON_FORWARDED);
  CHECK(bench.event()->rule == 0);
  CHECK(bench.counted(0) == 1);
}

TEST_CASE("a deny rule, no rule, and a rule for L7 are three reasons") {
  if (!kernel_is_here()) return;
  Bench bench;
  CHECK(bench.to_pod(build_packet(packet("10.0.0.4", "10.0.0.1", kProtocolTcp, 8080))) == Drop);
  CHECK(bench.event()->reason == NP_REASON_DENY);
  CHECK(bench.event()->rule == 1);
  CHECK(bench.event()->identity == kFoe);
  CHECK(bench.event()->tcp_flags == kTcpSyn);
  CHECK(bench.counted(1) == 1);
  CHECK(bench.to_pod(build_packet(packet("10.0.0.3", "10.0.0.1", kProtocolTcp, 8081))) == Drop);
  CHECK(bench.event()->reason == NP_REASON_DEFAULT_DENY);
  CHECK(bench.event()->rule == NP_NO_RULE);
  CHECK(bench.to_pod(build_packet(packet("10.0.0.5", "10.0.0.1", kProtocolTcp, 80))) == Drop);
  CHECK(bench.event()->reason == NP_REASON_L7_NOT_ENFORCED);
  CHECK(bench.event()->rule == 2);
  // the three above and nothing else
  CHECK(bench.dropped(NP_REASON_DENY) == 1);
  CHECK(bench.dropped(NP_REASON_DEFAULT_DENY) == 1);
  CHECK(bench.dropped(NP_REASON_L7_NOT_ENFORCED) == 1);
  CHECK(bench.counted(4) == 1);  // ingress that no rule decided
}

TEST_CASE("every protocol over both families") {
  if (!kernel_is_here()) return;
  struct Row {
    const char *source, *destination;
    std::uint8_t protocol;
    std::uint16_t port;
    TcVerdict expected;
  };
  const Row rows[] = {
      {"10.0.0.3", "10.0.0.1", kProtocolTcp, 8080, Pass},  {"10.0.0.3", "10.0.0.1", kProtocolTcp, 8079, Drop},
      {"10.0.0.3", "10.0.0.1", kProtocolUdp, 53, Pass},    {"10.0.0.3", "10.0.0.1", kProtocolUdp, 8080, Drop},
      {"10.0.0.3", "10.0.0.1", kProtocolSctp, 9000, Pass}, {"10.0.0.3", "10.0.0.1", kProtocolSctp, 9001, Drop},
      {"10.0.0.3", "10.0.0.1", kProtocolIcmp, 0, Pass},    {"fd00::3", "fd00::1", kProtocolTcp, 8080, Pass},
      {"fd00::3", "fd00::1", kProtocolUdp, 53, Pass},      {"fd00::3", "fd00::1", kProtocolSctp, 9000, Pass},
      {"fd00::3", "fd00::1", kProtocolIcmpv6, 0, Pass},    {"fd00::4", "fd00::1", kProtocolIcmpv6, 0, Drop},
      {"10.0.0.9", "10.0.0.1", kProtocolTcp, 8080, Drop},  {"192.168.0.1", "10.0.0.1", kProtocolTcp, 1, Drop},
      {"fd01::1", "fd00::1", kProtocolTcp, 1, Drop},  // who only has the node's address isn't the node
  };
  Bench bench;
  for (const Row& row : rows) {
    CAPTURE(row.source);
    CAPTURE(int{row.protocol});
    CAPTURE(row.port);
    CHECK(bench.to_pod(build_packet(packet(row.source, row.destination, row.protocol, row.port))) == row.expected);
    bench.forget();
  }
  CHECK(bench.from_node(build_packet(packet("192.168.0.1", "10.0.0.1", kProtocolTcp, 1))) == Pass);
  CHECK(bench.from_node(build_packet(packet("fd01::1", "fd00::1", kProtocolTcp, 1))) == Pass);
  CHECK(bench.from_pod(build_packet(packet("10.0.0.1", "8.8.8.8", kProtocolTcp, 443))) == Pass);
  CHECK(bench.from_pod(build_packet(packet("10.0.0.1", "8.8.8.8", kProtocolTcp, 80))) == Drop);
  CHECK(bench.event()->identity == 9);  // the world, of IPv4 in dual stack
}

TEST_CASE("replies to what was allowed pass, and nothing else does") {
  if (!kernel_is_here()) return;
  Bench bench;
  auto out = packet("10.0.0.1", "8.8.8.8", kProtocolTcp, 443);
  auto back = packet("8.8.8.8", "10.0.0.1", kProtocolTcp, out.source_port);
  back.source_port = 443;
  back.tcp_flags = kTcpSyn | kTcpAck;
  CHECK(bench.to_pod(build_packet(back)) == Drop);  // unsolicited
  CHECK(bench.from_pod(build_packet(out)) == Pass);
  CHECK(bench.to_pod(build_packet(back)) == Pass);
  CHECK_FALSE(bench.event());  // no news
  auto wrong = back;
  wrong.source_port = 444;
  CHECK(bench.to_pod(build_packet(wrong)) == Drop);
  wrong = back;
  wrong.source = at("8.8.8.9");
  CHECK(bench.to_pod(build_packet(wrong)) == Drop);
  wrong = back;
  wrong.protocol = kProtocolUdp;
  CHECK(bench.to_pod(build_packet(wrong)) == Drop);
  bench.forget();
  CHECK(bench.to_pod(build_packet(back)) == Drop);

  // what was denied opens nothing
  CHECK(bench.from_pod(build_packet(packet("10.0.0.1", "8.8.8.8", kProtocolTcp, 80))) == Drop);
  back.source_port = 80;
  CHECK(bench.to_pod(build_packet(back)) == Drop);
}

TEST_CASE("an echo reply needs its request, and only that one") {
  if (!kernel_is_here()) return;
  for (const bool v6 : {false, true}) {
    CAPTURE(v6);
    Bench bench;
    const char *pod = v6 ? "fd00::1" : "10.0.0.1", *far = v6 ? "2001:db8::8" : "8.8.8.8";
    const auto protocol = v6 ? kProtocolIcmpv6 : kProtocolIcmp;
    auto reply = packet(far, pod, protocol);
    reply.icmp_type = v6 ? 129 : 0;
    CHECK(bench.to_pod(build_packet(reply)) == Drop);
    CHECK(bench.from_pod(build_packet(packet(pod, far, protocol))) == Pass);
    CHECK(bench.to_pod(build_packet(reply)) == Pass);
    auto other = reply;
    other.icmp_id = 2;
    CHECK(bench.to_pod(build_packet(other)) == Drop);
    CHECK(bench.to_pod(build_packet(packet(far, pod, protocol))) == Drop);  // a request is no reply
  }
}

TEST_CASE("an ICMP error about a live connection passes, any other is judged") {
  if (!kernel_is_here()) return;
  for (const bool v6 : {false, true}) {
    CAPTURE(v6);
    Bench bench;
    const char *pod = v6 ? "fd00::1" : "10.0.0.1", *far = v6 ? "2001:db8::8" : "8.8.8.8";
    const auto query = build_packet(packet(pod, far, kProtocolUdp, 53));
    const auto error = build_icmp_error(at(far), at(pod), v6 ? 1 : 3, v6 ? 4 : 3, query);  // port unreachable
    CHECK(bench.to_pod(error) == Drop);
    CHECK(bench.event()->reason == NP_REASON_DEFAULT_DENY);
    CHECK(bench.from_pod(query) == Pass);
    CHECK(bench.to_pod(error) == Pass);
    CHECK(bench.to_pod(build_icmp_error(at(far), at(pod), v6 ? 1 : 3, v6 ? 4 : 3,
                                        build_packet(packet(pod, far, kProtocolUdp, 54)))) == Drop);
    auto cut = error;
    cut.resize(cut.size() - 6);
    CHECK(bench.to_pod(cut) == Drop);  // its length says more than there is
    // "fragmentation needed" and "packet too big" are path MTU discovery
    if (!v6)
      CHECK(bench.to_pod(build_icmp_error(at("10.9.9.9"), at(pod), 3, 4,
                                          build_packet(packet(pod, far, kProtocolTcp, 1)))) == Pass);
  }
}

TEST_CASE("ARP and neighbour discovery are none of policy's business") {
  if (!kernel_is_here()) return;
  Bench bench;
  CHECK(bench.to_pod(build_arp_request(at("10.0.0.4"), at("10.0.0.1"))) == Pass);
  CHECK(bench.from_pod(build_arp_request(at("10.0.0.1"), at("10.0.0.4"))) == Pass);
  for (const int type : {133, 134, 135, 136}) {
    auto spec = packet("fd00::4", "fd00::1", kProtocolIcmpv6);
    spec.icmp_type = static_cast<std::uint8_t>(type);
    auto frame = build_packet(spec);
    CAPTURE(type);
    CHECK(bench.to_pod(frame) == Pass);
    frame[14 + 7] = 64;  // a hop limit under 255: from beyond the link
    CHECK(bench.to_pod(frame) == Drop);
  }
}

TEST_CASE("fragments: the first is judged, later ones share its fate, others are dropped") {
  if (!kernel_is_here()) return;
  for (const bool v6 : {false, true}) {
    CAPTURE(v6);
    Bench bench;
    auto spec = v6 ? packet("fd00::3", "fd00::1", kProtocolUdp, 53) : packet("10.0.0.3", "10.0.0.1", kProtocolUdp, 53);
    spec.more_fragments = true;
    spec.payload = Bytes(64, 7);
    auto later = spec;
    later.fragment_offset = 9;
    later.more_fragments = false;
    CHECK(bench.to_pod(build_packet(later)) == Drop);
    CHECK(bench.event()->reason == NP_REASON_FRAGMENT_NOT_FOUND);
    CHECK(bench.to_pod(build_packet(spec)) == Pass);
    CHECK(bench.to_pod(build_packet(later)) == Pass);
    later.source = at(v6 ? "fd00::4" : "10.0.0.4");
    CHECK(bench.to_pod(build_packet(later)) == Drop);
    bench.forget();
    spec.destination_port = 54;
    CHECK(bench.to_pod(build_packet(spec)) == Drop);
    CHECK(bench.event()->reason == NP_REASON_DEFAULT_DENY);
    later.source = spec.source;
    CHECK(bench.to_pod(build_packet(later)) == Drop);
    CHECK(bench.event()->reason == NP_REASON_DEFAULT_DENY);
    bench.forget();
    CHECK(bench.to_pod(build_packet(later)) == Drop);
    CHECK(bench.event()->reason == NP_REASON_FRAGMENT_NOT_FOUND);
    CHECK(bench.dropped(NP_REASON_FRAGMENT_NOT_FOUND) == 3);
  }
}

TEST_CASE("an event has TCP's flags, where the packet has") {
  if (!kernel_is_here()) return;
  for (const bool v6 : {false, true}) {
    CAPTURE(v6);
    Bench bench;
    auto spec = v6 ? packet("fd00::4", "fd00::1", kProtocolTcp, 8080) : packet("10.0.0.4", "10.0.0.1", kProtocolTcp, 8080);
    for (const std::uint8_t flags : {kTcpSyn, kTcpAck, static_cast<std::uint8_t>(0xc3), std::uint8_t{0}}) {
      spec.tcp_flags = flags;
      CHECK(bench.to_pod(build_packet(spec)) == Drop);
      CHECK(bench.event()->tcp_flags == flags);
    }
    spec.tcp_flags = kTcpSyn;
    spec.more_fragments = true;
    spec.payload = Bytes(64, 7);
    CHECK(bench.to_pod(build_packet(spec)) == Drop);
    CHECK(bench.event()->tcp_flags == kTcpSyn);
    spec.fragment_offset = 9;
    CHECK(bench.to_pod(build_packet(spec)) == Drop);
    CHECK(bench.event()->destination_port == 8080);  // the first one's
    CHECK(bench.event()->tcp_flags == 0);
    spec = v6 ? packet("fd00::4", "fd00::1", kProtocolUdp, 8080) : packet("10.0.0.4", "10.0.0.1", kProtocolUdp, 8080);
    CHECK(bench.to_pod(build_packet(spec)) == Drop);
    CHECK(bench.event()->tcp_flags == 0);
  }
}

TEST_CASE("options and extension headers stand between the address and the port") {
  if (!kernel_is_here()) return;
  Bench bench;
  for (const int words : {1, 5, 10}) {
    CAPTURE(words);
    auto spec = packet("10.0.0.3", "10.0.0.1", kProtocolTcp, 8080);
    spec.ip4_option_words = static_cast<std::uint8_t>(words);
    CHECK(bench.to_pod(build_packet(spec)) == Pass);
    spec.destination_port = 80;
    CHECK(bench.to_pod(build_packet(spec)) == Drop);
    CHECK(bench.event()->destination_port == 80);
  }
  for (const std::vector<std::uint8_t>& chain :
       {std::vector<std::uint8_t>{0}, {60}, {0, 60, 43}, {0, 60, 60, 60, 60, 60, 60, 60}}) {
    CAPTURE(chain.size());
    auto spec = packet("fd00::3", "fd00::1", kProtocolTcp, 8080);
    spec.extensions = chain;
    CHECK(bench.to_pod(build_packet(spec)) == Pass);
    spec.destination_port = 80;
    CHECK(bench.to_pod(build_packet(spec)) == Drop);
    CHECK(bench.event()->destination_port == 80);
  }
  auto long_chain = packet("fd00::3", "fd00::1", kProtocolTcp, 8080);
  long_chain.extensions = std::vector<std::uint8_t>(9, 60);
  CHECK(bench.to_pod(build_packet(long_chain)) == Drop);
  CHECK(bench.event()->reason == NP_REASON_INVALID_EXTENSION);
}

TEST_CASE("what can't be parsed is dropped and counted, whatever was cut off") {
  if (!kernel_is_here()) return;
  Bench bench;
  std::uint64_t ran = 0;
  for (const bool v6 : {false, true})
    for (const std::uint8_t protocol :
         {kProtocolTcp, kProtocolUdp, kProtocolSctp, v6 ? kProtocolIcmpv6 : kProtocolIcmp}) {
      auto spec = v6 ? packet("fd00::3", "fd00::1", protocol, 8080) : packet("10.0.0.3", "10.0.0.1", protocol, 8080);
      const auto whole = build_packet(spec);
      for (std::size_t length = 15; length < whole.size(); ++length) {
        CAPTURE(length);
        CAPTURE(int{protocol});
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        const auto verdict = netpolc::loader::test_run(bench.object(), Side::ToPod, cut);
        if (!verdict) continue;  // some kernels refuse to run on less than an IP header
        ++ran;
        CHECK(*verdict == Drop);
      }
    }
  CHECK(ran > 100);
  CHECK(bench.dropped(NP_REASON_INVALID_PACKET) == ran);

  const auto bad = [&](Bytes frame, std::size_t byte, std::uint8_t value) {
    frame[byte] = value;
    return bench.to_pod(frame);
  };
  const auto tcp4 = build_packet(packet("10.0.0.3", "10.0.0.1", kProtocolTcp, 8080));
  const auto tcp6 = build_packet(packet("fd00::3", "fd00::1", kProtocolTcp, 8080));
  CHECK(bad(tcp4, 14, 0x65) == Drop);       // version 6 in an IPv4 frame
  CHECK(bad(tcp4, 14, 0x44) == Drop);       // a header of 16 bytes
  CHECK(bad(tcp4, 17, 10) == Drop);         // a total length under the header's
  CHECK(bad(tcp4, 34 + 12, 0x40) == Drop);  // a TCP header of 16 bytes
  CHECK(bad(tcp6, 14, 0x40) == Drop);
  CHECK(bad(tcp6, 18, 0xff) == Drop);  // a payload longer than the packet
  CHECK(bench.event()->reason == NP_REASON_INVALID_PACKET);
}

TEST_CASE("protocols without policy are dropped with their reason") {
  if (!kernel_is_here()) return;
  Bench bench;
  for (const int protocol : {2, 4, 41, 47, 50, 89, 255}) {
    auto spec = packet("10.0.0.3", "10.0.0.1", static_cast<std::uint8_t>(protocol));
    spec.payload = Bytes(40, 0);
    CAPTURE(protocol);
    CHECK(bench.to_pod(build_packet(spec)) == Drop);
    CHECK(bench.event()->reason == NP_REASON_UNKNOWN_L4);
  }
  CHECK(bench.to_pod(build_packet(packet("10.0.0.3", "10.0.0.1", kProtocolIcmpv6))) == Drop);  // of the other family
  CHECK(bench.event()->reason == NP_REASON_UNKNOWN_L4);
  for (const int ether_type : {0x8847, 0x8863, 0x88cc, 0x1234}) {
    CHECK(bench.to_pod(build_frame(static_cast<std::uint16_t>(ether_type), Bytes(46, 0))) == Drop);
    CHECK(bench.event()->reason == NP_REASON_UNSUPPORTED_L3);
    CHECK(bench.event()->family == 0);
  }
}

TEST_CASE("random bytes never pass unless they spell an allowed packet") {
  if (!kernel_is_here()) return;
  Bench bench;
  std::uint32_t state = 12345;  // the same bytes every time
  const auto random = [&] { return state = state * 1664525u + 1013904223u, static_cast<std::uint8_t>(state >> 24); };
  for (int round = 0; round < 3000; ++round) {
    Bytes content(static_cast<std::size_t>(40 + random() % 80));
    for (auto& byte : content) byte = random();
    const bool v6 = round % 2 == 0;
    content[0] = static_cast<std::uint8_t>((v6 ? 0x60 : 0x40) | (content[0] & 15));
    CAPTURE(round);
    // sources are random too: nobody known
    CHECK(bench.to_pod(build_frame(v6 ? 0x86dd : 0x0800, content)) == Drop);
  }
}

TEST_CASE("before the configuration is ready everything but ARP is dropped") {
  if (!kernel_is_here()) return;
  Bench bench;
  bench.set_ready(false);
  const auto allowed = build_packet(packet("10.0.0.3", "10.0.0.1", kProtocolTcp, 8080));
  CHECK(bench.to_pod(allowed) == Drop);
  CHECK(bench.event()->reason == NP_REASON_NO_CONFIG);
  CHECK(bench.to_pod(build_arp_request(at("10.0.0.3"), at("10.0.0.1"))) == Pass);
  bench.set_ready(true);
  CHECK(bench.to_pod(allowed) == Pass);
}

TEST_CASE("each drop reason has its own share of events, again in every tick, and all drops are counted") {
  if (!kernel_is_here()) return;
  cpu_set_t before, one;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  Bench bench;
  const auto limit = [&](std::uint32_t events, std::uint32_t tick_shift) {
    np_config config = read_config(bench.maps().map(NP_MAP_CONFIG)).value();
    config.event_limit = events;
    config.tick_shift = tick_shift;
    REQUIRE(set_config(bench.maps().map(NP_MAP_CONFIG), config));
  };
  const auto foe = build_packet(packet("10.0.0.4", "10.0.0.1", kProtocolTcp, 8080)), stray = build_packet(packet("10.0.0.3", "10.0.0.1", kProtocolTcp, 8081));
  const auto reported = [&](const Bytes& frame) {
    CHECK(bench.to_pod(frame) == Drop);
    return bench.event().has_value();
  };
  limit(2, 63);  // a tick that does not end
  CHECK(reported(foe));
  CHECK(reported(foe));
  CHECK_FALSE(reported(foe));
  CHECK(reported(stray));
  CHECK(bench.event()->time != 0);
  CHECK(reported(stray));
  CHECK_FALSE(reported(stray));
  limit(2, 0);  // one that ends with every jiffy, of which the longest has 10 ms
  usleep(30'000);
  CHECK(reported(foe));
  CHECK(bench.dropped(NP_REASON_DENY) == 4);
  CHECK(bench.dropped(NP_REASON_DEFAULT_DENY) == 3);
  CHECK(sched_setaffinity(0, sizeof before, &before) == 0);
}

TEST_CASE("a family that the cluster doesn't have is dropped, whatever policy says") {
  if (!kernel_is_here()) return;
  Bench bench;
  bench.set_ready(true, false);
  CHECK(bench.to_pod(build_packet(packet("10.0.0.3", "10.0.0.1", kProtocolTcp, 8080))) == Pass);
  CHECK(bench.to_pod(build_packet(packet("fd00::3", "fd00::1", kProtocolTcp, 8080))) == Drop);
  CHECK(bench.event()->reason == NP_REASON_UNSUPPORTED_L3);
  CHECK(bench.from_pod(build_packet(packet("fd00::1", "fd00::9", kProtocolTcp, 443))) == Drop);
  CHECK(bench.dropped(NP_REASON_UNSUPPORTED_L3) == 2);
}

TEST_CASE("a closed connection's ports are no way in for a new one") {
  if (!kernel_is_here()) return;
  Bench bench;
  auto out = packet("10.0.0.1", "8.8.8.8", kProtocolTcp, 443);
  auto back = packet("8.8.8.8", "10.0.0.1", kProtocolTcp, out.source_port);
  back.source_port = 443;
  CHECK(bench.from_pod(build_packet(out)) == Pass);
  back.tcp_flags = kTcpSyn | kTcpAck;
  CHECK(bench.to_pod(build_packet(back)) == Pass);
  out.tcp_flags = kTcpFin | kTcpAck;
  CHECK(bench.from_pod(build_packet(out)) == Pass);
  back.tcp_flags = kTcpFin | kTcpAck;
  CHECK(bench.to_pod(build_packet(back)) == Pass);
  back.tcp_flags = kTcpSyn;
  CHECK(bench.to_pod(build_packet(back)) == Drop);
}

TEST_CASE("a pod opens connections in its own name only") {
  if (!kernel_is_here()) return;
  Bench bench;
  const std::uint32_t self = 1;  // the interface of test runs
  const auto families = [&](std::uint32_t which) {
    REQUIRE(fill_interfaces(bench.maps().map(NP_MAP_INTERFACES), {{self, {kFriend, which}}}));
  };
  const auto from = [&](const char* source, std::uint16_t port) {
    const bool v6 = at(source).v6;
    return bench.from_pod(build_packet(packet(source, v6 ? "2001:db8::8" : "8.8.8.8", kProtocolUdp, port)));
  };
  families(NP_SOURCE_IPV4 | NP_SOURCE_IPV6);
  for (const char* own : {"10.0.0.3", "fd00::3", "fe80::3", "febf::1", "::"}) {
    CAPTURE(own);
    CHECK(from(own, 53) == Pass);
  }
  for (const char* other : {"10.0.0.4", "10.0.0.9", "192.168.0.1", "0.0.0.0", "fd00::4", "fd01::1", "fec0::1", "::1"}) {
    CAPTURE(other);
    CHECK(from(other, 53) == Drop);
    REQUIRE(bench.event());
    CHECK(bench.event()->reason == NP_REASON_INVALID_SOURCE);
    // and no answer to it is one
    auto answer = packet(at(other).v6 ? "2001:db8::8" : "8.8.8.8", other, kProtocolUdp, 40000);
    answer.source_port = 53;
    CHECK(bench.to_pod(build_packet(answer)) == Drop);
  }
  CHECK(from("10.0.0.4", 54) == Drop);
  CHECK(bench.event()->reason == NP_REASON_DEFAULT_DENY);  // policy comes first
  // the other direction is not asked: whoever sends to the pod is somebody else
  CHECK(bench.to_pod(build_packet(packet("10.0.0.3", "10.0.0.1", kProtocolUdp, 53))) == Pass);
  // answers to what came in are looked at only as such
  auto answer = packet("10.0.0.1", "10.0.0.3", kProtocolUdp, 40000);
  answer.source_port = 53;
  CHECK(bench.from_pod(build_packet(answer)) == Pass);
  families(NP_SOURCE_IPV6);
  CHECK(from("10.0.0.4", 53) == Pass);
  CHECK(from("fd00::4", 53) == Drop);
}
