#include "compiler/kernel_judge/numbered.h"

#include <algorithm>
#include <stdexcept>

#include "runtime-loader/plan.h"

namespace netpolc::kernel_judge {
namespace {

constexpr std::uint32_t kHost = 1, kLastReserved = 10;

std::uint32_t reserved_number(const ir::LabelSet& labels) {
  for (std::uint32_t id = 1; id <= kLastReserved; ++id)
    if (ir::reserved_labels(id) == labels) return id;
  throw std::runtime_error("a peer has no reserved identity");
}

// As a bundle has them. `own` is as it is given, whatever the cluster says of it.
loader::Bundle bundle_of(const ir::Identities& identities, const ir::Cluster& cluster, const ir::Node& own) {
  const auto address = [](const IpAddress& it) { return loader::Address{it.v6, it.bytes}; };
  loader::Bundle out;
  out.cilium_version = cluster.config.version;
  out.cidr_matches_nodes = cluster.config.cidr_matches_nodes;
  for (const ir::Identity& identity : identities.all())
    for (const ir::Label& label : identity.labels) out.identities[identity.id].push_back(label.to_string());
  for (const ir::AddressIdentity& entry : identities.addresses()) out.addresses[{address(entry.prefix.address), entry.prefix.length}] = entry.identity;
  for (std::size_t n = 0; n < cluster.nodes.size(); ++n) {
    loader::BundleNode& node = out.nodes.emplace_back(loader::BundleNode{cluster.nodes[n].name, {}, identities.of_node(n)});
    node.host.emplace();
    for (const ir::Label& label : identities.as_host(n)) node.host->push_back(label.to_string());
    const ir::Node& known = node.name == own.name ? own : cluster.nodes[n];
    for (const IpAddress& one : known.addresses) node.addresses.push_back(address(one));
  }
  return out;
}

void set_member(std::vector<std::uint32_t>& sorted, std::uint32_t identity, bool is) {
  const auto found = std::lower_bound(sorted.begin(), sorted.end(), identity);
  const bool was = found != sorted.end() && *found == identity;
  if (is && !was) sorted.insert(found, identity);
  if (!is && was) sorted.erase(found);
}

}  // namespace

Numbered::Numbered(const ir::PolicySet& policies, const ir::Cluster& cluster, const ir::Resolutions& resolutions, const ir::IdentityLock& lock)
    : cluster_(cluster), identities_(ir::Identities::build(policies, cluster, resolutions, lock)), decisions_(ir::decide(policies, cluster, resolutions, identities_)) {
  for (const auto& entry : identities_.addresses()) ipcache_[entry.prefix] = entry.identity;
}

void Numbered::run_on(const ir::Node& node) {
  const auto plan = loader::addresses(bundle_of(identities_, cluster_, node), {node.name}, {}, {});
  if (!plan) throw std::runtime_error(plan.error().message);
  for (const auto& [prefix, identity] : plan->addresses) {
    const IpAddress address{prefix.address.v6, prefix.address.bytes};
    ipcache_[{address, prefix.length}] = identity;
    if (identity == kHost) own_.push_back(address);
  }
  if (plan->host) host_is(plan->host->labels);
}

void Numbered::host_is(const ir::LabelSet& labels) {
  const ir::ConditionSubject host(labels);
  for (ir::DecisionTable& table : decisions_.tables)
    for (ir::DirectionTable* direction : {&table.ingress, &table.egress})
      for (std::size_t bit = 1; bit < direction->bits.size(); ++bit)
        set_member(direction->bits[bit].identities, kHost, ir::holds(*direction->bits[bit].condition, host));
}

Party Numbered::party(const verify::End& end, std::optional<std::uint32_t> node) {
  using verify::EndKind;
  Party party{.end = end, .identity = 0, .v4 = {}, .v6 = {}, .decided = {}};
  const auto& all = decisions_.endpoints;
  const auto own = std::find_if(all.begin(), all.end(), [&](const ir::DecidedEndpoint& d) {
    if (end.kind == EndKind::Host) return d.is_host && node == d.endpoint;
    return end.kind == EndKind::Endpoint && !d.is_host && d.endpoint == end.index;
  });
  if (own != all.end()) party.decided = static_cast<std::uint32_t>(own - all.begin());
  switch (end.kind) {
    case EndKind::Endpoint: party.identity = identities_.of_endpoint(end.index); break;
    case EndKind::Host: party.identity = kHost; break;
    case EndKind::Node:
      party.identity = end.address ? identities_.of_address(*end.address) : identities_.of_node(end.index);
      if (end.address && std::find(own_.begin(), own_.end(), *end.address) != own_.end()) party.identity = kHost;
      break;
    case EndKind::Address: party.identity = identities_.of_address(*end.address); break;
    case EndKind::Reserved: party.identity = reserved_number(end.labels); break;
  }
  give_addresses(party);
  return party;
}

void Numbered::give_addresses(Party& party) {
  const auto add = [&](const IpAddress& address) { (address.v6 ? party.v6 : party.v4) = address; };
  bool either = true;  // the identity doesn't depend on the address
  switch (party.end.kind) {
    case verify::EndKind::Endpoint:
      // Nobody talks to itself: whoever is at both ends is two replicas. And what manifests of two pods have is one's.
      for (const ir::Pod& pod : cluster_.endpoints[party.end.index].pods)
        for (const IpAddress& address : pod.addresses)
          if (ipcache_.at(IpPrefix::host(address)) == party.identity && given_.insert(address).second) add(address);
      break;
    case verify::EndKind::Host:
      // Whoever asked about one address means it, as of its family.
      for (const IpAddress& address : own_)
        if (party.end.address ? address == *party.end.address : given_.insert(address).second) add(address);
      either = !cluster_.config.cidr_matches_nodes || !party.end.address || own_.empty();
      break;
    case verify::EndKind::Reserved: break;
    case verify::EndKind::Node:
      if (party.end.address) add(*party.end.address);
      either = !cluster_.config.cidr_matches_nodes;
      break;
    case verify::EndKind::Address:
      add(*party.end.address);
      either = false;
      break;
  }
  if (!either) return;
  for (const bool v6 : {false, true})
    if (!(v6 ? party.v6 : party.v4)) add(fresh_address(v6, party.identity));
}

IpAddress Numbered::fresh_address(bool v6, std::uint32_t identity) {
  for (;;) {
    const std::uint32_t n = ++next_address_;
    const std::string low = std::to_string(n & 0xff), high = std::to_string(n >> 8);
    const auto address = IpAddress::parse(v6 ? "fd00:6e70::2:" + high + ":" + low : "198.19." + high + "." + low);
    if (!address) throw std::runtime_error("no address is left for who has none");
    if (ipcache_.emplace(IpPrefix::host(*address), identity).second) return *address;
  }
}

}  // namespace netpolc::kernel_judge
