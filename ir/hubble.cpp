#include "ir/hubble.h"

#include <iterator>

#include "ir/icmp_names.h"

namespace netpolc::ir::hubble {
namespace {

// The longest of its names ("Echo", "EchoRequest"), else its number.
std::string icmp_type(std::uint16_t number, bool v6) {
  std::string_view found;
  for (const IcmpName& one : kIcmpNames)
    if ((v6 ? one.v6 : one.v4) == number && one.name.size() > found.size()) found = one.name;
  return found.empty() ? std::to_string(number) : std::string(found);
}

}  // namespace

const char* to_string(MatchType type) {
  switch (type) {
    case MatchType::None: return "none";
    case MatchType::L3Only: return "L3-Only";
    case MatchType::L3L4: return "L3-L4";
    case MatchType::L4Only: return "L4-Only";
    case MatchType::All: return "all";
    case MatchType::L3Proto: return "L3-Proto";
    case MatchType::ProtoOnly: return "Proto-Only";
  }
  return "none";
}

MatchType match_type(int ports, bool peers) {
  constexpr MatchType kNamed[] = {MatchType::L3Only, MatchType::L3Proto, MatchType::L3L4}, kUnnamed[] = {MatchType::All, MatchType::ProtoOnly, MatchType::L4Only};
  return (peers ? kNamed : kUnnamed)[ports];
}

const char* reserved_name(std::uint32_t identity) {
  static constexpr const char* kNames[] = {"unknown",     "host",           "world",   "unmanaged",  "health",     "init",
                                           "remote-node", "kube-apiserver", "ingress", "world-ipv4", "world-ipv6", "overlay-to-world"};
  return identity < std::size(kNames) ? kNames[identity] : "";
}

std::string at(const std::string& name, bool v6, std::optional<std::uint16_t> port) {
  if (!port) return name;
  return (v6 ? "[" + name + "]" : name) + ":" + std::to_string(*port);
}

std::string tcp_flags(std::uint8_t flags) {
  std::string out;
  for (const TcpFlag& flag : kTcpFlags)
    if ((flags & flag.bit) != 0) out += (out.empty() ? "" : ", ") + std::string(flag.name);
  return out;
}

std::string summary(Protocol protocol, std::uint16_t number, std::uint8_t flags) {
  switch (protocol) {
    case Protocol::Tcp: return flags == 0 ? std::string("TCP") : "TCP Flags: " + tcp_flags(flags);
    case Protocol::Icmp: return "ICMPv4 " + icmp_type(number, false);
    case Protocol::Icmpv6: return "ICMPv6 " + icmp_type(number, true);
    default: return ir::to_string(protocol);
  }
}

std::string policy_verdict(const char* match, Direction direction, const char* word, const std::string& summary) {
  return std::string("policy-verdict:") + match + (direction == Direction::Egress ? " EGRESS " : " INGRESS ") + word + " (" + summary + ")";
}

std::vector<std::string> policy_labels(const std::string& kind, const std::string& ns, const std::string& name) {
  const std::string prefix = "k8s:io.cilium.k8s.policy.";
  std::vector<std::string> out = {prefix + "derived-from=" + kind, prefix + "name=" + name};
  if (!ns.empty()) out.push_back(prefix + "namespace=" + ns);
  return out;
}

}  // namespace netpolc::ir::hubble
