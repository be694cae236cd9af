// Rules about services as peers (semantics reference, sections 1.9 and 9): what `toServices` comes to is asked of the interpreter.
#include <algorithm>
#include <cctype>
#include <set>
#include <unordered_map>

#include "compiler/lint/rule.h"
#include "ir/eval/resolve.h"

namespace netpolc::lint {
namespace {

// Only for entries with nothing but services as peers, which allow.
template <typename Visit>
void each_resolved(const Facts& facts, const Visit& visit) {
  const ir::eval::NamedPorts no_ports;
  const std::vector<ir::Requirement> none;
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules) {
      const auto is_service = [](const ir::Peer& peer) { return std::holds_alternative<ir::ServicePeer>(peer); };
      if (rule.action != ir::Action::Allow || rule.peers.empty() || !std::all_of(rule.peers.begin(), rule.peers.end(), is_service)) continue;
      visit(policy, rule, ir::eval::resolve_peers(rule, {facts.world(), none, no_ports}));
    }
}

// Services that entries which allow mean by name or label.
template <typename Visit>
void each_service(const Facts& facts, const Visit& visit) {
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Peer& peer : rule.peers) {
        const auto* meant = std::get_if<ir::ServicePeer>(&peer);
        if (meant == nullptr || rule.action != ir::Action::Allow) continue;
        for (const ir::Service& service : facts.cluster().services)
          if (ir::eval::service_matches(*meant, service)) visit(rule, service);
      }
}

// ---- none that is known ------------------------------------------------------------------------
bool is_everyone(const ir::eval::ResolvedPeer& peer) { return std::holds_alternative<ir::eval::Everyone>(peer.matcher); }

// Of a namespace without any service the manifests are hardly all there is.
bool may_be_elsewhere(const ir::Rule& rule, const std::set<std::string>& namespaces) {
  return std::any_of(rule.peers.begin(), rule.peers.end(), [&](const ir::Peer& peer) {
    const auto* service = std::get_if<ir::ServicePeer>(&peer);
    return service != nullptr && !service->ns.empty() && namespaces.count(service->ns) == 0;
  });
}

void find_unresolved(const Facts& facts, Findings& out) {
  std::set<std::string> namespaces;
  for (const ir::Service& service : facts.cluster().services) namespaces.insert(service.ns);
  each_resolved(facts, [&](const ir::Policy&, const ir::Rule& rule, const std::vector<ir::eval::ResolvedPeer>& peers) {
    if (may_be_elsewhere(rule, namespaces)) return;
    const bool open = std::any_of(peers.begin(), peers.end(), is_everyone);
    if (!open && !peers.empty()) return;
    out.push_back({.kind = DiagKind::ServiceUnresolved,
                   .where = facts.places().key(rule.where, "toServices"),
                   .message = std::string("`toServices` means no service that is known") + (open ? ", which opens these ports to everyone" : ""),
                   .label = open ? "without peers only the ports count" : "this entry allows nothing",
                   .severity = open ? Severity::Error : Severity::Warning});
  });
}

// ---- of the API server -------------------------------------------------------------------------
bool is_node(const Facts& facts, const ir::eval::ResolvedPeer& peer) {
  const auto* cidr = std::get_if<ir::CidrPeer>(&peer.matcher);
  if (cidr == nullptr) return false;
  const auto owners = facts.owners_inside(cidr->prefix);
  return std::any_of(owners.begin(), owners.end(), [](const Owner& owner) { return owner.kind == Owner::Kind::Node; });
}

void find_nodes(const Facts& facts, Findings& out) {
  if (facts.cluster().config.cidr_matches_nodes) return;
  each_resolved(facts, [&](const ir::Policy&, const ir::Rule& rule, const std::vector<ir::eval::ResolvedPeer>& peers) {
    if (peers.empty() || !std::all_of(peers.begin(), peers.end(), [&](const auto& peer) { return is_node(facts, peer); })) return;
    out.push_back({.kind = DiagKind::ServiceOfApiServer,
                   .where = facts.places().key(rule.where, "toServices"),
                   .message = "the addresses behind this service are nodes, which `toServices` does not match",
                   .label = "this allows nothing: use the entity `kube-apiserver` for the API server, `remote-node` for others",
                   .severity = Severity::Warning});
  });
}

// ---- as names ----------------------------------------------------------------------------------
// "cart.shop.svc" and "cart.shop.svc.cluster.local" are service `cart` of namespace `shop`: "shop/cart".
std::string service_of_name(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!name.empty() && name.back() == '.') name.pop_back();
  const std::size_t first = name.find('.');
  const std::size_t second = first == std::string::npos ? first : name.find('.', first + 1);
  if (second == std::string::npos) return "";
  const std::string rest = name.substr(second);
  return rest == ".svc" || rest == ".svc.cluster.local" ? name.substr(first + 1, second - first - 1) + "/" + name.substr(0, first) : "";
}

// A service without an address of its own whose pods are none that are governed may stand for what is outside.
void find_names(const Facts& facts, Findings& out) {
  std::unordered_map<std::string, const ir::Service*> services;
  for (const ir::Service& service : facts.cluster().services)
    if (!service.cluster_ips.empty() || any(facts.backends(service))) services.emplace(service.ns + "/" + service.name, &service);
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Peer& peer : rule.peers) {
        const auto* names = std::get_if<ir::FqdnPeer>(&peer);
        const auto service = names != nullptr ? services.find(service_of_name(names->match_name)) : services.end();
        if (service == services.end()) continue;
        out.push_back({.kind = DiagKind::NameOfService,
                       .where = facts.places().value_of(rule.where, "matchName", names->match_name),
                       .message = "`" + names->match_name + "` is service `" + service->first + "` of this cluster; names match addresses outside of it",
                       .label = "select its pods with `toEndpoints`, or use `toServices`",
                       .severity = Severity::Warning});
      }
}

// ---- keys with dots ------------------------------------------------------------------------------
void find_dotted(const Facts& facts, Findings& out) {
  const ir::CiliumVersion version = facts.cluster().config.version;
  if (version < 17 || version >= 20) return;
  each_service(facts, [&](const ir::Rule& rule, const ir::Service& service) {
    const auto dotted = std::find_if(service.selector.begin(), service.selector.end(), [](const auto& one) { return one.first.find('.') != std::string::npos; });
    if (dotted == service.selector.end()) return;
    out.push_back({.kind = DiagKind::DottedServiceKey,
                   .where = facts.places().key(rule.where, "toServices"),
                   .message = "service `" + service.ns + "/" + service.name + "` selects pods by `" + dotted->first + "`, which Cilium before 1.20 misreads for `toServices`",
                   .label = "it takes what is before the dot for a source, and no pod matches; select the pods with `toEndpoints`",
                   .notes = {{service.where, "the service"}},
                   .severity = Severity::Warning});
  });
}

}  // namespace

std::vector<Rule> service_rules() {
  return {
          {DiagKind::DottedServiceKey, Severity::Warning, Needs::Services, find_dotted,
           "`toServices` of a service with a selector means the pods that have these labels. Before 1.20 Cilium splits a key at its "
           "first dot, as if the part before it were a label's source: `app.kubernetes.io/name` is then a key that no pod has, and "
           "the entry allows nothing. Select the pods with `toEndpoints`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-checkout
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toServices: [{k8sService: {serviceName: checkout, namespace: shop}}]
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec:
  selector: {app.kubernetes.io/name: checkout}
  ports: [{port: 80, targetPort: 8080}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-checkout
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toServices: [{k8sService: {serviceName: checkout, namespace: shop}}]
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec:
  selector: {app: checkout}
  ports: [{port: 80, targetPort: 8080}]
)"},
          {DiagKind::NameOfService, Severity::Warning, Needs::Services, find_names,
           "`toFQDNs` matches addresses outside of the cluster that names resolve to. The name of a service resolves to its "
           "cluster address, which is turned into a pod before policy is asked, or to its pods: neither is matched. Select the "
           "pods, or use `toServices`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-checkout
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toFQDNs: [{matchName: checkout.shop.svc.cluster.local}]
  - toEndpoints:
    - matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules: {dns: [{matchPattern: "*"}]}
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec:
  clusterIP: 10.96.0.40
  selector: {app: checkout}
  ports: [{port: 80, targetPort: 8080}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-checkout
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toFQDNs: [{matchName: checkout.shop.example.com}]
  - toEndpoints:
    - matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules: {dns: [{matchPattern: "*"}]}
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec:
  clusterIP: 10.96.0.40
  selector: {app: checkout}
  ports: [{port: 80, targetPort: 8080}]
)"},
          {DiagKind::ServiceOfApiServer, Severity::Warning, Needs::Services, find_nodes,
           "`toServices` of a service without selector stands for the addresses of its endpoints, as CIDRs, and CIDRs match no "
           "nodes. The API server (`default/kubernetes`) mostly runs on nodes: use the entity `kube-apiserver`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toServices: [{k8sService: {serviceName: kubernetes, namespace: default}}]
---
apiVersion: v1
kind: Service
metadata: {name: kubernetes, namespace: default}
spec: {clusterIP: 10.96.0.1, ports: [{port: 443, targetPort: 6443}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: kubernetes, namespace: default}
subsets: [{addresses: [{ip: 10.0.64.1}], ports: [{port: 6443}]}]
---
apiVersion: v1
kind: Node
metadata: {name: node-a}
status: {addresses: [{type: InternalIP, address: 10.0.64.1}]}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toServices: [{k8sService: {serviceName: kubernetes, namespace: default}}]
---
apiVersion: v1
kind: Service
metadata: {name: kubernetes, namespace: default}
spec: {clusterIP: 10.96.0.1, ports: [{port: 443, targetPort: 6443}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: kubernetes, namespace: default}
subsets: [{addresses: [{ip: 192.0.2.10}], ports: [{port: 6443}]}]
---
apiVersion: v1
kind: Node
metadata: {name: node-a}
status: {addresses: [{type: InternalIP, address: 10.0.64.1}]}
)"},
          {DiagKind::ServiceUnresolved, Severity::Error, Needs::Services, find_unresolved,
           "`toServices` that means no service leaves the entry without peers. Without ports it then allows nothing; with "
           "`toPorts` it opens these ports to everyone, as Cilium takes an entry without peers for one about ports alone. An error "
           "where that happens, else a warning. Nothing is said of namespaces that no service of the input is in.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-checkout
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toServices: [{k8sService: {serviceName: chekout, namespace: shop}}]
    toPorts:
    - ports: [{port: "8080"}]
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec:
  clusterIP: 10.96.0.40
  selector: {app: checkout}
  ports: [{port: 80, targetPort: 8080}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-checkout
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toServices: [{k8sService: {serviceName: checkout, namespace: shop}}]
    toPorts:
    - ports: [{port: "8080"}]
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec:
  clusterIP: 10.96.0.40
  selector: {app: checkout}
  ports: [{port: 80, targetPort: 8080}]
)"}};
}

}  // namespace netpolc::lint
