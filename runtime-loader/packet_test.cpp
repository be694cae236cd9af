#include "runtime-loader/packet.h"

#include <doctest/doctest.h>

using namespace netpolc::loader;

namespace {

std::uint32_t ones_sum(const Bytes& bytes, std::size_t from) {
  std::uint32_t sum = 0;
  for (std::size_t i = from; i < bytes.size(); ++i) sum += i % 2 == from % 2 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

PacketSpec spec(const char* source, const char* destination) {
  PacketSpec out;
  out.source = *Address::parse(source);
  out.destination = *Address::parse(destination);
  out.destination_port = 80;
  return out;
}

}  // namespace

TEST_CASE("an IPv4 packet has a right header checksum and total length") {
  auto packet = build_packet(spec("10.0.0.1", "10.0.0.2"));
  REQUIRE(packet.size() == 14 + 20 + 20);
  CHECK(packet[14 + 3] == 40);
  const Bytes header(packet.begin() + 14, packet.begin() + 34);
  CHECK(ones_sum(header, 0) == 0xffff);
}

TEST_CASE("a TCP checksum covers the pseudo header") {
  for (const bool v6 : {false, true}) {
    const auto packet = v6 ? build_packet(spec("fd00::1", "fd00::2")) : build_packet(spec("10.0.0.1", "10.0.0.2"));
    const std::size_t addresses = v6 ? 14 + 8 : 14 + 12;
    Bytes covered(packet.begin() + static_cast<std::ptrdiff_t>(addresses), packet.end());
    covered.insert(covered.begin(), {0, 6, 0, 20});  // protocol and length
    CHECK(ones_sum(covered, 0) == 0xffff);
  }
}

TEST_CASE("extension headers are chained to the protocol") {
  auto wanted = spec("fd00::1", "fd00::2");
  wanted.extensions = {0, 60};
  wanted.more_fragments = true;
  const auto packet = build_packet(wanted);
  CHECK(packet[14 + 6] == 0);         // hop by hop first
  CHECK(packet[14 + 40] == 60);       // then destination options
  CHECK(packet[14 + 48] == 44);       // then the fragment header
  CHECK(packet[14 + 56] == 6);        // then TCP
  CHECK((packet[14 + 59] & 1) == 1);  // more to come
}
