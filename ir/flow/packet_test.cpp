#include "ir/flow/packet.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "ir/map_layout.h"

using namespace netpolc;
using namespace netpolc::ir::flow;

namespace {

using Frame = std::vector<std::uint8_t>;

Frame ethernet(std::uint16_t type, const Frame& rest) {
  Frame out(12, 2);
  out.push_back(static_cast<std::uint8_t>(type >> 8));
  out.push_back(static_cast<std::uint8_t>(type));
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

// 10.0.0.3:4000 > 10.0.0.1:8080, SYN.
Frame ipv4_tcp() {
  return {0x45, 0, 0, 40, 0, 7, 0, 0, 64, 6, 0, 0, 10, 0, 0, 3, 10, 0, 0, 1,  //
          0x0f, 0xa0, 0x1f, 0x90, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0, 9, 0, 0, 0, 0};
}

// fd00::3 > fd00::1, UDP 53 > 54, after `extensions`, of which the first is `next`.
Frame ipv6_udp(std::uint8_t next, const Frame& extensions) {
  Frame out{0x60, 0, 0, 0, 0, static_cast<std::uint8_t>(extensions.size() + 8), next, 64};
  for (const std::uint8_t last : {3, 1}) {
    out.insert(out.end(), {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last});
  }
  out.insert(out.end(), extensions.begin(), extensions.end());
  out.insert(out.end(), {0, 53, 0, 54, 0, 8, 0, 0});
  return out;
}

std::uint8_t reason(const Frame& frame) {
  const auto read = read_frame(frame);
  const auto* unreadable = std::get_if<Unreadable>(&read);
  return unreadable != nullptr ? unreadable->reason : NP_REASON_FORWARDED;
}
Packet packet(const Frame& frame) {
  const auto read = read_frame(frame);
  REQUIRE(std::holds_alternative<Packet>(read));
  return std::get<Packet>(read);
}

}  // namespace

TEST_CASE("a TCP packet is read, and every shorter one has a reason") {
  const Frame frame = ethernet(0x0800, ipv4_tcp());
  const Packet read = packet(frame);
  CHECK(read.source.to_string() == "10.0.0.3");
  CHECK(read.destination.to_string() == "10.0.0.1");
  CHECK(read.transport.source_port == 4000);
  CHECK(read.transport.destination_port == 8080);
  CHECK(read.transport.tcp_flags == kSyn);
  CHECK(!read.fragment);
  for (std::size_t length = 0; length < frame.size(); ++length) CHECK(reason(Frame(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length))) == NP_REASON_INVALID_PACKET);
}

TEST_CASE("what lies behind the packet's own length is no part of it") {
  Frame ip = ipv4_tcp();
  ip[3] = 39;  // a TCP header of 19 bytes
  CHECK(reason(ethernet(0x0800, ip)) == NP_REASON_INVALID_PACKET);
  Frame padded = ipv4_tcp();
  padded.insert(padded.end(), 20, 0);
  CHECK(reason(ethernet(0x0800, padded)) == NP_REASON_FORWARDED);
  Frame udp = ipv6_udp(17, {});
  udp[5] = 7;
  CHECK(reason(ethernet(0x86dd, udp)) == NP_REASON_INVALID_PACKET);
}

TEST_CASE("two VLAN tags are skipped, a third is too many") {
  Frame content = ipv4_tcp();
  content.insert(content.begin(), {0, 5, 0x08, 0x00});
  CHECK(reason(ethernet(0x8100, content)) == NP_REASON_FORWARDED);
  content.insert(content.begin(), {0, 6, 0x81, 0x00});
  CHECK(reason(ethernet(0x88a8, content)) == NP_REASON_FORWARDED);
  content.insert(content.begin(), {0, 7, 0x81, 0x00});
  CHECK(reason(ethernet(0x88a8, content)) == NP_REASON_UNSUPPORTED_L3);
}

TEST_CASE("versions and header lengths that contradict themselves are refused") {
  for (const std::uint8_t first : {0x55, 0x44, 0x4f, 0x65}) {
    Frame ip = ipv4_tcp();
    ip[0] = first;
    CHECK(reason(ethernet(0x0800, ip)) == NP_REASON_INVALID_PACKET);
  }
  Frame offset = ipv4_tcp();
  offset[32] = 0x40;
  CHECK(reason(ethernet(0x0800, offset)) == NP_REASON_INVALID_PACKET);
  Frame other = ipv4_tcp();
  other[9] = 47;
  CHECK(reason(ethernet(0x0800, other)) == NP_REASON_UNKNOWN_L4);
  other[9] = 58;  // ICMPv6 is not IPv4's
  CHECK(reason(ethernet(0x0800, other)) == NP_REASON_UNKNOWN_L4);
}

TEST_CASE("eight extension headers are walked, not nine") {
  Frame extensions;
  for (int i = 0; i < 8; ++i) {
    const std::uint8_t next = i == 7 ? 17 : 60;
    extensions.insert(extensions.end(), {next, 0, 1, 4, 0, 0, 0, 0});
  }
  CHECK(packet(ethernet(0x86dd, ipv6_udp(60, extensions))).transport.destination_port == 54);
  extensions.insert(extensions.begin(), {60, 0, 1, 4, 0, 0, 0, 0});
  CHECK(reason(ethernet(0x86dd, ipv6_udp(60, extensions))) == NP_REASON_INVALID_EXTENSION);
}

TEST_CASE("extension headers of all lengths") {
  CHECK(packet(ethernet(0x86dd, ipv6_udp(0, {17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))).protocol == kUdp);
  // An authentication header counts in words of four bytes, less two.
  CHECK(packet(ethernet(0x86dd, ipv6_udp(51, {17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))).protocol == kUdp);
  // One that goes beyond the packet leaves nothing to read.
  CHECK(reason(ethernet(0x86dd, ipv6_udp(60, {17, 9, 1, 4, 0, 0, 0, 0}))) == NP_REASON_INVALID_PACKET);
}

TEST_CASE("fragments") {
  Frame first = ipv4_tcp();
  first[6] = 0x20;
  CHECK(packet(ethernet(0x0800, first)).fragment == Fragment{.id = 7, .offset = 0, .more = true, .protocol = kTcp});
  Frame later = ipv4_tcp();
  later[7] = 2;
  const Packet read = packet(ethernet(0x0800, later));
  CHECK(read.is_later_fragment());
  CHECK(read.transport == Transport{});
  later[7] = 1;  // would overwrite the TCP flags
  CHECK(reason(ethernet(0x0800, later)) == NP_REASON_INVALID_PACKET);
  // A fragment header of a packet that is whole says nothing.
  CHECK(!packet(ethernet(0x86dd, ipv6_udp(44, {17, 0, 0, 0, 0, 0, 0, 9}))).fragment);
  CHECK(packet(ethernet(0x86dd, ipv6_udp(44, {17, 0, 0, 1, 0, 0, 0, 9}))).fragment == Fragment{.id = 9, .offset = 0, .more = true, .protocol = kUdp});
  CHECK(packet(ethernet(0x86dd, ipv6_udp(44, {17, 0, 0, 8, 0, 0, 0, 9}))).fragment->offset == 8);
}

TEST_CASE("an ICMP error quotes the beginning of a packet") {
  Frame icmp{0x45, 0, 0, 56, 0, 7, 0, 0, 64, 1, 0, 0, 10, 9, 9, 9, 10, 0, 0, 3, 3, 1, 0, 0, 0, 0, 0, 0};
  const Frame quoted = ipv4_tcp();
  icmp.insert(icmp.end(), quoted.begin(), quoted.begin() + 28);
  const Packet read = packet(ethernet(0x0800, icmp));
  REQUIRE(read.quoted);
  CHECK(read.quoted->source.to_string() == "10.0.0.3");
  CHECK(read.quoted->transport.destination_port == 8080);
  icmp[3] = 55;  // seven bytes of the transport header aren't enough
  CHECK(!packet(ethernet(0x0800, icmp)).quoted);
}

TEST_CASE("any bytes at all are read, or have a reason") {
  std::mt19937 random(1);
  int packets = 0, unreadable = 0;
  for (int i = 0; i < 50'000; ++i) {
    // Of some length that ends exactly where the memory does, which sanitizers watch.
    Frame frame = i % 2 == 0 ? ethernet(0x0800, ipv4_tcp()) : ethernet(0x86dd, ipv6_udp(60, {44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 9}));
    for (unsigned n = random() % 4; n > 0; --n) frame[14 + random() % (frame.size() - 14)] = static_cast<std::uint8_t>(random());
    if (random() % 4 == 0) frame.resize(random() % frame.size());
    const Frame exact(frame.begin(), frame.end());
    const auto read = read_frame(exact);
    packets += std::holds_alternative<Packet>(read);
    if (const auto* bad = std::get_if<Unreadable>(&read)) {
      ++unreadable;
      CHECK(bad->reason != NP_REASON_FORWARDED);
    }
  }
  CHECK(packets > 5000);
  CHECK(unreadable > 5000);
}
