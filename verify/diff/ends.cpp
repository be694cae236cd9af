#include "verify/diff/ends.h"

#include <algorithm>
#include <map>
#include <set>

#include "verify/prefix_classes.h"

namespace netpolc::verify::diffs {
namespace {

using Kind = DiffEnd::Kind;
using IdentityPair = std::pair<std::uint32_t, std::uint32_t>;

constexpr std::uint32_t kRemoteNode = 6, kLastReserved = 10;
constexpr const char* kEntities[] = {"host", "remote-node", "kube-apiserver", "health", "ingress", "init", "unmanaged"};
// Addresses of the world that no network outside routes.
constexpr const char* kPrivate[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128"};

void add_shared(AllEnds& out, DiffEnd end, Party before, Party after) { out.shared.push_back({std::move(end), std::move(before), std::move(after)}); }
void add_single(AllEnds& out, DiffEnd end, Party party, bool came) { out.singles.push_back({std::move(end), std::move(party), came}); }
DiffEnd workload(const std::string& name) { return {name, Kind::Workload}; }

// By name, in the order of the cluster: replicas and kinds that share a name are one.
std::map<std::string, Party> workloads(Set& set) {
  std::map<std::string, Party> out;
  const auto& endpoints = set.cluster().endpoints;
  for (std::uint32_t e = 0; e < endpoints.size(); ++e) {
    if (endpoints[e].host_network) continue;
    End end = set.judge.directory().endpoint_end(e, std::nullopt);
    Party& party = out[end.name];
    party.name = end.name;
    party.ends.push_back(std::move(end));
  }
  return out;
}

void add_workloads(Sets& both, AllEnds& out) {
  auto before = workloads(both.before), after = workloads(both.after);
  for (auto& [name, party] : before) {
    const auto found = after.find(name);
    if (found != after.end()) add_shared(out, workload(name), std::move(party), std::move(found->second));
    else add_single(out, workload(name), std::move(party), false);
  }
  for (auto& [name, party] : after)
    if (before.count(name) == 0) add_single(out, workload(name), std::move(party), true);
}

// The world of one family, as two families are told apart.
Party world_of(const std::string& family) {
  const std::string name = "entity:world-" + family;
  return {name, {{.kind = EndKind::Reserved, .name = name, .labels = {{"reserved", "world-" + family, ""}}}}};
}

void add_world(Sets& both, AllEnds& out) {
  const auto dual = [](const Set& set) { return set.cluster().config.ipv4 && set.cluster().config.ipv6; };
  if (!dual(both.before) || !dual(both.after)) {
    const auto ends = [&](Set& set) { return Party{"entity:world", *set.judge.directory().resolve("entity:world", std::nullopt)}; };
    add_shared(out, {"entity:world", Kind::World, true}, ends(both.before), ends(both.after));
    return;
  }
  for (const char* family : {"ipv4", "ipv6"}) {
    const Party party = world_of(family);
    add_shared(out, {party.name, Kind::World, true}, party, party);
  }
}

void add_entities(Sets& both, AllEnds& out) {
  add_world(both, out);
  for (const char* entity : kEntities) {
    const std::string name = std::string("entity:") + entity;
    const auto ends = [&](Set& set) { return Party{name, *set.judge.directory().resolve(name, std::nullopt)}; };
    add_shared(out, {name, Kind::Entity}, ends(both.before), ends(both.after));
  }
}

using Address = std::optional<IpAddress>;

std::string node_name(const ir::Node& node, const Address& address) { return address ? "ip:" + address->to_string() : "node " + node.name; }

Party node_party(const Set& set, std::uint32_t n, const Address& address) {
  const std::string name = node_name(set.cluster().nodes[n], address);
  return {name, {{.kind = EndKind::Node, .name = name, .index = n, .address = address}}};
}

std::uint32_t node_identity(const Set& set, std::uint32_t n, const Address& address) {
  return address ? set.ports.identities().of_address(*address) : set.ports.identities().of_node(n);
}

// Those that the node has in both, or none.
std::vector<Address> addresses_of(const ir::Node& one, const ir::Node& other) {
  std::vector<Address> out;
  for (const IpAddress& address : one.addresses)
    if (std::find(other.addresses.begin(), other.addresses.end(), address) != other.addresses.end()) out.emplace_back(address);
  if (out.empty()) out.emplace_back();
  return out;
}

void add_single_node(Set& set, std::uint32_t n, bool came, AllEnds& out) {
  const ir::Node& node = set.cluster().nodes[n];
  if (node.remote_cluster || (set.ports.identities().of_node(n) == kRemoteNode && !set.judge.encounters().hosts_are_managed())) return;
  const Address address = node.addresses.empty() ? Address{} : node.addresses.front();
  DiffEnd end{"node " + node.name, Kind::Node};
  add_single(out, std::move(end), node_party(set, n, address), came);
}

// Nodes that are more to either set than a remote node, one address for all that neither tells apart.
void add_nodes(Sets& both, AllEnds& out) {
  std::set<IdentityPair> seen{{kRemoteNode, kRemoteNode}};
  const auto &before = both.before.cluster().nodes, &after = both.after.cluster().nodes;
  for (std::uint32_t n = 0; n < before.size(); ++n) {
    const auto other = both.after.judge.directory().node_by_name(before[n].name);
    if (!other) {
      add_single_node(both.before, n, false, out);
      continue;
    }
    for (const Address& address : addresses_of(before[n], after[*other])) {
      if (!seen.emplace(node_identity(both.before, n, address), node_identity(both.after, *other, address)).second) continue;
      DiffEnd end{node_name(before[n], address), Kind::Node};
      add_shared(out, std::move(end), node_party(both.before, n, address), node_party(both.after, *other, address));
    }
  }
  for (std::uint32_t n = 0; n < after.size(); ++n)
    if (!both.before.judge.directory().node_by_name(after[n].name)) add_single_node(both.after, n, true, out);
}

std::string prefix_name(const IpPrefix& prefix) { return (prefix.length == prefix.address.bits() ? "ip:" + prefix.address.to_string() : "cidr:" + prefix.to_string()); }

// The narrowest of `cuts` (sorted) that has the address. None: only the whole family.
const IpPrefix* narrowest(const std::vector<IpPrefix>& cuts, const IpAddress& address) {
  const IpPrefix* out = nullptr;
  for (const IpPrefix& cut : cuts)
    if (cut.contains(address) && (out == nullptr || cut.length > out->length)) out = &cut;
  return out;
}

std::vector<IpPrefix> known_prefixes(const Sets& both) {
  std::vector<IpPrefix> out;
  for (const Set* set : {&both.before, &both.after})
    for (const auto& entry : set->ports.identities().addresses()) out.push_back(entry.prefix);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// One address stands for all that have the same identity in both.
void add_outside(Sets& both, const StandIns& names, AllEnds& out) {
  const std::vector<IpPrefix> cuts = known_prefixes(both);
  std::set<IdentityPair> seen;
  const auto outside = [](const Set& set, const IpAddress& address) { return set.judge.directory().address_end(address).kind == EndKind::Address; };
  for (const char* family : {"0.0.0.0/0", "::/0"}) {
    const IpPrefix whole = *IpPrefix::parse(family);
    const auto on = [&](const Set& set) { return whole.address.v6 ? set.cluster().config.ipv6 : set.cluster().config.ipv4; };
    if (!on(both.before) && !on(both.after)) continue;
    for (const IpAddress& address : representatives(whole, cuts)) {
      if (!outside(both.before, address) || !outside(both.after, address)) continue;
      const IdentityPair identities{both.before.ports.identities().of_address(address), both.after.ports.identities().of_address(address)};
      const bool world = identities.first <= kLastReserved && identities.second <= kLastReserved && on(both.before) && on(both.after);
      if (world || !seen.insert(identities).second) continue;
      const auto stands_in = names.shown.find(address);
      const IpPrefix* prefix = narrowest(cuts, address);
      DiffEnd end{stands_in != names.shown.end() ? stands_in->second : prefix_name(prefix != nullptr ? *prefix : whole),
                  stands_in != names.shown.end() ? Kind::Name : Kind::Outside, prefix == nullptr || is_routed(*prefix)};
      const Party party{end.name, {{.kind = EndKind::Address, .name = end.name, .address = address}}};
      add_shared(out, std::move(end), party, party);
    }
  }
}

}  // namespace

bool is_routed(const IpPrefix& prefix) {
  return std::none_of(std::begin(kPrivate), std::end(kPrivate), [&](const char* text) { return IpPrefix::parse(text)->contains(prefix); });
}

AllEnds all_ends(Sets& both, const StandIns& names) {
  AllEnds out;
  add_workloads(both, out);
  add_entities(both, out);
  add_nodes(both, out);
  add_outside(both, names, out);
  return out;
}

}  // namespace netpolc::verify::diffs
