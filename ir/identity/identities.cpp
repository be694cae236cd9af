#include "ir/identity/identities.h"

#include <algorithm>
#include <set>

#include "ir/identity/ipcache.h"

namespace netpolc::ir {
namespace {

constexpr std::uint32_t host_id = 1, remote_node_id = 6, apiserver_node_id = 7, last_reserved = 10;
constexpr std::uint32_t first_cluster_scope = 256, local_scope = 0x01000000, node_scope = 0x02000000;

std::string joined(const LabelSet& labels) {
  std::string out;
  for (const Label& label : labels) out += (out.empty() ? "" : ",") + label.to_string();
  return out;
}

// The default filter of identity labels (section 2.2), as far as labels of nodes can meet it.
bool identity_relevant(const std::string& key) {
  const auto starts = [&](std::string_view prefix) { return key.compare(0, prefix.size(), prefix) == 0; };
  if (starts("app.kubernetes.io")) return true;
  for (std::string_view prefix : {"io.kubernetes", "kubernetes.io", "topology.kubernetes.io", "annotation.", "etcd_node"})
    if (starts(prefix)) return false;
  return key.find(".k8s.io") == std::string::npos && key.find("beta.kubernetes.io") == std::string::npos;
}

// Numbers of one scope, one for each label set, in order of request.
class Scope {
 public:
  Scope(std::uint32_t base, std::vector<Identity>& out) : next_(base), out_(out) {}
  std::uint32_t number(const LabelSet& labels) {
    const auto [found, fresh] = numbers_.emplace(labels, next_ + 1);
    if (fresh) out_.push_back({++next_, labels, {}});
    return found->second;
  }

 private:
  std::uint32_t next_;
  std::vector<Identity>& out_;
  std::map<LabelSet, std::uint32_t> numbers_;
};

std::uint32_t reserved_number(const LabelSet& labels) {
  for (std::uint32_t id = 1; id <= last_reserved; ++id)
    if (reserved_labels(id) == labels) return id;
  return 0;
}

// Cluster-scope numbers: reserved ones, those the cluster knows, the lock's, then new ones.
class ClusterScope {
 public:
  explicit ClusterScope(const IdentityLock& lock) : lock_(lock) {
    for (const auto& [key, id] : lock) reserved_.insert(id);
  }
  void know(std::uint32_t id, const std::string& key) {
    if (reserved_.insert(id).second || !owner_.count(id)) {
      owner_.emplace(id, key);
      numbers_.emplace(key, id);
    }
  }
  bool offer(std::uint32_t id, const std::string& key) {  // an endpoint's own word
    const auto owner = owner_.find(id);
    if (numbers_.count(key) || id == 0 || (owner != owner_.end() && owner->second != key)) return false;
    know(id, key);
    return true;
  }
  std::uint32_t number(const std::string& key) {
    if (const auto found = numbers_.find(key); found != numbers_.end()) return found->second;
    std::uint32_t id = 0;
    if (const auto locked = lock_.find(key); locked != lock_.end() && !owner_.count(locked->second)) id = locked->second;
    while (id == 0 || owner_.count(id)) {
      if (!reserved_.count(next_)) id = next_;
      ++next_;
    }
    owner_.emplace(id, key);
    return numbers_.emplace(key, id).first->second;
  }

 private:
  const IdentityLock& lock_;
  std::set<std::uint32_t> reserved_;
  std::map<std::uint32_t, std::string> owner_;
  std::map<std::string, std::uint32_t> numbers_;
  std::uint32_t next_ = first_cluster_scope;
};

IpPrefix masked(const IpAddress& address, int length) {
  IpPrefix out{address, static_cast<std::uint8_t>(length)};
  for (int byte = 0; byte < 16; ++byte) {
    const int keep = std::clamp(length - 8 * byte, 0, 8);
    out.address.bytes[byte] &= static_cast<std::uint8_t>(0xff00 >> keep);
  }
  return out;
}

// Label sets of the cluster's nodes with every address, in order of nodes.
struct NodeAddresses {
  std::vector<bool> apiserver;
  std::set<IpAddress> all;
};
NodeAddresses node_addresses(const Cluster& cluster) {
  NodeAddresses out;
  for (const Node& node : cluster.nodes) {
    bool serves = false;
    for (const IpAddress& address : node.addresses)
      serves |= std::binary_search(cluster.kube_apiservers.begin(), cluster.kube_apiservers.end(), address);
    out.apiserver.push_back(serves);
    out.all.insert(node.addresses.begin(), node.addresses.end());
  }
  return out;
}

// Identity 1 is a different node for every endpoint; its number is the same. It has the labels
// that hold whichever node is meant: those common to the nodes that run endpoints.
LabelSet common_host_labels(const Cluster& cluster, const NodeAddresses& nodes) {
  std::set<std::string> running;
  for (const Endpoint& endpoint : cluster.endpoints)
    if (!endpoint.remote && !endpoint.host_network)
      for (const Pod& pod : endpoint.pods) running.insert(pod.node);
  std::optional<LabelSet> common;
  for (std::size_t n = 0; n < cluster.nodes.size(); ++n) {
    const Node& node = cluster.nodes[n];
    if (node.remote_cluster || !running.count(node.name)) continue;
    const LabelSet labels = host_labels(node, nodes.apiserver[n]);
    if (!common) {
      common = labels;
      continue;
    }
    LabelSet both;
    std::set_intersection(common->begin(), common->end(), labels.begin(), labels.end(), std::back_inserter(both));
    common = std::move(both);
  }
  return common ? *common : reserved_labels(host_id);
}

}  // namespace

LabelSet reserved_labels(std::uint32_t id) {
  static constexpr const char* names[] = {"",         "host",       "world",        "unmanaged",     "health",
                                          "init",     "remote-node", "kube-apiserver", "ingress",     "world-ipv4",
                                          "world-ipv6"};
  if (id == 0 || id > last_reserved) return {};
  LabelSet labels{{"reserved", names[id], ""}};
  if (id == apiserver_node_id) labels.push_back({"reserved", "remote-node", ""});
  return labels;
}

LabelSet remote_node_labels(const Node& node, const Config& config, bool apiserver) {
  LabelSet labels = reserved_labels(apiserver ? apiserver_node_id : remote_node_id);
  if (config.node_selector_labels)
    for (const auto& [key, value] : node.labels) labels.push_back({"node", key, value});
  normalise(labels);
  return labels;
}

LabelSet host_labels(const Node& node, bool apiserver) {
  LabelSet labels = reserved_labels(host_id);
  if (apiserver) labels.push_back({"reserved", "kube-apiserver", ""});
  for (const auto& [key, value] : node.labels)
    if (identity_relevant(key)) labels.push_back({"k8s", key, value});
  normalise(labels);
  return labels;
}

Identities Identities::build(const PolicySet& policies, const Cluster& cluster, const Resolutions& resolutions,
                             const IdentityLock& lock) {
  Identities out;
  const Config& config = cluster.config;
  out.dual_stack_ = config.ipv4 && config.ipv6;
  out.ipv4_ = config.ipv4;
  const NodeAddresses nodes = node_addresses(cluster);

  for (std::size_t n = 0; n < cluster.nodes.size(); ++n) out.host_labels_.push_back(host_labels(cluster.nodes[n], nodes.apiserver[n]));
  for (std::uint32_t id = 1; id <= last_reserved; ++id) {
    const bool single_world = id == 2, family_world = id >= 9;
    if (out.dual_stack_ ? single_world : family_world) continue;
    out.identities_.push_back({id, id == host_id ? common_host_labels(cluster, nodes) : reserved_labels(id), {}});
  }

  // Endpoints and CiliumIdentity objects.
  ClusterScope scope(lock);
  std::map<std::string, Identity> wanted;  // by joined labels, so that new numbers follow label sets
  for (const KnownIdentity& known : cluster.identities) {
    LabelSet labels = known.labels;
    normalise(labels);
    const std::string key = joined(labels);
    scope.know(known.id, key);
    wanted.emplace(key, Identity{0, labels, {}});
  }
  std::vector<std::string> keys(cluster.endpoints.size());
  for (std::size_t e = 0; e < cluster.endpoints.size(); ++e) {
    const Endpoint& endpoint = cluster.endpoints[e];
    if (endpoint.host_network) continue;
    LabelSet labels = endpoint.labels;
    normalise(labels);
    keys[e] = joined(labels);
    if (const std::uint32_t id = reserved_number(labels)) scope.know(id, keys[e]);
    if (endpoint.identity) scope.offer(*endpoint.identity, keys[e]);
    Identity& identity = wanted.emplace(keys[e], Identity{0, std::move(labels), {}}).first->second;
    if (config.version >= 20) identity.named_ports.insert(identity.named_ports.end(), endpoint.named_ports.begin(), endpoint.named_ports.end());
  }
  for (auto& [key, identity] : wanted) {
    identity.id = scope.number(key);
    std::sort(identity.named_ports.begin(), identity.named_ports.end());
    identity.named_ports.erase(std::unique(identity.named_ports.begin(), identity.named_ports.end()), identity.named_ports.end());
    if (identity.id > last_reserved) out.identities_.push_back(identity);
  }

  // Addresses: external prefixes first, so that what is in the cluster replaces them.
  const std::set<IpAddress> no_nodes;
  const auto prefixes =
      inherit(mentioned_prefixes(policies, cluster, resolutions, config.cidr_matches_nodes ? nodes.all : no_nodes), config.version);
  std::map<IpPrefix, std::uint32_t> cache;
  std::set<IpPrefix> inside;
  for (const Endpoint& endpoint : cluster.endpoints)
    for (const Pod& pod : endpoint.pods)
      for (const IpAddress& address : pod.addresses) inside.insert(IpPrefix::host(address));
  for (const IpAddress& address : nodes.all) inside.insert(IpPrefix::host(address));
  Scope local(local_scope, out.identities_);
  for (const auto& [prefix, labels] : prefixes) {
    if (labels.empty() || inside.count(prefix)) continue;
    LabelSet all = labels;
    all.push_back(world_label(config, prefix.address.v6));
    normalise(all);
    cache[prefix] = local.number(all);
  }

  Scope remote(node_scope, out.identities_);
  for (std::size_t n = 0; n < cluster.nodes.size(); ++n) {
    const Node& node = cluster.nodes[n];
    const LabelSet own = remote_node_labels(node, config, nodes.apiserver[n]);
    const auto number = [&](const LabelSet& labels) {
      const std::uint32_t reserved = reserved_number(labels);
      return reserved ? reserved : remote.number(labels);
    };
    std::uint32_t first = node.addresses.empty() ? number(own) : 0;
    for (const IpAddress& address : node.addresses) {
      LabelSet labels = own;
      if (const auto found = prefixes.find(IpPrefix::host(address)); config.cidr_matches_nodes && found != prefixes.end())
        labels.insert(labels.end(), found->second.begin(), found->second.end());
      normalise(labels);
      const std::uint32_t id = number(labels);
      cache[IpPrefix::host(address)] = id;
      if (first == 0) first = id;
    }
    out.node_ids_.push_back(first);
  }
  for (std::size_t e = 0; e < cluster.endpoints.size(); ++e) {
    const Endpoint& endpoint = cluster.endpoints[e];
    std::uint32_t id = remote_node_id;
    if (endpoint.host_network) {  // its traffic is the node's (section 3.1)
      for (std::size_t n = 0; n < cluster.nodes.size() && !endpoint.pods.empty(); ++n)
        if (cluster.nodes[n].name == endpoint.pods.front().node) id = out.node_ids_[n];
    } else {
      id = scope.number(keys[e]);
    }
    out.endpoint_ids_.push_back(id);
    for (const Pod& pod : endpoint.pods)
      for (const IpAddress& address : pod.addresses) {
        if (endpoint.host_network) cache.emplace(IpPrefix::host(address), id);
        else cache[IpPrefix::host(address)] = id;
      }
  }
  for (const auto& [prefix, id] : cache) out.addresses_.push_back({prefix, id});
  std::sort(out.identities_.begin(), out.identities_.end(), [](const Identity& a, const Identity& b) { return a.id < b.id; });
  return out;
}

const Identity* Identities::find(std::uint32_t id) const {
  const auto found = std::lower_bound(identities_.begin(), identities_.end(), id,
                                      [](const Identity& identity, std::uint32_t wanted) { return identity.id < wanted; });
  return found != identities_.end() && found->id == id ? &*found : nullptr;
}

std::uint32_t Identities::of_address(const IpAddress& address) const {
  for (int length = address.bits(); length >= 0; --length) {
    const IpPrefix prefix = masked(address, length);
    const auto found = std::lower_bound(addresses_.begin(), addresses_.end(), prefix,
                                        [](const AddressIdentity& entry, const IpPrefix& wanted) { return entry.prefix < wanted; });
    if (found != addresses_.end() && found->prefix == prefix) return found->identity;
  }
  return dual_stack_ ? (address.v6 ? 10 : 9) : 2;
}

IdentityLock Identities::lock() const {
  IdentityLock out;
  for (const Identity& identity : identities_)
    if (identity.id >= first_cluster_scope && identity.id < local_scope)
      out.emplace(joined(identity.labels), identity.id);
  return out;
}

}  // namespace netpolc::ir
