#include "verify/directory.h"

#include <algorithm>
#include <cstring>

namespace netpolc::verify {

std::size_t IpHash::operator()(const IpAddress& address) const noexcept {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, address.bytes.data(), 8);
  std::memcpy(&low, address.bytes.data() + 8, 8);
  std::uint64_t mixed = (high ^ (low * 0x9E3779B97F4A7C15ULL)) + (address.v6 ? 1 : 0);
  mixed ^= mixed >> 29;
  return static_cast<std::size_t>(mixed * 0xBF58476D1CE4E5B9ULL);
}

Directory::Directory(const ir::PolicySet& policies, const ir::Cluster& cluster, const ir::Resolutions& resolutions,
                     const ir::IdentityLock& lock)
    : policies_(policies), cluster_(cluster), resolutions_(resolutions), lock_(lock) {
  for (std::uint32_t n = 0; n < cluster.nodes.size(); ++n) {
    nodes_.emplace(cluster.nodes[n].name, n);
    for (const auto& address : cluster.nodes[n].addresses) node_addresses_.emplace(address, n);
  }
  for (std::uint32_t e = 0; e < cluster.endpoints.size(); ++e) {
    const auto& endpoint = cluster.endpoints[e];
    workloads_[endpoint.ns + "/" + endpoint.name].push_back(e);
  }
  for (std::uint32_t s = 0; s < cluster.services.size(); ++s) {
    services_.emplace(cluster.services[s].ns + "/" + cluster.services[s].name, s);
    for (const auto& address : cluster.services[s].cluster_ips) cluster_ips_.emplace(address, s);
  }
}

const Directory::Pods& Directory::pods() const {
  if (pods_) return *pods_;
  pods_ = std::make_unique<Pods>();
  for (std::uint32_t e = 0; e < cluster_.endpoints.size(); ++e) {
    const auto& endpoint = cluster_.endpoints[e];
    for (std::uint32_t p = 0; p < endpoint.pods.size(); ++p) {
      pods_->by_name.emplace(endpoint.ns + "/" + endpoint.pods[p].name, PodAt{e, p});
      if (endpoint.host_network) continue;  // those addresses are the node's
      for (const auto& address : endpoint.pods[p].addresses) pods_->by_address.emplace(address, PodAt{e, p});
    }
  }
  return *pods_;
}

std::optional<std::uint32_t> Directory::node_by_name(std::string_view name) const {
  auto found = nodes_.find(std::string(name));
  return found == nodes_.end() ? std::nullopt : std::optional(found->second);
}

bool Directory::is_apiserver(const IpAddress& address) const {
  return std::binary_search(cluster_.kube_apiservers.begin(), cluster_.kube_apiservers.end(), address);
}

const ir::Identities& Directory::identities() const {
  if (!identities_)
    identities_ = std::make_unique<ir::Identities>(ir::Identities::build(policies_, cluster_, resolutions_, lock_));
  return *identities_;
}

// A host-network pod shares its node's identity (section 3.1).
End Directory::endpoint_end(std::uint32_t endpoint, std::optional<std::uint32_t> pod) const {
  const auto& e = cluster_.endpoints[endpoint];
  End end{.kind = EndKind::Endpoint, .name = e.ns + "/" + e.name, .index = endpoint, .pod = pod};
  if (!e.host_network) return end;
  const auto node = pod ? node_by_name(e.pods[*pod].node) : std::nullopt;
  if (!node) return {.kind = EndKind::Reserved, .name = end.name, .labels = {{"reserved", "remote-node", ""}}};
  end.kind = EndKind::Node;
  end.index = *node;
  end.pod.reset();
  const auto& node_addresses = cluster_.nodes[*node].addresses;
  if (!node_addresses.empty()) end.address = node_addresses.front();
  return end;
}

End Directory::address_end(const IpAddress& address) const {
  if (auto pod = pods().by_address.find(address); pod != pods().by_address.end())
    return endpoint_end(pod->second.endpoint, pod->second.pod);
  if (auto node = node_addresses_.find(address); node != node_addresses_.end())
    return {.kind = EndKind::Node, .name = "ip:" + address.to_string(), .index = node->second, .address = address};
  return {.kind = EndKind::Address, .name = "ip:" + address.to_string(), .address = address};
}

}  // namespace netpolc::verify
