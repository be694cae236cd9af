#include "codegen-bpf/l4_layout.h"

#include <algorithm>

namespace netpolc::codegen_bpf {
namespace {

// The protocols that reach policy (semantics 8.7); the rest is dropped before it.
constexpr ir::Protocol kJudged[] = {ir::Protocol::Tcp, ir::Protocol::Udp, ir::Protocol::Sctp, ir::Protocol::Icmp, ir::Protocol::Icmpv6};

std::uint16_t highest(ir::Protocol protocol) {
  return protocol == ir::Protocol::Icmp || protocol == ir::Protocol::Icmpv6 ? 255 : 65535;
}

void add_range(PortGroup& group, std::uint16_t first, std::uint16_t last) {
  if (!group.ranges.empty() && group.ranges.back().second + 1 == first) group.ranges.back().second = last;
  else group.ranges.emplace_back(first, last);
}

std::vector<PortGroup> ports_of(const ir::DirectionTable& table, ir::Protocol protocol) {
  const bool own = std::any_of(table.classes.begin(), table.classes.end(), [&](const auto& c) { return c.protocol == protocol; });
  const std::uint16_t limit = highest(protocol);
  std::vector<PortGroup> groups;
  for (const ir::L4Class& c : table.classes) {
    if (c.protocol != (own ? protocol : ir::Protocol::Any) || c.first > limit) continue;
    auto group = std::find_if(groups.begin(), groups.end(), [&](const PortGroup& g) { return g.entries == c.entries; });
    if (group == groups.end()) group = groups.insert(groups.end(), PortGroup{{}, c.entries});
    add_range(*group, c.first, std::min(c.last, limit));
  }
  auto widest = std::max_element(groups.begin(), groups.end(), [](const PortGroup& a, const PortGroup& b) { return a.width() < b.width(); });
  if (widest != groups.end()) std::rotate(widest, widest + 1, groups.end());
  return groups;
}

// Ranges only matter where they tell groups apart: one group covers every port of any protocol.
bool alike(const std::vector<PortGroup>& a, const std::vector<PortGroup>& b) {
  if (a.size() == 1 && b.size() == 1) return a[0].entries == b[0].entries;
  return a == b;
}

}  // namespace

std::uint32_t PortGroup::width() const {
  std::uint32_t sum = 0;
  for (const auto& [first, last] : ranges) sum += last - first + 1u;
  return sum;
}

std::vector<ProtocolGroup> lay_out(const ir::DirectionTable& table) {
  std::vector<ProtocolGroup> out;
  for (const ir::Protocol protocol : kJudged) {
    std::vector<PortGroup> ports = ports_of(table, protocol);
    const bool nothing = std::all_of(ports.begin(), ports.end(), [](const PortGroup& g) { return g.entries.empty(); });
    if (nothing) continue;
    auto same = std::find_if(out.begin(), out.end(), [&](const ProtocolGroup& g) { return alike(g.ports, ports); });
    if (same != out.end()) same->protocols.push_back(protocol);
    else out.push_back({{protocol}, std::move(ports)});
  }
  return out;
}

}  // namespace netpolc::codegen_bpf
