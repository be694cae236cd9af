#include "runtime-loader/packet.h"

#include <algorithm>
#include <array>

namespace netpolc::loader {
namespace {

constexpr std::uint8_t kFragmentHeader = 44;
constexpr std::size_t kEthernetLength = 14;

void put16(Bytes& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}
void put(Bytes& out, const Address& address) {
  out.insert(out.end(), address.bytes.begin(), address.bytes.begin() + static_cast<std::ptrdiff_t>(address.size()));
}
void put(Bytes& out, const Bytes& bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
void set16(Bytes& out, std::size_t at, std::uint32_t value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}

std::uint32_t add_words(const Bytes& bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i < bytes.size(); i += 2)
    sum += static_cast<std::uint32_t>(bytes[i] << 8) | (i + 1 < bytes.size() ? bytes[i + 1] : 0u);
  return sum;
}
std::uint16_t fold(std::uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// RFC 793, 768, 8200: the sum covers both addresses, the protocol and the length.
std::uint16_t with_pseudo_header(const PacketSpec& spec, const Bytes& l4) {
  Bytes pseudo;
  put(pseudo, spec.source);
  put(pseudo, spec.destination);
  put32(pseudo, static_cast<std::uint32_t>(l4.size()));
  put32(pseudo, spec.protocol);
  return fold(add_words(l4, add_words(pseudo, 0)));
}

// RFC 9260 appendix A: CRC32c, stored little-endian.
std::uint32_t crc32c(const Bytes& bytes) {
  std::uint32_t crc = ~0u;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
  }
  return ~crc;
}

Bytes tcp(const PacketSpec& spec) {
  Bytes out;
  put16(out, spec.source_port);
  put16(out, spec.destination_port);
  put32(out, 1000);                              // sequence
  put32(out, spec.tcp_flags & kTcpAck ? 1 : 0);  // acknowledgement
  put16(out, 0x5000u | spec.tcp_flags);
  put16(out, 65535);
  put32(out, 0);  // checksum, urgent
  put(out, spec.payload);
  set16(out, 16, with_pseudo_header(spec, out));
  return out;
}

Bytes udp(const PacketSpec& spec) {
  Bytes out;
  put16(out, spec.source_port);
  put16(out, spec.destination_port);
  put16(out, static_cast<std::uint32_t>(8 + spec.payload.size()));
  put16(out, 0);
  put(out, spec.payload);
  const auto sum = with_pseudo_header(spec, out);
  set16(out, 6, sum == 0 ? 0xffff : sum);  // 0 means "no checksum"
  return out;
}

Bytes sctp(const PacketSpec& spec) {
  Bytes out;
  put16(out, spec.source_port);
  put16(out, spec.destination_port);
  put32(out, 0);  // an INIT has tag 0
  put32(out, 0);
  if (spec.payload.empty()) {
    put32(out, 0x01000014);  // INIT, 20 bytes: initiate tag, window, streams out and in, TSN
    put32(out, 7);
    put32(out, 65536);
    put32(out, 0x00010001);
    put32(out, 1);
  } else {
    put(out, spec.payload);
  }
  const auto crc = crc32c(out);
  for (int byte = 0; byte < 4; ++byte)
    out[8 + static_cast<std::size_t>(byte)] = static_cast<std::uint8_t>(crc >> (8 * byte));
  return out;
}

Bytes icmp(const PacketSpec& spec) {
  Bytes out{spec.icmp_type, spec.icmp_code, 0, 0};
  put16(out, spec.icmp_id);
  put16(out, spec.icmp_sequence);
  put(out, spec.payload);
  // Neighbour messages have a target address after the reserved word.
  if (spec.protocol == kProtocolIcmpv6 && (spec.icmp_type == 135 || spec.icmp_type == 136) && spec.payload.empty())
    put(out, spec.destination);
  set16(out, 2, spec.protocol == kProtocolIcmp ? fold(add_words(out, 0)) : with_pseudo_header(spec, out));
  return out;
}

Bytes l4_part(const PacketSpec& spec) {
  if (spec.fragment_offset != 0) return spec.payload;
  switch (spec.protocol) {
    case kProtocolTcp:
      return tcp(spec);
    case kProtocolUdp:
      return udp(spec);
    case kProtocolSctp:
      return sctp(spec);
    case kProtocolIcmp:
    case kProtocolIcmpv6:
      return icmp(spec);
  }
  return spec.payload;
}

Bytes ip4(const PacketSpec& spec, const Bytes& l4) {
  const std::size_t header = 20 + 4u * spec.ip4_option_words;
  Bytes out{static_cast<std::uint8_t>(0x40 | (header / 4)), 0};
  put16(out, static_cast<std::uint32_t>(header + l4.size()));
  put16(out, 1);
  put16(out, (spec.more_fragments ? 0x2000u : 0u) | spec.fragment_offset);
  out.push_back(64);
  out.push_back(spec.protocol);
  put16(out, 0);
  put(out, spec.source);
  put(out, spec.destination);
  out.resize(header, 1);  // option 1: no operation
  set16(out, 10, fold(add_words(out, 0)));
  put(out, l4);
  return out;
}

Bytes ip6(const PacketSpec& spec, const Bytes& l4) {
  std::vector<std::uint8_t> chain = spec.extensions;
  if (spec.fragment_offset != 0 || spec.more_fragments) chain.push_back(kFragmentHeader);
  Bytes extensions;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    extensions.push_back(i + 1 < chain.size() ? chain[i + 1] : spec.protocol);
    extensions.push_back(0);
    if (chain[i] == kFragmentHeader) {
      put16(extensions, static_cast<std::uint32_t>(spec.fragment_offset << 3) | (spec.more_fragments ? 1u : 0u));
      put32(extensions, 1);
    } else {
      put(extensions, Bytes{1, 4, 0, 0, 0, 0});  // PadN over the rest
    }
  }
  Bytes out;
  put32(out, 0x60000000);
  put16(out, static_cast<std::uint32_t>(extensions.size() + l4.size()));
  out.push_back(chain.empty() ? spec.protocol : chain.front());
  out.push_back(255);  // neighbour discovery insists on it
  put(out, spec.source);
  put(out, spec.destination);
  put(out, extensions);
  put(out, l4);
  return out;
}

}  // namespace

Bytes build_frame(std::uint16_t ether_type, const Bytes& content) {
  Bytes out{0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1};
  put16(out, ether_type);
  put(out, content);
  return out;
}

Bytes build_packet(const PacketSpec& spec) {
  const Bytes l4 = l4_part(spec);
  return spec.source.v6 ? build_frame(0x86dd, ip6(spec, l4)) : build_frame(0x0800, ip4(spec, l4));
}

Bytes build_icmp_error(const Address& source, const Address& destination, std::uint8_t type, std::uint8_t code,
                       const Bytes& offending) {
  PacketSpec spec;
  spec.source = source;
  spec.destination = destination;
  spec.protocol = source.v6 ? kProtocolIcmpv6 : kProtocolIcmp;
  spec.icmp_type = type;
  spec.icmp_code = code;
  spec.icmp_id = spec.icmp_sequence = 0;
  // RFC 792 asks for 8 bytes after the header at least, RFC 4443 for what fits: quote up to 512.
  const auto begin = offending.begin() + static_cast<std::ptrdiff_t>(std::min(kEthernetLength, offending.size()));
  spec.payload.assign(begin, offending.end());
  if (spec.payload.size() > 512) spec.payload.resize(512);
  return build_packet(spec);
}

Bytes build_arp_request(const Address& source, const Address& target) {
  Bytes out{0, 1, 8, 0, 6, 4, 0, 1, 0x02, 0, 0, 0, 0, 1};
  put(out, source);
  out.resize(out.size() + 6);
  put(out, target);
  return build_frame(0x0806, out);
}

}  // namespace netpolc::loader
