#include "frontend/import/fields.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <sstream>

#include "frontend/cluster/options.h"

namespace netpolc::frontend {
namespace {

// Paths of keys, separated by blanks; lists are passed through. What a path ends at is kept whole.
constexpr const char* kAlways[] = {"apiVersion", "kind", "metadata name", "metadata generateName", "metadata namespace", "metadata annotations netpolc.io/ignore"};
constexpr const char* kLabels[] = {"metadata labels"};
constexpr const char* kOwners[] = {"metadata ownerReferences kind", "metadata ownerReferences name", "metadata ownerReferences controller"};
constexpr const char* kPolicy[] = {"metadata labels", "spec", "specs"};
constexpr const char* kPodSpec[] = {
    "serviceAccountName", "serviceAccount", "hostNetwork", "containers ports name", "containers ports containerPort", "containers ports protocol",
    "containers livenessProbe httpGet port", "containers livenessProbe tcpSocket port", "containers livenessProbe grpc port",
    "containers readinessProbe httpGet port", "containers readinessProbe tcpSocket port", "containers readinessProbe grpc port",
    "containers startupProbe httpGet port", "containers startupProbe tcpSocket port", "containers startupProbe grpc port",
};
constexpr const char* kPod[] = {"metadata labels", "spec nodeName", "status phase", "status podIP", "status podIPs ip"};
constexpr const char* kJob[] = {"spec manualSelector", "status completionTime"};
constexpr const char* kNode[] = {"metadata labels", "status addresses type", "status addresses address"};
constexpr const char* kCiliumNode[] = {"metadata labels", "spec addresses ip"};
constexpr const char* kService[] = {
    "metadata labels", "metadata annotations service.cilium.io/forwarding-mode", "metadata annotations service.cilium.io/src-ranges-policy",
    "spec selector", "spec type", "spec clusterIP", "spec clusterIPs", "spec ports name", "spec ports protocol", "spec ports port", "spec ports targetPort", "spec ports nodePort",
    "spec externalTrafficPolicy", "spec internalTrafficPolicy", "spec allocateLoadBalancerNodePorts", "spec loadBalancerSourceRanges",
    "status loadBalancer ingress ip", "status loadBalancer ingress ipMode",
};
constexpr const char* kEndpoints[] = {"subsets addresses ip"};
constexpr const char* kEndpointSlice[] = {"metadata labels kubernetes.io/service-name", "addressType", "endpoints addresses", "endpoints conditions ready", "endpoints conditions serving", "endpoints conditions terminating"};
constexpr const char* kIdentity[] = {"security-labels"};
constexpr const char* kCiliumEndpoint[] = {"status identity id", "status identity labels", "status named-ports name", "status named-ports port", "status named-ports protocol", "status networking addressing ipv4", "status networking addressing ipv6", "status networking node"};
constexpr const char* kCiliumEndpointSlice[] = {"namespace", "endpoints name", "endpoints id", "endpoints named-ports name", "endpoints named-ports port", "endpoints named-ports protocol", "endpoints networking addressing ipv4", "endpoints networking addressing ipv6", "endpoints networking node"};
constexpr const char* kIngress[] = {"metadata annotations kubernetes.io/ingress.class", "spec ingressClassName", "spec defaultBackend service name", "spec defaultBackend service port", "spec rules http paths backend service name", "spec rules http paths backend service port"};
constexpr const char* kGateway[] = {"spec gatewayClassName"};
constexpr const char* kRoute[] = {"spec parentRefs namespace", "spec parentRefs kind", "spec parentRefs name", "spec rules backendRefs namespace", "spec rules backendRefs kind", "spec rules backendRefs name", "spec rules backendRefs port"};
constexpr const char* kLocalRedirect[] = {"spec redirectFrontend", "spec redirectBackend localEndpointSelector"};
constexpr const char* kConfig[] = {"data"};
constexpr const char* kTest[] = {"tests", "metadata labels"};

struct Wanted {
  std::map<std::string, Wanted> below;  // none: all of it

  void add(const std::string& path) {
    std::istringstream words(path);
    Wanted* at = this;
    for (std::string word; words >> word;) at = &at->below[word];
  }
  template <std::size_t N>
  void add(const char* const (&paths)[N], const std::string& before = "") {
    for (const char* path : paths) add(before + path);
  }
};

void add_template(Wanted& to, const std::string& before) {
  to.add(before + "metadata labels");
  to.add(kPodSpec, before + "spec ");
}

Wanted make_wanted(const std::string& kind) {
  Wanted out;
  out.add(kAlways);
  if (kind == "Namespace") out.add(kLabels);
  else if (kind == "Node") out.add(kNode);
  else if (kind == "CiliumNode") out.add(kCiliumNode);
  else if (kind == "Service") out.add(kService);
  else if (kind == "Endpoints") out.add(kEndpoints);
  else if (kind == "EndpointSlice") out.add(kEndpointSlice);
  else if (kind == "CiliumIdentity") out.add(kIdentity);
  else if (kind == "CiliumEndpoint") out.add(kCiliumEndpoint), out.add(kOwners);
  else if (kind == "CiliumEndpointSlice") out.add(kCiliumEndpointSlice);
  else if (kind == "Ingress") out.add(kIngress);
  else if (kind == "Gateway") out.add(kGateway);
  else if (kind == "HTTPRoute" || kind == "GRPCRoute") out.add(kRoute);
  else if (kind == "CiliumLocalRedirectPolicy") out.add(kLocalRedirect);
  else if (kind == "ConfigMap") out.add(kConfig);
  else if (kind == "ReachabilityTest") out.add(kTest);
  else if (kind == "Pod") out.add(kPod), out.add(kOwners), out.add(kPodSpec, "spec ");
  else if (kind == "CronJob") out.add(kOwners), add_template(out, "spec jobTemplate spec template ");
  else if (kind == "Job") out.add(kJob), out.add(kOwners), add_template(out, "spec template ");
  else if (kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet" || kind == "ReplicaSet" || kind == "ReplicationController") out.add(kOwners), add_template(out, "spec template ");
  else out.add(kPolicy);
  return out;
}

const Wanted& wanted_of(const std::string& kind) {
  static std::map<std::string, Wanted> known;
  const auto [entry, fresh] = known.try_emplace(kind);
  if (fresh) entry->second = make_wanted(kind);
  return entry->second;
}

bool is_left_empty(const Node& before, const Node& after) { return after.items.empty() && after.entries.empty() && !(before.items.empty() && before.entries.empty()); }

Node filtered(const Node& node, const Wanted& wanted, std::vector<Span>& removed) {
  if (wanted.below.empty() || !(node.is_mapping() || node.is_sequence())) return node;
  Node out;
  out.kind = node.kind;
  out.span = node.span;
  for (const auto& [key, value] : node.entries) {
    const auto below = wanted.below.find(key.text);
    std::vector<Span> inner;
    std::optional<Node> kept;
    if (below != wanted.below.end()) kept = filtered(value, below->second, inner);
    if (kept && !is_left_empty(value, *kept)) {
      out.entries.emplace_back(key, std::move(*kept));
      removed.insert(removed.end(), inner.begin(), inner.end());
    } else {
      removed.push_back({key.span.file, key.span.begin, std::max(key.span.end, value.span.end)});
    }
  }
  for (const Node& item : node.items) {
    Node kept = filtered(item, wanted, removed);
    if (!is_left_empty(item, kept)) out.items.push_back(std::move(kept));
  }
  return out;
}

Node* find(Node& parent, const char* key) {
  for (auto& [name, value] : parent.entries)
    if (name.text == key) return &value;
  return nullptr;
}

// Host and DNS names are not read.
void keep_addresses_of_node(Node& object) {
  Node* status = find(object, "status");
  Node* addresses = status == nullptr ? nullptr : find(*status, "addresses");
  if (addresses == nullptr) return;
  std::erase_if(addresses->items, [](const Node& entry) {
    const Node* type = entry.find("type");
    return type == nullptr || (type->text != "InternalIP" && type->text != "ExternalIP");
  });
}

void keep_read_options(Node& config) {
  if (Node* data = find(config, "data")) std::erase_if(data->entries, [](const auto& entry) { return !is_read_option(entry.first.text); });
}

}  // namespace

Node without_unread_fields(const Node& object, const std::string& kind, std::vector<Span>& removed) {
  Node out = filtered(object, wanted_of(kind), removed);
  if (kind == "Node") keep_addresses_of_node(out);
  if (kind == "ConfigMap") keep_read_options(out);
  // Items of a typed list get these two at their end.
  std::stable_sort(out.entries.begin(), out.entries.end(), [](const auto& a, const auto& b) {
    const auto rank = [](const std::string& key) { return key == "apiVersion" ? 0 : key == "kind" ? 1 : key == "metadata" ? 2 : 3; };
    return rank(a.first.text) < rank(b.first.text);
  });
  return out;
}

}  // namespace netpolc::frontend
