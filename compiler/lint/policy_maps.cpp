#include "compiler/lint/policy_maps.h"

#include <algorithm>
#include <unordered_set>

namespace netpolc::lint {
namespace {

// One row of the map: whom, and which ports. Prefixes of ports as the map has them.
using Key = std::uint64_t;
constexpr std::uint64_t kEveryone = 0;

std::uint64_t key_of_ports(ir::Protocol protocol, std::uint16_t from, int free_bits) {
  return (static_cast<std::uint64_t>(protocol) << 24U) | (static_cast<std::uint64_t>(from) << 8U) | static_cast<std::uint64_t>(free_bits);
}

// Largest blocks first that begin where the last one ended.
void add_range(ir::Protocol protocol, std::uint32_t first, std::uint32_t last, std::vector<std::uint64_t>& out) {
  while (first <= last) {
    int bits = 0;
    while (bits < 16 && (first & ((2U << bits) - 1)) == 0 && first + (2U << bits) - 1 <= last) ++bits;
    out.push_back(key_of_ports(protocol, static_cast<std::uint16_t>(first), bits));
    first += 1U << bits;
  }
}

std::vector<std::uint64_t> ports_of(const std::vector<ir::eval::ResolvedPort>& ports) {
  std::vector<std::uint64_t> out;
  for (const ir::eval::ResolvedPort& port : ports) {
    if (port.any_protocol) out.push_back(0);
    else if (port.first == 0 && port.last == 0) out.push_back(key_of_ports(port.protocol, 0, 16));
    else add_range(port.protocol, port.first, port.last, out);
  }
  return out;
}

// Identities that a rule gives entries; position + 1, or everyone.
class Peers {
 public:
  explicit Peers(const Facts& facts) : facts_(facts) {}

  std::size_t count(const ir::eval::ResolvedPeer& peer) const {
    if (const auto* selector = std::get_if<ir::Selector>(&peer.matcher)) return size(facts_.select(*selector));
    if (const auto* cidr = std::get_if<ir::CidrPeer>(&peer.matcher)) return size(of(*cidr));
    if (const auto* group = std::get_if<ir::eval::GroupByName>(&peer.matcher)) return group->prefixes.size();
    return 1;
  }
  // Of groups and names only how many is known here.
  template <typename Visit>
  void each(const ir::eval::ResolvedPeer& peer, const Visit& visit) const {
    if (const auto* selector = std::get_if<ir::Selector>(&peer.matcher)) facts_.select(*selector).each([&](std::size_t i) { visit(i + 1); });
    else if (const auto* cidr = std::get_if<ir::CidrPeer>(&peer.matcher)) of(*cidr).each([&](std::size_t i) { visit(i + 1); });
    else if (const auto* group = std::get_if<ir::eval::GroupByName>(&peer.matcher))
      for (const IpPrefix& prefix : group->prefixes) facts_.inside(prefix).each([&](std::size_t i) { visit(i + 1); });
    else visit(kEveryone);
  }

 private:
  Bits of(const ir::CidrPeer& cidr) const {
    Bits out = facts_.inside(cidr.prefix);
    for (const IpPrefix& except : cidr.except) out = without(out, facts_.inside(except));
    return out;
  }
  const Facts& facts_;
};

using Names = ir::eval::NamedPorts;

std::size_t at_most(const ir::Rule& rule, const Facts& facts, const Names& names) {
  const std::vector<ir::Requirement> none;
  const Peers all(facts);
  const std::size_t ports = ports_of(ir::eval::resolve_ports(rule, {facts.world(), none, names})).size();
  std::size_t peers = 0;
  for (const auto& peer : ir::eval::resolve_peers(rule, {facts.world(), none, names})) peers += all.count(peer);
  return ports * peers;
}

void add(const ir::Rule& rule, const Facts& facts, const Names& names, std::unordered_set<Key>& to) {
  const std::vector<ir::Requirement> none;
  const Peers all(facts);
  const auto ports = ports_of(ir::eval::resolve_ports(rule, {facts.world(), none, names}));
  const std::uint64_t direction = rule.direction == ir::Direction::Egress ? 1 : 0;
  for (const auto& peer : ir::eval::resolve_peers(rule, {facts.world(), none, names}))
    all.each(peer, [&](std::uint64_t who) {
      for (const std::uint64_t port : ports) to.insert((who << 33U) | (direction << 32U) | port);
    });
}

}  // namespace

PolicyMaps::PolicyMaps(const Facts& facts) : facts_(facts) {
  for (const ir::Endpoint& endpoint : facts.cluster().endpoints) names_.add(endpoint.named_ports);
}

std::vector<std::size_t> PolicyMaps::most() const {
  std::vector<std::size_t> out(facts_.identities(), 0);
  for (std::size_t p = 0; p < facts_.policies().size(); ++p) {
    if (!any(facts_.subjects(p))) continue;
    std::size_t added = 0;
    for (const ir::Rule& rule : facts_.policies()[p].rules) added += at_most(rule, facts_, names_);
    facts_.subjects(p).each([&](std::size_t position) { out[position] += added; });
  }
  return out;
}

std::size_t PolicyMaps::entries(std::size_t position, std::vector<std::pair<std::size_t, ir::RuleRef>>& added) const {
  std::unordered_set<Key> all;
  for (std::uint32_t p = 0; p < facts_.policies().size(); ++p) {
    if (!facts_.subjects(p).test(position)) continue;
    for (std::uint32_t r = 0; r < facts_.policies()[p].rules.size(); ++r) {
      const std::size_t before = all.size();
      add(facts_.policies()[p].rules[r], facts_, names_, all);
      if (all.size() != before) added.emplace_back(all.size() - before, ir::RuleRef{p, r});
    }
  }
  return all.size();
}

LargestMap largest_map(const Facts& facts) {
  const PolicyMaps maps(facts);
  const std::vector<std::size_t> most = maps.most();
  std::vector<std::size_t> positions;
  for (std::size_t position = 0; position < most.size(); ++position)
    if (most[position] != 0 && !facts.endpoints_at(position).empty()) positions.push_back(position);
  std::stable_sort(positions.begin(), positions.end(), [&](std::size_t a, std::size_t b) { return most[a] > most[b]; });
  LargestMap out;
  std::uint32_t first = 0;
  for (const std::size_t position : positions) {
    if (most[position] < out.entries) break;
    std::vector<std::pair<std::size_t, ir::RuleRef>> added;
    const std::size_t entries = maps.entries(position, added);
    const std::uint32_t endpoint = facts.endpoints_at(position).front();
    if (entries == 0 || entries < out.entries || (entries == out.entries && endpoint > first)) continue;
    first = endpoint;
    out = {entries, facts.endpoint_name(endpoint)};
  }
  return out;
}

}  // namespace netpolc::lint
