#include "compiler/lint/facts.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "ir/eval/match.h"

namespace netpolc::lint {

bool any(const Bits& bits) {
  bool found = false;
  bits.each([&](std::size_t) { found = true; });
  return found;
}

std::optional<std::size_t> first(const Bits& bits) {
  std::optional<std::size_t> found;
  bits.each([&](std::size_t i) { found = found.value_or(i); });
  return found;
}

std::size_t size(const Bits& bits) {
  std::size_t out = 0;
  bits.each([&](std::size_t) { ++out; });
  return out;
}

Bits both(Bits one, const Bits& other) {
  one &= other;
  return one;
}

Bits without(Bits one, Bits other) {
  one &= other.flip();
  return one;
}

Facts::Facts(const ir::PolicySet& policies, const ir::Cluster& cluster, const ir::Resolutions& resolutions, Places& places)
    : policies_(policies), cluster_(cluster), resolutions_(resolutions), places_(places),
      identities_(ir::Identities::build(policies, cluster, resolutions)), index_(identities_.all()) {
  index_endpoints();
  index_addresses();
  index_labels();
  for (const ir::Policy& policy : policies_.policies)
    subjects_.push_back(policy.subject_is_node ? nobody() : both(select(policy.subject), managed_));
}

void Facts::index_endpoints() {
  managed_ = workloads_ = nobody();
  endpoints_.resize(identities_.all().size());
  std::unordered_map<std::uint32_t, std::size_t> positions;
  for (std::size_t i = 0; i < identities_.all().size(); ++i) positions.emplace(identities_.all()[i].id, i);
  for (std::uint32_t e = 0; e < cluster_.endpoints.size(); ++e) {
    const ir::Endpoint& endpoint = cluster_.endpoints[e];
    namespaces_.push_back(endpoint.ns);
    if (endpoint.host_network) host_network_.push_back(e);
    if (endpoint.host_network) continue;
    const auto at = positions.find(identities_.of_endpoint(e));
    if (at == positions.end()) continue;
    workloads_.set(at->second);
    if (endpoint.remote) continue;
    managed_.set(at->second);
    endpoints_[at->second].push_back(e);
  }
  std::sort(namespaces_.begin(), namespaces_.end());
}

void Facts::index_addresses() {
  for (std::uint32_t e = 0; e < cluster_.endpoints.size(); ++e)
    for (const ir::Pod& pod : cluster_.endpoints[e].pods)
      for (const IpAddress& address : pod.addresses)
        if (!cluster_.endpoints[e].host_network) owners_.push_back({address, Owner::Kind::Pod, e});
  // A node that is kept free of Cilium is outside, as far as policy goes.
  for (std::uint32_t n = 0; n < cluster_.nodes.size(); ++n)
    for (const IpAddress& address : cluster_.nodes[n].addresses)
      if (cluster_.nodes[n].labels.count("cilium.io/no-schedule") == 0) owners_.push_back({address, Owner::Kind::Node, n});
  for (std::uint32_t s = 0; s < cluster_.services.size(); ++s)
    for (const IpAddress& address : cluster_.services[s].cluster_ips) owners_.push_back({address, Owner::Kind::Service, s});
  std::sort(owners_.begin(), owners_.end(), [](const Owner& a, const Owner& b) { return std::tie(a.address, a.kind, a.index) < std::tie(b.address, b.kind, b.index); });
}

void Facts::index_labels() {
  for (const ir::Endpoint& endpoint : cluster_.endpoints)
    for (const ir::Label& label : endpoint.labels) values_[label.key].push_back(label.value);
  for (const ir::Namespace& ns : cluster_.namespaces) values_[std::string(namespace_key)].push_back(ns.name);
  for (auto& [key, values] : values_) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
  }
}

std::vector<std::uint32_t> Facts::endpoints(const Bits& identities) const {
  std::vector<std::uint32_t> out;
  identities.each([&](std::size_t i) { out.insert(out.end(), endpoints_[i].begin(), endpoints_[i].end()); });
  std::sort(out.begin(), out.end());
  return out;
}

std::size_t Facts::count(const Bits& identities) const {
  std::size_t out = 0;
  identities.each([&](std::size_t i) { out += endpoints_[i].size(); });
  return out;
}

std::string Facts::example(const Bits& identities) const {
  std::optional<std::uint32_t> first;
  identities.each([&](std::size_t i) {
    if (!endpoints_[i].empty() && (!first || endpoints_[i].front() < *first)) first = endpoints_[i].front();
  });
  return first ? endpoint_name(*first) : "";
}

std::string Facts::endpoint_name(std::uint32_t endpoint) const { return cluster_.endpoints[endpoint].ns + "/" + cluster_.endpoints[endpoint].name; }

std::vector<std::uint32_t> Facts::host_network_pods(const ir::Selector& selector) const {
  std::vector<std::uint32_t> out;
  for (const std::uint32_t e : host_network_)
    if (ir::eval::matches(selector, cluster_.endpoints[e].labels)) out.push_back(e);
  return out;
}

std::vector<Owner> Facts::owners_inside(const IpPrefix& prefix) const {
  const auto from = std::lower_bound(owners_.begin(), owners_.end(), prefix.address, [](const Owner& owner, const IpAddress& address) { return owner.address < address; });
  auto to = from;
  while (to != owners_.end() && prefix.contains(to->address)) ++to;
  return {from, to};
}

bool Facts::is_apiserver(const IpAddress& address) const {
  return std::binary_search(cluster_.kube_apiservers.begin(), cluster_.kube_apiservers.end(), address);
}

bool Facts::namespace_has_workloads(const std::string& ns) const {
  return std::binary_search(namespaces_.begin(), namespaces_.end(), ns);
}

Bits Facts::backends(const ir::Service& service) const {
  if (service.selector.empty()) return nobody();
  ir::Selector selector{{{"k8s", std::string(namespace_key), ir::Operator::In, {service.ns}}}};
  for (const auto& [key, value] : service.selector) selector.requirements.push_back({"k8s", key, ir::Operator::In, {value}});
  ir::normalise(selector);
  return both(select(selector), managed_);
}

}  // namespace netpolc::lint
