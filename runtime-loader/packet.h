// runtime-loader/packet.h — packets written as one says them, with right lengths and checksums:
// what tests feed to a program through BPF_PROG_TEST_RUN. Pure.
#pragma once
#include <cstdint>
#include <vector>

#include "runtime-loader/address.h"

namespace netpolc::loader {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::uint8_t kProtocolIcmp = 1, kProtocolTcp = 6, kProtocolUdp = 17, kProtocolIcmpv6 = 58,
                              kProtocolSctp = 132;
inline constexpr std::uint8_t kTcpFin = 1, kTcpSyn = 2, kTcpRst = 4, kTcpAck = 16;

struct PacketSpec {
  Address source, destination;  // of one family
  std::uint8_t protocol = kProtocolTcp;
  std::uint16_t source_port = 40000;
  std::uint16_t destination_port = 0;
  std::uint8_t tcp_flags = kTcpSyn;
  std::uint8_t icmp_type = 0, icmp_code = 0;
  std::uint16_t icmp_id = 1, icmp_sequence = 1;
  Bytes payload;  // after the L4 header; the whole L4 part for protocols not named above

  // Shapes that parsers get wrong.
  std::uint16_t fragment_offset = 0;  // in units of 8 bytes; IPv6 gets a fragment header
  bool more_fragments = false;
  std::uint8_t ip4_option_words = 0;     // no-operation options, 0 to 10
  std::vector<std::uint8_t> extensions;  // IPv6: numbers of 8-byte extension headers in front of L4 (0, 43, 60)
};

// Ethernet frame. Later fragments carry `payload` only.
Bytes build_packet(const PacketSpec& spec);
// The ICMP or ICMPv6 error `type`/`code` that quotes `offending` (an Ethernet frame as built
// above), from `source` to `destination`.
Bytes build_icmp_error(const Address& source, const Address& destination, std::uint8_t type, std::uint8_t code,
                       const Bytes& offending);
Bytes build_arp_request(const Address& source, const Address& target);
// Any EtherType with any content.
Bytes build_frame(std::uint16_t ether_type, const Bytes& content);

}  // namespace netpolc::loader
