// ir/flow/packet.h — a packet as the stateful model sees it, read from the bytes of an Ethernet
// frame. Written from the RFCs, for clarity; the programs in the kernel have a parser of their own
// and are held against this one.
//
// Promises: nothing outside of what the IP header says is the packet's is ever read (padding of
// short frames is not part of it); what can't be read has a reason. Pure, for any bytes.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "ir/base/ip.h"

namespace netpolc::ir::flow {

using Bytes = std::span<const std::uint8_t>;

inline constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpv6 = 58, kSctp = 132;
inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;
// Extension headers in front of the transport header, the fragment header among them.
inline constexpr int kMaxExtensions = 8;

// What the first bytes after the IP headers say. Ports for TCP, UDP and SCTP; the rest as named.
struct Transport {
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint8_t tcp_flags = 0;
  std::uint8_t icmp_type = 0, icmp_code = 0;
  std::uint16_t icmp_id = 0;
  bool operator==(const Transport&) const = default;
};

struct Fragment {
  std::uint32_t id = 0;
  std::uint32_t offset = 0;   // bytes
  bool more = false;          // others follow
  std::uint8_t protocol = 0;  // as the fragment names it; IPv6 may have headers before the transport's
  bool is_first() const { return offset == 0; }
  bool operator==(const Fragment&) const = default;
};

struct Headers {
  IpAddress source, destination;
  std::uint8_t protocol = 0;  // of the transport header
  std::uint8_t hop_limit = 0;
  std::optional<Fragment> fragment;  // where the packet is one of several
  Transport transport;               // nothing in later fragments
};

struct Packet : Headers {
  std::optional<Headers> quoted;  // what an ICMP error is about, if that can be read
  bool is_later_fragment() const { return fragment && !fragment->is_first(); }
  bool is_icmp() const { return protocol == kIcmp || protocol == kIcmpv6; }
};

struct Arp {};
struct Unreadable {
  std::uint8_t reason = 0;  // NP_REASON_* of ir/map_layout.h
  // Of IP packets; :: and 0.0.0.0 where the header is cut off.
  struct Addresses {
    IpAddress source, destination;
  };
  std::optional<Addresses> addresses = std::nullopt;
};

std::variant<Packet, Arp, Unreadable> read_frame(Bytes frame);

// Of ICMP or ICMPv6 messages. `answered_type`: the request that a type answers.
std::optional<std::uint8_t> answered_type(std::uint8_t protocol, std::uint8_t type);
bool is_query(std::uint8_t protocol, std::uint8_t type);  // has an identifier
bool is_error(std::uint8_t protocol, std::uint8_t type);

}  // namespace netpolc::ir::flow
