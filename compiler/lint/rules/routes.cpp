// Rules about what comes through Cilium's Ingress and Gateway: to policy it is the proxy, not who called it (section 8.6).
#include <algorithm>
#include <set>
#include <unordered_map>

#include "compiler/lint/judged.h"
#include "compiler/lint/rule.h"

namespace netpolc::lint {
namespace {

constexpr std::uint32_t kIngress = 8;

std::vector<ir::Service::Port> ports_of(const ir::Service& service, const ir::Route::Backend& backend) {
  std::vector<ir::Service::Port> out;
  for (const ir::Service::Port& port : service.ports)
    if (backend.port != 0 ? port.port == backend.port : backend.port_name.empty() || port.name == backend.port_name) out.push_back(port);
  return out;
}

// Where a pod listens for this port of its service; 0: not known.
std::uint16_t target_of(const ir::Service::Port& port, const ir::Endpoint& pod) {
  if (port.target_name.empty()) return port.target_port != 0 ? port.target_port : port.port;
  for (const ir::NamedPort& own : pod.named_ports)
    if (own.name == port.target_name && own.protocol == port.protocol) return own.port;
  return 0;
}

class Hop {
 public:
  Hop(const Facts& facts, Findings& out) : facts_(facts), judged_(facts), out_(out) {
    for (const ir::Service& service : facts.cluster().services) services_.emplace(service.ns + "/" + service.name, &service);
  }

  void check(const ir::Route& route) {
    for (const ir::Route::Backend& backend : route.backends) {
      const auto service = services_.find(backend.ns + "/" + backend.service);
      if (service == services_.end()) continue;
      const Bits pods = facts_.backends(*service->second);
      for (const ir::Service::Port& port : ports_of(*service->second, backend))
        pods.each([&](std::size_t position) { check(route, position, port); });
    }
  }

 private:
  void check(const ir::Route& route, std::size_t position, const ir::Service::Port& port) {
    if (facts_.endpoints_at(position).empty()) return;
    const ir::Endpoint& pod = facts_.cluster().endpoints[facts_.endpoints_at(position).front()];
    const std::uint16_t number = target_of(port, pod);
    const Judged::One& one = judged_.at(position);
    if (number == 0 || one.policy->incomputable()) return;
    const ir::SideVerdict verdict = one.policy->judge(ir::Direction::Ingress, {ir::reserved_labels(kIngress), std::nullopt}, {port.protocol, number});
    if (verdict.verdict != ir::Verdict::DefaultDeny || verdict.rules.empty()) return;
    const auto by = one.among_all(verdict.rules.front());
    if (!by || !seen_.insert({by->policy, number}).second) return;
    const std::string what = route.kind + " `" + route.ns + "/" + route.name + "`";
    out_.push_back({.kind = DiagKind::BehindIngress,
                    .where = facts_.places().key(facts_.policies()[by->policy].where, "ingress"),
                    .message = what + " sends to `" + pod.ns + "/" + pod.name + "`, and no policy lets Cilium's proxy in",
                    .label = "allow `fromEntities: [ingress]` with port " + std::to_string(number),
                    .notes = {{route.where, "the route"}},
                    .severity = Severity::Warning});
  }

  const Facts& facts_;
  Judged judged_;
  Findings& out_;
  std::unordered_map<std::string, const ir::Service*> services_;
  std::set<std::pair<std::uint32_t, std::uint16_t>> seen_;
};

void find_behind_ingress(const Facts& facts, Findings& out) {
  if (facts.cluster().routes.empty()) return;
  Hop hop(facts, out);
  for (const ir::Route& route : facts.cluster().routes) hop.check(route);
}

}  // namespace

std::vector<Rule> route_rules() {
  return {
          {DiagKind::BehindIngress, Severity::Warning, Needs::Services, find_behind_ingress,
           "What comes through an Ingress or a Gateway of Cilium has the identity of its proxy, the entity `ingress`, whoever sent "
           "it: rules for the world or for addresses do not let it in. Allow the entity; who may call the proxy is said by a policy "
           "of its own. Said of Ingresses and Gateways of class `cilium`, whose service and pods the input has.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromEntities: [world]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec:
  ingressClassName: cilium
  defaultBackend: {service: {name: cart, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromEntities: [ingress]
    toPorts:
    - ports: [{port: "8080"}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec:
  ingressClassName: cilium
  defaultBackend: {service: {name: cart, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)"}};
}

}  // namespace netpolc::lint
