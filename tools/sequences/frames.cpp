// Packets as bytes.
#include <algorithm>

#include "tools/sequences/spell.h"

namespace netpolc::sequences {
namespace {

void put16(Frame& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
void put32(Frame& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}
void put(Frame& out, const Frame& bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
void put(Frame& out, const IpAddress& address) { out.insert(out.end(), address.bytes.begin(), address.bytes.begin() + (address.v6 ? 16 : 4)); }

Frame network_part(const Packet& packet, std::size_t& header_length);

Frame transport_part(const Packet& packet) {
  Frame out;
  if (packet.fragmented && packet.offset > 0) return Frame(packet.data, 0);
  if (packet.protocol == 6) {
    put16(out, packet.source_port);
    put16(out, packet.destination_port);
    put32(out, 1000);
    put32(out, 0);
    put16(out, 0x5000u | packet.tcp_flags);
    put16(out, 65535);
    put32(out, 0);
  } else if (packet.protocol == 17) {
    put16(out, packet.source_port);
    put16(out, packet.destination_port);
    put16(out, 8u + packet.data);
    put16(out, 0);
  } else if (packet.protocol == 132) {
    put16(out, packet.source_port);
    put16(out, packet.destination_port);
    put32(out, 0);
    put32(out, 0);
  } else if (packet.is_icmp()) {
    out = {packet.icmp_type, packet.icmp_code, 0, 0};
    put16(out, packet.icmp_id);
    put16(out, 1);
    std::size_t ignored = 0;
    if (packet.about) {
      Frame quoted = network_part(*packet.about, ignored);
      if (packet.about->cut) quoted.resize(std::min<std::size_t>(quoted.size(), *packet.about->cut));
      put(out, quoted);
    }
    if (packet.protocol == 58 && packet.icmp_type >= 135 && packet.icmp_type <= 136) put(out, packet.destination);
  }
  out.resize(out.size() + packet.data, 0);
  return out;
}

Frame ipv4(const Packet& packet, const Frame& transport, std::size_t& header_length) {
  header_length = 20 + 4u * packet.option_words;
  Frame out{static_cast<std::uint8_t>(0x40 | header_length / 4), 0};
  put16(out, static_cast<std::uint32_t>(static_cast<int>(header_length + transport.size()) + packet.length_delta) & 0xffff);
  put16(out, packet.fragmented ? packet.fragment_id & 0xffff : 1);
  put16(out, packet.fragmented ? (packet.more ? 0x2000u : 0u) | packet.offset : 0);
  out.push_back(packet.hop_limit.value_or(64));
  out.push_back(packet.protocol);
  put16(out, 0);
  put(out, packet.source);
  put(out, packet.destination);
  out.resize(header_length, 1);  // options: no operation
  put(out, transport);
  return out;
}

Frame ipv6(const Packet& packet, const Frame& transport, std::size_t& header_length) {
  std::vector<std::uint8_t> chain = packet.extensions;
  if (packet.fragmented && std::find(chain.begin(), chain.end(), 44) == chain.end()) chain.push_back(44);
  Frame extensions;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    extensions.push_back(i + 1 < chain.size() ? chain[i + 1] : packet.protocol);
    extensions.push_back(0);
    if (chain[i] == 44) {
      put16(extensions, packet.fragmented ? static_cast<std::uint32_t>(packet.offset << 3) | (packet.more ? 1u : 0u) : 0);
      put32(extensions, packet.fragment_id);
      if (packet.fragmented && packet.offset > 0) break;  // the rest is the transport's bytes
    } else {
      put(extensions, Frame{1, 4, 0, 0, 0, 0});  // PadN over the rest
    }
  }
  const bool later = packet.fragmented && packet.offset > 0;
  const bool neighbour = !later && packet.protocol == 58 && packet.icmp_type >= 133 && packet.icmp_type <= 136;
  Frame out;
  put32(out, 0x60000000);
  put16(out, static_cast<std::uint32_t>(static_cast<int>(extensions.size() + transport.size()) + packet.length_delta) & 0xffff);
  out.push_back(chain.empty() ? packet.protocol : chain.front());
  out.push_back(packet.hop_limit.value_or(neighbour ? 255 : 64));
  put(out, packet.source);
  put(out, packet.destination);
  put(out, extensions);
  header_length = out.size();
  put(out, transport);
  return out;
}

Frame network_part(const Packet& packet, std::size_t& header_length) {
  const Frame transport = transport_part(packet);
  return packet.source.v6 ? ipv6(packet, transport, header_length) : ipv4(packet, transport, header_length);
}

}  // namespace

Frame frame_of(const Packet& packet) {
  if (packet.kind == Packet::Kind::Raw) return packet.raw;
  Frame out{0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1};
  for (int tag = 0; tag < packet.tags; ++tag) {
    put16(out, tag + 1 < packet.tags ? 0x88a8 : 0x8100);
    put16(out, 5);
  }
  if (packet.kind == Packet::Kind::Arp) {
    put(out, Frame{0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1});
    out.resize(out.size() + 20, 0);
    return out;
  }
  put16(out, packet.source.v6 ? 0x86dd : 0x0800);
  std::size_t header_length = 0;
  const std::size_t ip = out.size();
  put(out, network_part(packet, header_length));
  out.resize(out.size() + packet.padding, 0);
  for (const Patch& patch : packet.patches) {
    const std::size_t at = patch.at + (patch.base == "frame" ? 0 : patch.base == "ip" ? ip : ip + header_length);
    for (std::size_t i = 0; i < patch.bytes.size() && at + i < out.size(); ++i) out[at + i] = patch.bytes[i];
  }
  if (packet.cut) out.resize(std::min<std::size_t>(out.size(), *packet.cut));
  return out;
}

}  // namespace netpolc::sequences
