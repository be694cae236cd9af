// Pods, workloads and CiliumEndpoints to endpoints: replicas of one workload are one
// endpoint, as long as they have the identity of its template.
#include <algorithm>
#include <iterator>
#include <tuple>
#include <unordered_map>

#include "frontend/cluster/assemble.h"
#include "frontend/cluster/drift.h"
#include "frontend/cluster/identity_labels.h"

namespace netpolc::frontend {
namespace {

std::string key_of(const std::string& kind, const std::string& ns, const std::string& name) {
  return kind + '\n' + ns + '\n' + name;
}

class EndpointAssembler {
 public:
  EndpointAssembler(const ClusterObjects& objects, const ir::Config& config, const std::vector<ir::Node>& nodes,
                    DiagSink& sink)
      : objects_(objects), config_(config), labels_(objects.namespaces, config), drift_(objects.namespaces), sink_(sink) {
    for (const ir::Node& node : nodes) {
      for (const IpAddress& address : node.addresses) node_names_.emplace(address.to_string(), node.name);
    }
    for (const ir::KnownIdentity& identity : objects.identities) identities_[identity.id] = &identity;
    for (const CiliumEndpointObject& endpoint : objects.cilium_endpoints) add_live(endpoint);
    for (const auto& slice : objects.cilium_endpoint_slices)
      for (const CiliumEndpointObject& endpoint : slice) add_live(endpoint);
    for (const std::string& pattern : labels_.malformed_patterns()) {
      sink_.error({.kind = DiagKind::LabelPattern,
                   .where = std::nullopt,
                   .message = "`" + pattern + "` in `labels` of cilium-config is not a regular expression"});
    }
  }

  std::vector<ir::Endpoint> run() {
    add_workloads();
    for (const PodObject& pod : objects_.pods) {
      if (!pod.finished) add_pod(pod);
    }
    for (const CiliumEndpointObject* endpoint : live_) add_cilium_endpoint(*endpoint);
    drift_.report(sink_);
    std::sort(out_.begin(), out_.end(), [](const ir::Endpoint& a, const ir::Endpoint& b) {
      return std::tie(a.ns, a.name, a.kind) < std::tie(b.ns, b.name, b.kind);
    });
    for (ir::Endpoint& endpoint : out_) {
      std::sort(endpoint.pods.begin(), endpoint.pods.end(),
                [](const ir::Pod& a, const ir::Pod& b) { return a.name < b.name; });
    }
    return std::move(out_);
  }

 private:
  struct Place {
    std::size_t endpoint, pod;
  };

  // One that has a CiliumEndpoint and is in slices, too, counts once.
  void add_live(const CiliumEndpointObject& endpoint) {
    if (live_by_name_.emplace(key_of("", endpoint.meta.ns, endpoint.meta.name), &endpoint).second) live_.push_back(&endpoint);
  }

  // A ReplicaSet of a Deployment that we know is that Deployment; a completed Job of a
  // CronJob that we know is history.
  void add_workloads() {
    std::unordered_map<std::string, bool> known;
    for (const Workload& w : objects_.workloads) known[key_of(w.kind, w.meta.ns, w.meta.name)] = true;
    for (const Workload& w : objects_.workloads) {
      const std::string own = key_of(w.kind, w.meta.ns, w.meta.name);
      const std::string owner = w.meta.owner ? key_of(w.meta.owner->kind, w.meta.ns, w.meta.owner->name) : "";
      const bool owned = !owner.empty() && owner != own && known.count(owner) != 0;
      if (owned && w.kind == "ReplicaSet") {
        instead_of_[own] = owner;
      } else if (!(owned && w.kind == "Job" && w.finished)) {
        workloads_[own] = out_.size();
        out_.push_back(make_endpoint(w.kind, w.meta, w.pods));
      }
    }
  }

  ir::Endpoint make_endpoint(const std::string& kind, const Meta& meta, const PodTemplate& pods) {
    ir::Endpoint endpoint;
    endpoint.ns = meta.ns;
    endpoint.name = meta.name;
    endpoint.kind = kind;
    auto split = labels_.of_pod(meta.ns, pods.labels, pods.service_account);
    endpoint.labels = std::move(split.kept);
    endpoint.filtered_out = std::move(split.filtered);
    endpoint.named_ports = pods.ports;
    endpoint.probes = pods.probes;
    endpoint.host_network = pods.host_network;
    endpoint.where = meta.where;
    return endpoint;
  }

  std::optional<std::size_t> workload_of(const PodObject& pod) const {
    if (!pod.meta.owner) return std::nullopt;
    std::string key = key_of(pod.meta.owner->kind, pod.meta.ns, pod.meta.owner->name);
    if (const auto folded = instead_of_.find(key); folded != instead_of_.end()) key = folded->second;
    auto found = workloads_.find(key);
    if (found == workloads_.end() && pod.meta.owner->kind == "ReplicaSet") {
      // Dumps often leave ReplicaSets out: theirs is the Deployment's name and the template's hash.
      found = workloads_.find(deployment_key(pod));
    }
    return found == workloads_.end() ? std::nullopt : std::optional(found->second);
  }

  static std::string deployment_key(const PodObject& pod) {
    const auto hash = pod.meta.labels.find("pod-template-hash");
    if (hash == pod.meta.labels.end()) return {};
    const std::string& name = pod.meta.owner->name;
    const std::string suffix = "-" + hash->second;
    if (name.size() <= suffix.size() || name.compare(name.size() - suffix.size(), suffix.size(), suffix) != 0) return {};
    return key_of("Deployment", pod.meta.ns, name.substr(0, name.size() - suffix.size()));
  }

  // Ports that only one of them names are added to the workload (sidecars); a name with two
  // meanings keeps the pod apart.
  static bool ports_agree(const ir::Endpoint& workload, const ir::Endpoint& pod) {
    for (const ir::NamedPort& a : workload.named_ports) {
      for (const ir::NamedPort& b : pod.named_ports) {
        if (a.name == b.name && a != b) return false;
      }
    }
    return true;
  }

  void add_pod(const PodObject& pod) {
    ir::Endpoint own = make_endpoint("Pod", pod.meta, pod.self);
    if (!own.host_network) take_live_labels(pod, own);
    const ir::Pod replica{pod.meta.name, pod.node, pod.addresses};
    const auto workload = workload_of(pod);
    std::size_t at = out_.size();
    if (workload && out_[*workload].labels == own.labels && out_[*workload].host_network == own.host_network &&
        ports_agree(out_[*workload], own)) {
      at = *workload;
      auto& ports = out_[at].named_ports;
      ports.insert(ports.end(), own.named_ports.begin(), own.named_ports.end());
      std::sort(ports.begin(), ports.end());
      ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
    } else {
      out_.push_back(std::move(own));
    }
    pods_[key_of("", pod.meta.ns, pod.meta.name)] = {at, out_[at].pods.size()};
    out_[at].pods.push_back(replica);
  }

  // Empty: they are not known.
  const ir::LabelSet& live_labels(const CiliumEndpointObject& object) const {
    if (object.identity) {
      if (const auto known = identities_.find(*object.identity); known != identities_.end()) {
        return known->second->labels;
      }
    }
    return object.labels;
  }

  // The identity that a pod has is what its node enforces, whatever its object says by now.
  void take_live_labels(const PodObject& pod, ir::Endpoint& own) {
    const auto found = live_by_name_.find(key_of("", pod.meta.ns, pod.meta.name));
    if (found == live_by_name_.end()) return;
    const ir::LabelSet& live = live_labels(*found->second);
    if (live.empty() || cluster_of(live) != config_.cluster_name || !drift_.differ(live, own.labels, pod.meta.ns)) return;
    drift_.add(*found->second, live, pod, own.labels);
    // Services go by the pod's own labels all the same.
    std::set_difference(own.labels.begin(), own.labels.end(), live.begin(), live.end(), std::back_inserter(own.filtered_out));
    ir::normalise(own.filtered_out);
    own.labels = live;
  }

  ir::LabelSet labels_of(const CiliumEndpointObject& object) {
    if (const ir::LabelSet& live = live_labels(object); !live.empty()) return live;
    // That of a Pod beside it is not needed.
    if (pods_.count(key_of("", object.meta.ns, object.meta.name)) != 0) return {};
    sink_.warning({.kind = DiagKind::IdentityMissing,
                   .where = object.meta.where,
                   .message = "the labels of CiliumEndpoint `" + object.meta.name + "` are not known",
                   .label = "neither labels here nor a CiliumIdentity",
                   .severity = Severity::Warning});
    return labels_.of_pod(object.meta.ns, {}, "default").kept;
  }

  std::string cluster_of(const ir::LabelSet& labels) const {
    for (const ir::Label& label : labels) {
      if (label.source == "k8s" && label.key == kClusterLabel) return label.value;
    }
    return config_.cluster_name;
  }

  void add_cilium_endpoint(const CiliumEndpointObject& object) {
    ir::LabelSet labels = labels_of(object);
    const bool remote = cluster_of(labels) != config_.cluster_name;
    const auto pod = pods_.find(key_of("", object.meta.ns, object.meta.name));
    if (!remote && pod != pods_.end()) return add_to_pod(object, pod->second);
    ir::Endpoint endpoint;
    endpoint.ns = object.meta.ns;
    endpoint.name = object.meta.name;
    endpoint.kind = "CiliumEndpoint";
    endpoint.labels = std::move(labels);
    endpoint.named_ports = object.ports;
    endpoint.remote = remote;
    endpoint.identity = object.identity;
    endpoint.where = object.meta.where;
    endpoint.pods.push_back({object.meta.name, node_name(object), object.addresses});
    out_.push_back(std::move(endpoint));
  }

  void add_to_pod(const CiliumEndpointObject& object, const Place& place) {
    ir::Endpoint& endpoint = out_[place.endpoint];
    if (!endpoint.identity) endpoint.identity = object.identity;
    ir::Pod& pod = endpoint.pods[place.pod];
    if (pod.addresses.empty()) pod.addresses = object.addresses;
    if (pod.node.empty()) pod.node = node_name(object);
  }

  std::string node_name(const CiliumEndpointObject& object) const {
    if (!object.node) return {};
    const auto found = node_names_.find(object.node->to_string());
    return found == node_names_.end() ? std::string() : found->second;
  }

  const ClusterObjects& objects_;
  const ir::Config& config_;
  IdentityLabels labels_;
  Drift drift_;
  DiagSink& sink_;
  std::vector<ir::Endpoint> out_;
  std::unordered_map<std::string, std::size_t> workloads_;     // by kind, namespace, name
  std::unordered_map<std::string, std::string> instead_of_;    // ReplicaSet to Deployment
  std::unordered_map<std::string, Place> pods_;                // by namespace, name
  std::unordered_map<std::string, std::string> node_names_;    // by address
  std::unordered_map<std::uint32_t, const ir::KnownIdentity*> identities_;
  std::unordered_map<std::string, const CiliumEndpointObject*> live_by_name_;  // by namespace, name
  std::vector<const CiliumEndpointObject*> live_;                              // in order of arrival
};

}  // namespace

std::vector<ir::Endpoint> assemble_endpoints(const ClusterObjects& objects, const ir::Config& config,
                                             const std::vector<ir::Node>& nodes, DiagSink& sink) {
  return EndpointAssembler(objects, config, nodes, sink).run();
}

}  // namespace netpolc::frontend
