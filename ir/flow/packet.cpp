#include "ir/flow/packet.h"

#include <algorithm>

#include "ir/map_layout.h"

namespace netpolc::ir::flow {
namespace {

constexpr std::size_t kEthernetLength = 14, kTagLength = 4, kIpv4Length = 20, kIpv6Length = 40;
constexpr int kMaxTags = 2;

std::uint16_t be16(Bytes bytes, std::size_t at) { return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]); }
std::uint32_t be32(Bytes bytes, std::size_t at) { return std::uint32_t{be16(bytes, at)} << 16 | be16(bytes, at + 2); }

IpAddress address_at(Bytes bytes, std::size_t at, bool v6) {
  IpAddress out{.v6 = v6};
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), v6 ? 16 : 4, out.bytes.begin());
  return out;
}

// IP headers, and what is behind them: the rest of the packet as far as its length goes.
struct Opened {
  Headers headers;
  Bytes payload;
};
using Opening = std::variant<Opened, Unreadable>;
constexpr Unreadable kInvalid{NP_REASON_INVALID_PACKET};

// `whole`: the packet is all here. Of a quoted one only its beginning is.
Opening open_ipv4(Bytes bytes, bool whole) {
  if (bytes.size() < kIpv4Length || bytes[0] >> 4 != 4) return kInvalid;
  const std::size_t header = (bytes[0] & 15u) * 4;
  if (header < kIpv4Length) return kInvalid;
  if (whole) {
    std::size_t total = be16(bytes, 2);
    // Segments that the kernel holds together may be longer than the field can say.
    if (total == 0 && bytes.size() > 0xffff) total = bytes.size();
    if (total < header || total > bytes.size()) return kInvalid;
    bytes = bytes.first(total);
  }
  Opened out;
  Headers& headers = out.headers;
  headers.source = address_at(bytes, 12, false);
  headers.destination = address_at(bytes, 16, false);
  headers.protocol = bytes[9];
  headers.hop_limit = bytes[8];
  const std::uint16_t fragment = be16(bytes, 6);
  const bool more = fragment & 0x2000;
  const std::uint32_t offset = (fragment & 0x1fffu) * 8;
  if (more || offset > 0) headers.fragment = Fragment{.id = be16(bytes, 4), .offset = offset, .more = more, .protocol = headers.protocol};
  out.payload = bytes.subspan(std::min(header, bytes.size()));
  return out;
}

bool is_extension(std::uint8_t next) {
  constexpr std::uint8_t hop_by_hop = 0, routing = 43, fragment = 44, authentication = 51, destination = 60;
  return next == hop_by_hop || next == routing || next == fragment || next == authentication || next == destination;
}

std::size_t extension_length(std::uint8_t kind, std::uint8_t field) {
  if (kind == 44) return 8;
  return kind == 51 ? (field + 2u) * 4 : (field + 1u) * 8;
}

Opening open_ipv6(Bytes bytes, bool whole) {
  if (bytes.size() < kIpv6Length || bytes[0] >> 4 != 6) return kInvalid;
  if (whole) {
    std::size_t total = kIpv6Length + be16(bytes, 4);
    if (total == kIpv6Length && bytes.size() > kIpv6Length + 0xffff) total = bytes.size();
    if (total > bytes.size()) return kInvalid;
    bytes = bytes.first(total);
  }
  Opened out;
  Headers& headers = out.headers;
  headers.source = address_at(bytes, 8, true);
  headers.destination = address_at(bytes, 24, true);
  headers.hop_limit = bytes[7];
  headers.protocol = bytes[6];
  out.payload = bytes.subspan(kIpv6Length);
  for (int seen = 0; is_extension(headers.protocol); ++seen) {
    if (seen == kMaxExtensions) return Unreadable{NP_REASON_INVALID_EXTENSION};
    if (out.payload.size() < 8) return kInvalid;
    const std::uint8_t kind = headers.protocol;
    headers.protocol = out.payload[0];
    if (kind == 44) {
      const std::uint16_t field = be16(out.payload, 2);
      const Fragment fragment{.id = be32(out.payload, 4), .offset = field & 0xfff8u, .more = (field & 1) != 0, .protocol = headers.protocol};
      // A packet may say that it is its own only fragment (RFC 6946).
      headers.fragment = fragment.more || fragment.offset > 0 ? std::optional(fragment) : std::nullopt;
      if (!fragment.is_first()) return out;  // what follows is anything
    }
    out.payload = out.payload.subspan(std::min(extension_length(kind, out.payload[1]), out.payload.size()));
  }
  return out;
}

Opening open(Bytes bytes, bool v6, bool whole) { return v6 ? open_ipv6(bytes, whole) : open_ipv4(bytes, whole); }

// Enough of any transport header to tell what it belongs to: its first eight bytes.
Transport read_start(std::uint8_t protocol, Bytes bytes) {
  Transport out;
  if (protocol == kIcmp || protocol == kIcmpv6) {
    out.icmp_type = bytes[0];
    out.icmp_code = bytes[1];
    out.icmp_id = be16(bytes, 4);
  } else {
    out.source_port = be16(bytes, 0);
    out.destination_port = be16(bytes, 2);
  }
  return out;
}

// How long the header is at least; 0: policy knows no such protocol in this family.
std::size_t least_length(std::uint8_t protocol, bool v6) {
  switch (protocol) {
    case kTcp: return 20;
    case kUdp: return 8;
    case kSctp: return 12;
    case kIcmp: return v6 ? 0 : 8;
    case kIcmpv6: return v6 ? 8 : 0;
    default: return 0;
  }
}

std::optional<Headers> read_quoted(Bytes bytes, bool v6) {
  const Opening opening = open(bytes, v6, false);
  const Opened* opened = std::get_if<Opened>(&opening);
  if (opened == nullptr || opened->payload.size() < 8) return std::nullopt;
  if (opened->headers.fragment && !opened->headers.fragment->is_first()) return std::nullopt;
  Headers out = opened->headers;
  out.transport = read_start(out.protocol, opened->payload);
  return out;
}

std::variant<Packet, Arp, Unreadable> read_whole(Bytes bytes, bool v6) {
  const Opening opening = open(bytes, v6, true);
  if (const auto* unreadable = std::get_if<Unreadable>(&opening)) return *unreadable;
  const auto& [headers, payload] = std::get<Opened>(opening);
  Packet out{headers, std::nullopt};
  if (out.is_later_fragment()) {
    // It would overwrite the flags of the first one's TCP header (RFC 3128).
    if (out.fragment->protocol == kTcp && out.fragment->offset == 8) return kInvalid;
    return out;
  }
  const std::size_t least = least_length(out.protocol, v6);
  if (least == 0) return Unreadable{NP_REASON_UNKNOWN_L4};
  if (payload.size() < least) return kInvalid;
  out.transport = read_start(out.protocol, payload);
  if (out.protocol == kTcp) {
    if (payload[12] >> 4 < 5) return kInvalid;
    out.transport.tcp_flags = payload[13];
  }
  if (out.is_icmp() && is_error(out.protocol, out.transport.icmp_type)) out.quoted = read_quoted(payload.subspan(8), v6);
  return out;
}

// Whom a packet is from and to can be said of many that can't be read further.
std::variant<Packet, Arp, Unreadable> read_packet(Bytes bytes, bool v6) {
  auto out = read_whole(bytes, v6);
  if (auto* unreadable = std::get_if<Unreadable>(&out)) {
    Unreadable::Addresses& both = unreadable->addresses.emplace(IpAddress{.v6 = v6}, IpAddress{.v6 = v6});
    if (bytes.size() >= (v6 ? kIpv6Length : kIpv4Length)) both = {address_at(bytes, v6 ? 8 : 12, v6), address_at(bytes, v6 ? 24 : 16, v6)};
  }
  return out;
}

}  // namespace

std::optional<std::uint8_t> answered_type(std::uint8_t protocol, std::uint8_t type) {
  if (protocol == kIcmpv6) return type == 129 ? std::optional<std::uint8_t>(128) : std::nullopt;
  switch (type) {
    case 0: return 8;    // echo
    case 14: return 13;  // timestamp
    case 16: return 15;  // information
    case 18: return 17;  // address mask
    default: return std::nullopt;
  }
}

bool is_query(std::uint8_t protocol, std::uint8_t type) {
  if (protocol == kIcmpv6) return type == 128;
  return type == 8 || type == 13 || type == 15 || type == 17;
}

bool is_error(std::uint8_t protocol, std::uint8_t type) {
  if (protocol == kIcmpv6) return type >= 1 && type <= 4;
  return type == 3 || type == 11 || type == 12;
}

std::variant<Packet, Arp, Unreadable> read_frame(Bytes frame) {
  constexpr Unreadable unsupported{NP_REASON_UNSUPPORTED_L3};
  if (frame.size() < kEthernetLength) return kInvalid;
  std::uint16_t type = be16(frame, 12);
  Bytes rest = frame.subspan(kEthernetLength);
  for (int tags = 0; (type == 0x8100 || type == 0x88a8) && tags < kMaxTags; ++tags) {
    if (rest.size() < kTagLength) return unsupported;  // nobody knows what it would have been
    type = be16(rest, 2);
    rest = rest.subspan(kTagLength);
  }
  switch (type) {
    case 0x0806: return Arp{};
    case 0x0800: return read_packet(rest, false);
    case 0x86dd: return read_packet(rest, true);
    default: return unsupported;
  }
}

}  // namespace netpolc::ir::flow
