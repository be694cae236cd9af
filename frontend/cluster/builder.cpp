#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

#include "frontend/cluster/assemble.h"
#include "frontend/cluster/lower.h"
#include "frontend/cluster/redirects.h"

namespace netpolc::frontend {
namespace {

struct Kind {
  const char* group;
  const char* kind;
};
constexpr Kind kKinds[] = {
    {"", "Namespace"},         {"", "Node"},
    {"", "Pod"},               {"", "Service"},
    {"", "Endpoints"},         {"", "ReplicationController"},
    {"apps", "Deployment"},    {"apps", "StatefulSet"},
    {"apps", "DaemonSet"},     {"apps", "ReplicaSet"},
    {"batch", "Job"},          {"batch", "CronJob"},
    {"cilium.io", "CiliumIdentity"}, {"cilium.io", "CiliumEndpoint"},
    {"cilium.io", "CiliumNode"},     {"cilium.io", "CiliumEndpointSlice"},
    {"cilium.io", "CiliumLocalRedirectPolicy"},
    {"discovery.k8s.io", "EndpointSlice"},
    {"networking.k8s.io", "Ingress"},         {"gateway.networking.k8s.io", "Gateway"},
    {"gateway.networking.k8s.io", "HTTPRoute"}, {"gateway.networking.k8s.io", "GRPCRoute"},
    // Served by API servers of old; the fields that we read are the same.
    {"extensions", "Deployment"}, {"extensions", "DaemonSet"}, {"extensions", "ReplicaSet"},
};

template <class T>
void sort_unique(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// The two node objects of one name say the same in different words.
std::vector<ir::Node> merge_nodes(std::vector<ir::Node> nodes, std::vector<ir::Node> cilium_nodes) {
  std::unordered_map<std::string, std::size_t> by_name;
  for (std::size_t i = 0; i < nodes.size(); ++i) by_name[nodes[i].name] = i;
  for (ir::Node& node : cilium_nodes) {
    const auto known = by_name.find(node.name);
    if (known == by_name.end()) {
      nodes.push_back(std::move(node));
      continue;
    }
    auto& addresses = nodes[known->second].addresses;
    for (const IpAddress& address : node.addresses) {
      if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
    }
  }
  std::sort(nodes.begin(), nodes.end(), [](const ir::Node& a, const ir::Node& b) { return a.name < b.name; });
  return nodes;
}

// Services' backends by "namespace/name".
using BackendMap = std::unordered_map<std::string, std::vector<IpAddress>>;
BackendMap backends_of(const ClusterObjects& objects) {
  BackendMap out;
  for (const auto* list : {&objects.endpoints, &objects.slices}) {
    for (const Backends& backends : *list) {
      if (backends.service.empty()) continue;
      auto& to = out[backends.ns + "/" + backends.service];
      to.insert(to.end(), backends.addresses.begin(), backends.addresses.end());
    }
  }
  for (auto& [service, addresses] : out) sort_unique(addresses);
  return out;
}

// Namespaces that pods are in but that we have no object of exist as well.
void add_implied_namespaces(const std::vector<ir::Endpoint>& endpoints, std::vector<ir::Namespace>& namespaces) {
  std::set<std::string> known;
  for (ir::Namespace& ns : namespaces) {
    known.insert(ns.name);
    ns.labels.insert_or_assign("kubernetes.io/metadata.name", ns.name);
  }
  for (const ir::Endpoint& endpoint : endpoints) {
    if (endpoint.remote || !known.insert(endpoint.ns).second) continue;
    namespaces.push_back({endpoint.ns, {{"kubernetes.io/metadata.name", endpoint.ns}}, endpoint.where});
  }
  std::sort(namespaces.begin(), namespaces.end(),
            [](const ir::Namespace& a, const ir::Namespace& b) { return a.name < b.name; });
}

}  // namespace

ir::Cluster assemble(ClusterObjects objects, const ir::Config& config, DiagSink& sink) {
  ir::Cluster cluster;
  cluster.config = config;
  cluster.nodes = merge_nodes(std::move(objects.nodes), std::move(objects.cilium_nodes));
  cluster.endpoints = assemble_endpoints(objects, config, cluster.nodes, sink);
  cluster.namespaces = std::move(objects.namespaces);
  add_implied_namespaces(cluster.endpoints, cluster.namespaces);

  const BackendMap backends = backends_of(objects);
  cluster.services = std::move(objects.services);
  for (ir::Service& service : cluster.services) {
    const auto found = backends.find(service.ns + "/" + service.name);
    if (found != backends.end()) service.endpoints = found->second;
  }
  std::sort(cluster.services.begin(), cluster.services.end(), [](const ir::Service& a, const ir::Service& b) {
    return std::tie(a.ns, a.name) < std::tie(b.ns, b.name);
  });
  // Section 3.6: the API servers are the backends of this Service.
  if (const auto servers = backends.find("default/kubernetes"); servers != backends.end()) {
    cluster.kube_apiservers = servers->second;
  }
  cluster.routes = routes_of(objects.routes, objects.gateways);
  if (config.local_redirects) cluster.redirects = std::move(objects.redirects);
  std::sort(cluster.redirects.begin(), cluster.redirects.end(), [](const ir::LocalRedirect& a, const ir::LocalRedirect& b) {
    return std::tie(a.ns, a.name) < std::tie(b.ns, b.name);
  });
  cluster.identities = std::move(objects.identities);
  std::sort(cluster.identities.begin(), cluster.identities.end(),
            [](const ir::KnownIdentity& a, const ir::KnownIdentity& b) { return a.id < b.id; });
  return cluster;
}

struct ClusterBuilder::State {
  const ir::Config& config;
  Fields fields;
  ClusterObjects objects;
  std::unordered_map<std::string, std::size_t> index = {};  // by kind, namespace, name: place in its list

  // A later version of an object takes the place of the earlier one. By reference: `ns` and
  // `name` may be parts of `value`.
  template <class T>
  void put(std::vector<T>& list, const std::string& kind, const std::string& ns, const std::string& name, T&& value) {
    const auto [entry, fresh] = index.try_emplace(kind + '\n' + ns + '\n' + name, list.size());
    if (fresh) {
      list.push_back(std::forward<T>(value));
    } else {
      list[entry->second] = std::forward<T>(value);
    }
  }
  template <class T>
  void put(std::vector<T>& list, const std::string& kind, T value) {
    put(list, kind, value.meta.ns, value.meta.name, std::move(value));
  }
  static std::string name_of(const Node& object) {
    const Node* metadata = object.find("metadata");
    const Node* name = metadata == nullptr || !metadata->is_mapping() ? nullptr : metadata->find("name");
    return name == nullptr ? "" : name->text;
  }
  void put_backends(std::vector<Backends>& list, const std::string& kind, const Node& object, Backends value) {
    put(list, kind, value.ns, name_of(object), std::move(value));
  }
  void add_other(const Node& object, const std::string& kind);
};

void ClusterBuilder::State::add_other(const Node& object, const std::string& kind) {
  if (kind == "Namespace") {
    ir::Namespace value = read_namespace(object, fields);
    put(objects.namespaces, kind, "", value.name, std::move(value));
  } else if (kind == "Node") {
    ir::Node value = read_node(object, fields);
    put(objects.nodes, kind, "", value.name, std::move(value));
  } else if (kind == "CiliumNode") {
    ir::Node value = read_cilium_node(object, fields);
    put(objects.cilium_nodes, kind, "", value.name, std::move(value));
  } else if (kind == "Service") {
    ir::Service value = read_service(object, fields);
    put(objects.services, kind, value.ns, value.name, std::move(value));
  } else if (kind == "Gateway") {
    RouteObject value = read_gateway(object);
    put(objects.gateways, kind, value.route.ns, value.route.name, std::move(value));
  } else if (kind == "Ingress" || kind == "HTTPRoute" || kind == "GRPCRoute") {
    RouteObject value = kind == "Ingress" ? read_ingress(object) : read_route(object, kind);
    put(objects.routes, kind, value.route.ns, value.route.name, std::move(value));
  } else if (kind == "CiliumLocalRedirectPolicy") {
    auto value = read_local_redirect(object, fields);
    if (value) put(objects.redirects, kind, value->ns, value->name, std::move(*value));
  } else if (kind == "CiliumEndpointSlice") {
    put(objects.cilium_endpoint_slices, kind, "", name_of(object), read_cilium_endpoint_slice(object, fields));
  } else if (kind == "CiliumIdentity") {
    auto value = read_identity(object, fields);
    if (value) put(objects.identities, kind, "", std::to_string(value->id), std::move(*value));
  }
}

ClusterBuilder::ClusterBuilder(const ir::Config& config, DiagSink& sink)
    : state_(new State{config, Fields(sink), {}}) {}
ClusterBuilder::~ClusterBuilder() = default;

bool ClusterBuilder::knows(const std::string& api_version, const std::string& kind) {
  const std::size_t slash = api_version.find('/');
  const std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
  return std::any_of(std::begin(kKinds), std::end(kKinds),
                     [&](const Kind& known) { return group == known.group && kind == known.kind; });
}

void ClusterBuilder::add(const Node& object, const std::string& kind) {
  State& s = *state_;
  if (kind == "Pod") {
    s.put(s.objects.pods, kind, read_pod(object, s.fields));
  } else if (kind == "CiliumEndpoint") {
    s.put(s.objects.cilium_endpoints, kind, read_cilium_endpoint(object, s.fields));
  } else if (kind == "Endpoints") {
    s.put_backends(s.objects.endpoints, kind, object, read_endpoints(object, s.fields));
  } else if (kind == "EndpointSlice") {
    s.put_backends(s.objects.slices, kind, object, read_endpoint_slice(object, s.fields));
  } else if (kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet" || kind == "ReplicaSet" ||
             kind == "ReplicationController" || kind == "Job" || kind == "CronJob") {
    s.put(s.objects.workloads, kind, read_workload(object, kind, s.fields));
  } else {
    s.add_other(object, kind);
  }
}

ir::Cluster ClusterBuilder::finish() {
  return assemble(std::move(state_->objects), state_->config, state_->fields.sink());
}

}  // namespace netpolc::frontend
