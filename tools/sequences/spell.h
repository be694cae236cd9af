// tools/sequences/spell.h — packets as one writes them, and their bytes:
//
//   tcp 10.0.0.3:4000 > 10.0.0.1:8080 SA          flags of FSRPAU, - for none
//   udp [fd00::3]:4000 > [fd00::1]:53 frag=0+ fid=7   a first fragment, others follow (+)
//   udp 10.0.0.3 > 10.0.0.1 frag=3 fid=7              a later one, at 3 * 8 bytes
//   icmp 10.0.0.3 > 10.0.0.1 8/0 id=7             type/code; icmp6 for ICMPv6
//   icmp 10.9.9.9 > 10.0.0.1 3/1 about tcp 10.0.0.1:80 > 10.0.0.3:4000 S   an error and what it quotes
//   proto=47 10.0.0.3 > 10.0.0.1                  any other protocol
//   arp                    raw 0200…              a whole frame in hex
//
// And, for every kind but arp and raw:
//   vlan=2      VLAN tags           opts=3       IPv4 options, in words     ext=0,60  IPv6 extension headers
//   data=24     bytes of payload    hop=255      TTL or hop limit           len=-4    added to the IP length field
//   pad=6       bytes behind it     cut=40       only so many bytes of the frame
//   set=ip+0:55 bytes changed, counted from the frame, ip or l4
// Extension headers are eight bytes each. 44 among them is the fragment header, of a packet that is
// whole where there is no frag=; without it, fragments have theirs at the end. Checksums are zero:
// programs don't look at them.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/base/ip.h"

namespace netpolc::sequences {

using Frame = std::vector<std::uint8_t>;

struct Patch {
  std::string base;  // "frame", "ip", "l4"
  std::uint32_t at = 0;
  Frame bytes;
};

struct Packet {
  enum class Kind : std::uint8_t { Ip, Arp, Raw } kind = Kind::Ip;
  std::uint8_t protocol = 6;
  IpAddress source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint8_t tcp_flags = 0;
  std::uint8_t icmp_type = 0, icmp_code = 0;
  std::uint16_t icmp_id = 0;
  std::shared_ptr<const Packet> about;

  std::uint8_t tags = 0, option_words = 0;
  std::vector<std::uint8_t> extensions;
  bool fragmented = false, more = false;
  std::uint16_t offset = 0;  // in units of eight bytes
  std::uint32_t fragment_id = 1;
  std::optional<std::uint8_t> hop_limit;
  std::uint16_t data = 0, padding = 0;
  int length_delta = 0;
  std::optional<std::uint32_t> cut;
  std::vector<Patch> patches;
  Frame raw;

  bool has_ports() const { return protocol == 6 || protocol == 17 || protocol == 132; }
  bool is_icmp() const { return protocol == 1 || protocol == 58; }
};

Frame frame_of(const Packet& packet);
std::string print(const Packet& packet);
// Throws std::runtime_error that says what doesn't fit.
Packet parse_packet(const std::vector<std::string>& words);

std::string to_hex(const Frame& bytes);

}  // namespace netpolc::sequences
