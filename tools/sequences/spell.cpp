// Packets as text.
#include "tools/sequences/spell.h"

#include <charconv>
#include <map>
#include <stdexcept>

namespace netpolc::sequences {
namespace {

const std::map<std::string, std::uint8_t> kProtocols{{"tcp", 6}, {"udp", 17}, {"sctp", 132}, {"icmp", 1}, {"icmp6", 58}};
constexpr std::string_view kFlags = "FSRPAU";  // from bit 0 on

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

template <class T>
T number(std::string_view text, int base = 10) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  T out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) fail("`" + std::string(text) + "` isn't a number that fits here");
  return out;
}

Frame from_hex(std::string_view text) {
  if (text.size() % 2 != 0) fail("bytes are two hex digits each");
  Frame out;
  for (std::size_t i = 0; i < text.size(); i += 2) out.push_back(number<std::uint8_t>(text.substr(i, 2), 16));
  return out;
}

IpAddress address(const std::string& text) {
  const auto parsed = IpAddress::parse(text);
  if (!parsed) fail("`" + text + "` isn't an address");
  return *parsed;
}

// 10.0.0.1:80, [fd00::1]:80, or an address alone.
void endpoint(const std::string& text, IpAddress& to, std::uint16_t& port) {
  const bool bracket = !text.empty() && text.front() == '[';
  const std::size_t colon = bracket ? text.find("]:") : text.find(':');
  if (!bracket && (colon == text.npos || text.find(':', colon + 1) != text.npos)) {
    to = address(text);
    return;
  }
  if (colon == text.npos) fail("`" + text + "`: a port is missing after ]");
  to = address(bracket ? text.substr(1, colon - 1) : text.substr(0, colon));
  port = number<std::uint16_t>(std::string_view(text).substr(colon + (bracket ? 2 : 1)));
}

std::string spell_endpoint(const Packet& packet, const IpAddress& at, std::uint16_t port) {
  const std::string text = at.to_string();
  if (!packet.has_ports() || (packet.fragmented && packet.offset > 0)) return text;
  return (at.v6 ? "[" + text + "]" : text) + ":" + std::to_string(port);
}

std::uint8_t flags(const std::string& text) {
  std::uint8_t out = 0;
  if (text == "-") return out;
  for (const char letter : text) {
    const std::size_t bit = kFlags.find(letter);
    if (bit == kFlags.npos) fail("`" + text + "` isn't a set of TCP flags (" + std::string(kFlags) + ", - for none)");
    out |= static_cast<std::uint8_t>(1 << bit);
  }
  return out;
}

Patch patch(const std::string& value) {
  const std::size_t plus = value.find('+'), colon = value.find(':');
  if (plus == value.npos || colon == value.npos || plus > colon) fail("set= wants ip+AT:HEX, l4+AT:HEX or frame+AT:HEX");
  Patch out{value.substr(0, plus), number<std::uint32_t>(std::string_view(value).substr(plus + 1, colon - plus - 1)), from_hex(std::string_view(value).substr(colon + 1))};
  if (out.base != "ip" && out.base != "l4" && out.base != "frame") fail("set= counts from ip, l4 or frame");
  return out;
}

void option(Packet& packet, const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == word.npos) fail("`" + word + "` is nothing that a packet has");
  const std::string name = word.substr(0, equals), value = word.substr(equals + 1);
  if (name == "vlan") packet.tags = number<std::uint8_t>(value);
  else if (name == "opts") packet.option_words = number<std::uint8_t>(value);
  else if (name == "hop") packet.hop_limit = number<std::uint8_t>(value);
  else if (name == "data") packet.data = number<std::uint16_t>(value);
  else if (name == "pad") packet.padding = number<std::uint16_t>(value);
  else if (name == "len") packet.length_delta = number<int>(value);
  else if (name == "cut") packet.cut = number<std::uint32_t>(value);
  else if (name == "id") packet.icmp_id = number<std::uint16_t>(value);
  else if (name == "fid") packet.fragment_id = number<std::uint32_t>(value);
  else if (name == "set") packet.patches.push_back(patch(value));
  else if (name == "frag") {
    packet.fragmented = true;
    packet.more = value.ends_with('+');
    packet.offset = number<std::uint16_t>(std::string_view(value).substr(0, value.size() - packet.more));
  } else if (name == "ext") {
    for (std::size_t at = 0; at <= value.size();) {
      const std::size_t comma = std::min(value.find(',', at), value.size());
      packet.extensions.push_back(number<std::uint8_t>(std::string_view(value).substr(at, comma - at)));
      at = comma + 1;
    }
  } else fail("a packet has no `" + name + "`");
}

}  // namespace

std::string to_hex(const Frame& bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) (out += digits[byte >> 4]) += digits[byte & 15];
  return out;
}

Packet parse_packet(const std::vector<std::string>& words) {
  Packet out;
  if (words.empty()) fail("a packet is missing");
  if (words[0] == "raw") {
    if (words.size() != 2) fail("raw wants the frame in hex");
    out.kind = Packet::Kind::Raw;
    out.raw = from_hex(words[1]);
    return out;
  }
  if (words[0] == "arp") {
    out.kind = Packet::Kind::Arp;
    for (std::size_t i = 1; i < words.size(); ++i) option(out, words[i]);
    return out;
  }
  if (words[0].starts_with("proto=")) {
    out.protocol = number<std::uint8_t>(std::string_view(words[0]).substr(6));
  } else {
    const auto found = kProtocols.find(words[0]);
    if (found == kProtocols.end()) fail("`" + words[0] + "` is no protocol (tcp, udp, sctp, icmp, icmp6, proto=N, arp, raw)");
    out.protocol = found->second;
  }
  if (words.size() < 4 || words[2] != ">") fail("after the protocol comes SOURCE > DESTINATION");
  endpoint(words[1], out.source, out.source_port);
  endpoint(words[3], out.destination, out.destination_port);
  if (out.source.v6 != out.destination.v6) fail("both addresses must be of one family");
  std::size_t at = 4;
  const bool first = at < words.size() && words[at].find('=') == std::string::npos && words[at] != "about";
  if (first && out.protocol == 6) out.tcp_flags = flags(words[at++]);
  else if (first && out.is_icmp()) {
    const std::size_t slash = words[at].find('/');
    if (slash == std::string::npos) fail("ICMP wants TYPE/CODE");
    out.icmp_type = number<std::uint8_t>(std::string_view(words[at]).substr(0, slash));
    out.icmp_code = number<std::uint8_t>(std::string_view(words[at]).substr(slash + 1));
    ++at;
  }
  for (; at < words.size(); ++at) {
    if (words[at] == "about") {
      out.about = std::make_shared<Packet>(parse_packet({words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end()}));
      break;
    }
    option(out, words[at]);
  }
  return out;
}

std::string print(const Packet& packet) {
  if (packet.kind == Packet::Kind::Raw) return "raw " + to_hex(packet.raw);
  if (packet.kind == Packet::Kind::Arp) return "arp" + (packet.tags ? " vlan=" + std::to_string(packet.tags) : std::string());
  std::string out = "proto=" + std::to_string(packet.protocol);
  for (const auto& [name, protocol] : kProtocols)
    if (protocol == packet.protocol) out = name;
  const bool later = packet.fragmented && packet.offset > 0;
  out += " " + spell_endpoint(packet, packet.source, packet.source_port) + " > " + spell_endpoint(packet, packet.destination, packet.destination_port);
  if (packet.protocol == 6 && !later) {
    std::string set;
    for (std::size_t bit = 0; bit < kFlags.size(); ++bit)
      if (packet.tcp_flags & 1u << bit) set += kFlags[bit];
    out += " " + (set.empty() ? "-" : set);
  }
  if (packet.is_icmp() && !later) {
    out += " " + std::to_string(packet.icmp_type) + "/" + std::to_string(packet.icmp_code);
    if (packet.icmp_id) out += " id=" + std::to_string(packet.icmp_id);
  }
  const auto add = [&](const char* name, long value) { out += std::string(" ") + name + "=" + std::to_string(value); };
  if (packet.tags) add("vlan", packet.tags);
  if (packet.option_words) add("opts", packet.option_words);
  for (std::size_t i = 0; i < packet.extensions.size(); ++i) out += (i ? "," : " ext=") + std::to_string(packet.extensions[i]);
  if (packet.fragmented) {
    add("frag", packet.offset);
    if (packet.more) out += "+";
    add("fid", packet.fragment_id);
  }
  if (packet.hop_limit) add("hop", *packet.hop_limit);
  if (packet.data) add("data", packet.data);
  if (packet.padding) add("pad", packet.padding);
  if (packet.length_delta) add("len", packet.length_delta);
  if (packet.cut) add("cut", *packet.cut);
  for (const Patch& change : packet.patches) out += " set=" + change.base + "+" + std::to_string(change.at) + ":" + to_hex(change.bytes);
  if (packet.about) out += " about " + print(*packet.about);
  return out;
}

}  // namespace netpolc::sequences
