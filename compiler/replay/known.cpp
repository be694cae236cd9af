#include "compiler/replay/known.h"

#include <tuple>

#include "ir/eval/requests.h"

namespace netpolc::compiler::replay {
namespace {

IpPrefix masked(IpAddress address, int length) {
  for (int bit = length; bit < address.bits(); ++bit) address.bytes[static_cast<std::size_t>(bit / 8)] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  return {address, static_cast<std::uint8_t>(length)};
}

}  // namespace

void Known::add(const IpPrefix& prefix) { prefixes_[{prefix.address.v6, -int{prefix.length}}].insert(prefix); }

void Known::add(const ir::Rule& rule) {
  for (const ir::Peer& peer : rule.peers) {
    if (const auto* cidr = std::get_if<ir::CidrPeer>(&peer)) {
      add(cidr->prefix);
      for (const IpPrefix& prefix : cidr->except) add(prefix);
    } else if (const auto* group = std::get_if<ir::CidrGroupPeer>(&peer)) {
      for (const IpPrefix& prefix : group->except) add(prefix);
    }
  }
  for (const ir::PortRule& ports : rule.ports) {
    http_ = http_ || !ports.l7.http.empty();
    dns_ = dns_ || !ports.l7.dns.empty();
    for (const ir::HttpRule& http : ports.l7.http)
      for (const auto& condition : ir::eval::header_conditions(http)) headers_.insert(condition.name);
  }
}

// Pods whose workload no manifest has are replicas of one another where nothing tells them apart: the first stands for all.
void Known::add(const std::vector<ir::Endpoint>& endpoints) {
  std::map<std::tuple<std::string, ir::LabelSet, std::vector<ir::NamedPort>>, std::string> replicas;
  for (const ir::Endpoint& endpoint : endpoints) {
    if (endpoint.host_network || endpoint.remote) continue;  // their flows are the node's, or not this cluster's
    std::string name = endpoint.ns + "/" + endpoint.name;
    workloads_.emplace(name, endpoint.labels);
    if (endpoint.kind == "Pod") name = replicas.emplace(std::make_tuple(endpoint.ns, endpoint.labels, endpoint.named_ports), name).first->second;
    for (const ir::Pod& pod : endpoint.pods) pods_.emplace(endpoint.ns + "/" + pod.name, name);
  }
}

void Known::add(const ir::PolicySet& policies, const ir::Cluster& cluster, const ir::Resolutions& resolutions) {
  for (const ir::Policy& policy : policies.policies)
    for (const ir::Rule& rule : policy.rules) add(rule);
  for (const ir::CidrGroup& group : cluster.cidr_groups)
    for (const IpPrefix& prefix : group.cidrs) add(prefix);
  const auto add_all = [&](const std::vector<IpAddress>& addresses) {
    for (const IpAddress& address : addresses) add(IpPrefix::host(address));
  };
  for (const ir::Service& service : cluster.services) add_all(service.endpoints);
  for (const auto& [name, addresses] : resolutions) add_all(addresses);
  add_all(cluster.kube_apiservers);
  add(cluster.endpoints);
  for (const ir::KnownIdentity& identity : cluster.identities) identities_.emplace(identity.id, identity.labels);
  node_addresses_ = node_addresses_ || cluster.config.cidr_matches_nodes;
}

std::string Known::workload(const std::string& ns, const std::string& pod, const std::string& workload) const {
  if (ns.empty()) return "";
  if (const auto found = pods_.find(ns + "/" + pod); found != pods_.end()) return found->second;
  const std::string name = ns + "/" + workload;
  return !workload.empty() && workloads_.count(name) != 0 ? name : "";
}

const ir::LabelSet* Known::labels_of(std::uint32_t identity) const {
  const auto found = identities_.find(identity);
  return found == identities_.end() ? nullptr : &found->second;
}

std::optional<IpPrefix> Known::narrowest(const IpAddress& address) const {
  for (const auto& [key, prefixes] : prefixes_) {  // the longest of a family first
    if (key.first != address.v6) continue;
    if (const auto found = prefixes.find(masked(address, -key.second)); found != prefixes.end()) return *found;
  }
  return std::nullopt;
}

}  // namespace netpolc::compiler::replay
