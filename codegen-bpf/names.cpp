#include "codegen-bpf/names.h"

#include <set>

namespace netpolc::codegen_bpf {
namespace {

constexpr std::size_t kLongestName = 56;

bool alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Words that say nothing to someone who reads a policy.
std::string without_noise(std::string text) {
  for (const std::string_view noise : {"k8s:io.kubernetes.pod.", "k8s:io.cilium.k8s.policy.", "k8s:io.cilium.k8s.", "any:", "k8s:", "io.kubernetes.pod.", " in ", " exists"})
    for (std::size_t at = text.find(noise); at != std::string::npos; at = text.find(noise, at)) text.replace(at, noise.size(), " ");
  return text;
}

std::string upper_snake(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (alphanumeric(c)) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    else if (!out.empty() && out.back() != '_') out += '_';
    if (out.size() >= kLongestName) break;
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

// "app in (web)" → "app=web"; lists of values stay as they are.
std::string equalities(std::string text) {
  constexpr std::string_view in = " in (";
  for (std::size_t at = 0; (at = text.find(in, at)) != std::string::npos; ++at) {
    const std::size_t end = text.find_first_of(",)", at);
    if (end == std::string::npos || text[end] == ',') continue;
    text.replace(end, 1, "");
    text.replace(at, in.size(), "=");
  }
  return text;
}

}  // namespace

std::vector<std::string> peer_names(const std::vector<ir::PeerBit>& bits, std::string_view prefix) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (std::size_t bit = 0; bit < bits.size(); ++bit) {
    std::string name = std::string(prefix) + "_" + (bit == 0 ? "EVERYONE" : upper_snake(without_noise(bits[bit].text)));
    if (name.back() == '_') name += "PEER";
    if (taken.count(name)) name += "_BIT" + std::to_string(bit);
    while (!taken.insert(name).second) name += "_";
    names.push_back(std::move(name));
  }
  return names;
}

std::string comment_text(std::string_view text) {
  std::string out;
  for (const char c : equalities(std::string(text))) {
    const bool printable = c >= ' ' && c != 0x7f;
    const bool closes = !out.empty() && ((out.back() == '*' && c == '/') || (out.back() == '/' && c == '*'));
    if (closes) out += ' ';
    out += printable ? c : '?';
  }
  if (!out.empty() && out.back() == '*') out += ' ';
  return out;
}

std::string protocol_constant(ir::Protocol protocol) {
  switch (protocol) {
    case ir::Protocol::Tcp: return "NP_TCP";
    case ir::Protocol::Udp: return "NP_UDP";
    case ir::Protocol::Sctp: return "NP_SCTP";
    case ir::Protocol::Icmp: return "NP_ICMP";
    case ir::Protocol::Icmpv6: return "NP_ICMPV6";
    // never reach a policy: the runtime drops them (semantics 8.7)
    case ir::Protocol::Any:
    case ir::Protocol::Vrrp:
    case ir::Protocol::Igmp:
    case ir::Protocol::Gre:
    case ir::Protocol::Ipip:
    case ir::Protocol::Ipv6:
    case ir::Protocol::Esp:
    case ir::Protocol::Ah: break;
  }
  return "NP_OTHER";
}

std::string port_range(std::uint16_t first, std::uint16_t last) {
  return first == last ? std::to_string(first) : std::to_string(first) + " ... " + std::to_string(last);
}

std::string icmp_comment(ir::Protocol protocol, std::uint16_t type) {
  struct Name {
    std::uint16_t type;
    const char* name;
  };
  static constexpr Name v4[] = {{0, "EchoReply"}, {3, "DestinationUnreachable"}, {5, "Redirect"}, {8, "EchoRequest"},
                                {11, "TimeExceeded"}, {12, "ParameterProblem"}, {13, "Timestamp"}, {14, "TimestampReply"}};
  static constexpr Name v6[] = {{1, "DestinationUnreachable"}, {2, "PacketTooBig"}, {3, "TimeExceeded"}, {4, "ParameterProblem"},
                                {128, "EchoRequest"}, {129, "EchoReply"}, {133, "RouterSolicitation"}, {134, "RouterAdvertisement"},
                                {135, "NeighborSolicitation"}, {136, "NeighborAdvertisement"}, {137, "RedirectMessage"}};
  const auto find = [&](const auto& names) {
    for (const Name& known : names)
      if (known.type == type) return std::string(" /* ") + known.name + " */";
    return std::string();
  };
  if (protocol == ir::Protocol::Icmp) return find(v4);
  return protocol == ir::Protocol::Icmpv6 ? find(v6) : "";
}

std::string verdict_constant(const ir::TableEntry& entry) {
  const char* verdict = entry.action == ir::Action::Deny ? "NP_DENY(" : entry.l7 != ir::L7Parser::None ? "NP_L7(" : "NP_ALLOW(";
  return verdict + std::to_string(entry.rule) + ")";
}

}  // namespace netpolc::codegen_bpf
