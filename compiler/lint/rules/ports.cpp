// Rules about ports: names that have no number (semantics reference, section 5.9), numbers that only a service has (section 9).
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>

#include "compiler/lint/edits.h"
#include "compiler/lint/rule.h"
#include "ir/eval/resolve.h"

namespace netpolc::lint {
namespace {

void each_port(const Facts& facts, const std::function<void(std::size_t policy, const ir::Rule&, const ir::PortMatch&)>& visit) {
  for (std::size_t p = 0; p < facts.policies().size(); ++p)
    for (const ir::Rule& rule : facts.policies()[p].rules)
      for (const ir::PortRule& item : rule.ports)
        for (const ir::PortMatch& port : item.ports) visit(p, rule, port);
}

// ---- named ports -------------------------------------------------------------------------------
using Numbers = std::map<std::pair<std::string, ir::Protocol>, std::set<std::uint16_t>>;

Numbers numbers_in_cluster(const Facts& facts) {
  Numbers out;
  for (const ir::Endpoint& endpoint : facts.cluster().endpoints)
    if (!endpoint.host_network)
      for (const ir::NamedPort& port : endpoint.named_ports) out[{port.name, port.protocol}].insert(port.port);
  return out;
}

std::string listed(const std::set<std::uint16_t>& numbers) {
  std::string out;
  for (const std::uint16_t number : numbers) out += (out.empty() ? "" : ", ") + std::to_string(number);
  return out;
}

// Up to 1.19 a name in egress means one number in the whole cluster.
void find_several(const Facts& facts, Findings& out) {
  if (facts.cluster().config.version >= 20) return;
  const Numbers known = numbers_in_cluster(facts);
  each_port(facts, [&](std::size_t, const ir::Rule& rule, const ir::PortMatch& port) {
    if (port.name.empty() || rule.direction != ir::Direction::Egress) return;
    for (const ir::Protocol protocol : ir::eval::protocols_of(port.protocol)) {
      const auto numbers = known.find({port.name, protocol});
      if (numbers == known.end() || numbers->second.size() < 2) continue;
      out.push_back({.kind = DiagKind::PortNameSeveral,
                     .where = facts.places().value_of(rule.where, "port", port.name),
                     .message = "port `" + port.name + "` has several numbers in the cluster: " + listed(numbers->second),
                     .label = "in egress such a name stands for none; give the number",
                     .severity = Severity::Warning});
      return;
    }
  });
}

bool has_port(const ir::Endpoint& endpoint, const ir::PortMatch& port) {
  const auto protocols = ir::eval::protocols_of(port.protocol);
  return std::any_of(endpoint.named_ports.begin(), endpoint.named_ports.end(), [&](const ir::NamedPort& own) {
    return own.name == port.name && std::find(protocols.begin(), protocols.end(), own.protocol) != protocols.end();
  });
}

// In ingress the ports of the subjects count, in egress those of everybody.
void find_unknown(const Facts& facts, Findings& out) {
  const Numbers known = numbers_in_cluster(facts);
  const auto known_to_some = [&](const ir::PortMatch& port) {
    const auto protocols = ir::eval::protocols_of(port.protocol);
    return std::any_of(protocols.begin(), protocols.end(), [&](ir::Protocol protocol) { return known.count({port.name, protocol}) != 0; });
  };
  each_port(facts, [&](std::size_t p, const ir::Rule& rule, const ir::PortMatch& port) {
    if (port.name.empty() || facts.policies()[p].subject_is_node) return;
    const bool ingress = rule.direction == ir::Direction::Ingress;
    if (ingress) {
      const auto subjects = facts.endpoints(facts.subjects(p));
      if (subjects.empty()) return;
      if (std::any_of(subjects.begin(), subjects.end(), [&](std::uint32_t e) { return has_port(facts.cluster().endpoints[e], port); })) return;
      if (std::all_of(subjects.begin(), subjects.end(), [&](std::uint32_t e) { return facts.cluster().endpoints[e].named_ports.empty(); }) && known_to_some(port)) return;
    } else if (known_to_some(port)) {
      return;
    }
    out.push_back({.kind = DiagKind::PortNameUnknown,
                   .where = facts.places().value_of(rule.where, "port", port.name),
                   .message = ingress ? "no endpoint that this policy selects has a port `" + port.name + "`" : "no endpoint has a port `" + port.name + "`",
                   .label = "this entry matches nothing",
                   .severity = Severity::Warning});
  });
}

// ---- ports of services -------------------------------------------------------------------------

class ServicePorts {
 public:
  explicit ServicePorts(const Facts& facts) : facts_(facts) {
    const auto& services = facts.cluster().services;
    for (std::uint32_t s = 0; s < services.size(); ++s) {
      backends_.push_back(facts.backends(services[s]));
      for (const auto& port : services[s].ports) {
        by_number_[port.port].push_back(s);
        for (const std::uint16_t target : targets(s, port)) listens(target) |= backends_.back();
      }
    }
    for (const ir::Endpoint& endpoint : facts.cluster().endpoints)
      for (const ir::NamedPort& port : endpoint.named_ports) declared_.insert(port.port);
  }

  // A service that has all of `pods` behind it and this port, and passes it on to another; none if a pod is known to listen on it.
  const ir::Service* only_of(const Bits& pods, std::uint16_t number) {
    const auto services = by_number_.find(number);
    if (services == by_number_.end() || !any(pods) || any(both(listens(number), pods)) || is_declared(pods, number)) return nullptr;
    for (const std::uint32_t s : services->second)
      if (!any(without(pods, backends_[s]))) return &facts_.cluster().services[s];
    return nullptr;
  }
  std::string targets_in_words(const ir::Service& service, std::uint16_t number) const {
    std::set<std::uint16_t> all;
    const auto s = static_cast<std::uint32_t>(&service - facts_.cluster().services.data());
    for (const auto& port : service.ports)
      if (port.port == number) all.merge(targets(s, port));
    return listed(all);
  }

 private:
  Bits& listens(std::uint16_t port) { return listens_.try_emplace(port, facts_.nobody()).first->second; }
  bool is_declared(const Bits& pods, std::uint16_t number) const {
    if (declared_.count(number) == 0) return false;
    const auto all = facts_.endpoints(pods);
    return std::any_of(all.begin(), all.end(), [&](std::uint32_t e) {
      const auto& ports = facts_.cluster().endpoints[e].named_ports;
      return std::any_of(ports.begin(), ports.end(), [&](const ir::NamedPort& port) { return port.port == number; });
    });
  }
  // A name is looked up at each pod; without a number nothing is known.
  std::set<std::uint16_t> targets(std::uint32_t service, const ir::Service::Port& port) const {
    if (port.target_name.empty()) return {port.target_port != 0 ? port.target_port : port.port};
    std::set<std::uint16_t> out;
    for (const std::uint32_t e : facts_.endpoints(backends_[service]))
      for (const ir::NamedPort& own : facts_.cluster().endpoints[e].named_ports)
        if (own.name == port.target_name && own.protocol == port.protocol) out.insert(own.port);
    return out;
  }

  const Facts& facts_;
  std::vector<Bits> backends_;  // by service
  std::unordered_map<std::uint16_t, std::vector<std::uint32_t>> by_number_;
  std::unordered_map<std::uint16_t, Bits> listens_;
  std::set<std::uint16_t> declared_;
};

// Pods that traffic of this rule arrives at: only where it says so by labels.
Bits receivers(const Facts& facts, std::size_t policy, const ir::Rule& rule) {
  if (rule.direction == ir::Direction::Ingress) return facts.subjects(policy);
  Bits out = facts.nobody();
  for (const ir::Peer& peer : rule.peers)
    if (const auto* labels = std::get_if<ir::LabelPeer>(&peer); labels != nullptr && labels->endpoints) out |= both(facts.select(labels->selector), facts.managed());
  return out;
}

// The port that the API server listens on, for a rule to it that has its service's port and not this one; 0: nothing of the kind.
std::uint16_t port_of_apiserver(const ir::Service& service, const ir::Rule& rule, const ir::PortMatch& port) {
  const auto is_apiserver = [](const ir::Peer& peer) { return peer == ir::Peer(ir::EntityPeer{ir::Entity::KubeApiserver}); };
  if (rule.direction != ir::Direction::Egress || rule.peers.empty() || !std::all_of(rule.peers.begin(), rule.peers.end(), is_apiserver)) return 0;
  const auto own = std::find_if(service.ports.begin(), service.ports.end(), [&](const auto& one) { return one.port == port.first && one.protocol == ir::Protocol::Tcp; });
  if (own == service.ports.end() || own->target_port == 0 || own->target_port == port.first) return 0;
  for (const ir::PortRule& item : rule.ports)
    for (const ir::PortMatch& other : item.ports)
      if (other.first <= own->target_port && own->target_port <= std::max(other.first, other.last)) return 0;
  return own->target_port;
}

struct Listener {
  const char* does;  // "its pods listen on"
  const char* name;
};

void report_service_port(const Facts& facts, const ir::Rule& rule, const ir::PortMatch& port, const ir::Service& service, const Listener& listener, const std::string& targets, Findings& out) {
  const std::string number = std::to_string(port.first);
  Diagnostic found{.kind = DiagKind::ServicePort,
                   .where = facts.places().value_of(rule.where, "port", number),
                   .message = "port " + number + " is that of service `" + service.ns + "/" + service.name + "`; " + listener.does + " " + targets,
                   .label = std::string("policy sees the port of the ") + listener.name + ": " + targets,
                   .severity = Severity::Warning};
  const auto text = written_as(facts, *found.where, number, targets);
  if (text && targets.find(',') == std::string::npos) found.fix = FixIt{*found.where, *text};
  out.push_back(std::move(found));
}

void find_service_port(const Facts& facts, Findings& out) {
  ServicePorts ports(facts);
  const auto& services = facts.cluster().services;
  const auto apiserver = std::find_if(services.begin(), services.end(), [](const ir::Service& one) { return one.ns == "default" && one.name == "kubernetes"; });
  each_port(facts, [&](std::size_t p, const ir::Rule& rule, const ir::PortMatch& port) {
    if (!port.name.empty() || port.first == 0 || port.first != port.last || rule.action != ir::Action::Allow) return;
    if (const auto target = apiserver != services.end() ? port_of_apiserver(*apiserver, rule, port) : 0; target != 0)
      report_service_port(facts, rule, port, *apiserver, {"the API server listens on", "server"}, std::to_string(target), out);
    const ir::Service* service = ports.only_of(receivers(facts, p, rule), port.first);
    if (service == nullptr) return;
    const std::string targets = ports.targets_in_words(*service, port.first);
    if (!targets.empty()) report_service_port(facts, rule, port, *service, {"its pods listen on", "pod"}, targets, out);
  });
}

}  // namespace

std::vector<Rule> port_rules() {
  return {
          {DiagKind::ServicePort, Severity::Warning, Needs::Services, find_service_port,
           "A connection to a service goes to a pod and the pod's port before policy is asked: rules must have the port that the "
           "pod listens on (`targetPort`), not the port of the service. Said where no pod that the rule is about is known to "
           "listen on the port, and a service of theirs has it. The API server behind the service `kubernetes` is such a case, too: 443 "
           "of the service is often 6443 of the server.",
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
  - toEndpoints:
    - matchLabels:
        app: checkout
    toPorts:
    - ports: [{port: "80"}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: checkout, namespace: shop, labels: {app: checkout}}
spec: {containers: []}
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
  - toEndpoints:
    - matchLabels:
        app: checkout
    toPorts:
    - ports: [{port: "8080"}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: checkout, namespace: shop, labels: {app: checkout}}
spec: {containers: []}
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec:
  clusterIP: 10.96.0.40
  selector: {app: checkout}
  ports: [{port: 80, targetPort: 8080}]
)"},
          {DiagKind::PortNameSeveral, Severity::Warning, Needs::Workloads, find_several,
           "Up to Cilium 1.19 the name of a port in an egress rule means one number in the whole cluster. Where containers give "
           "the name to different numbers it means none, and the rule allows nothing. Write the number. From 1.20 on the name is "
           "looked up at each peer.",
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
  - toEndpoints:
    - matchLabels:
        app: checkout
    toPorts:
    - ports: [{port: http}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: checkout, namespace: shop, labels: {app: checkout}}
spec: {containers: [{ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: shop, labels: {app: other}}
spec: {containers: [{ports: [{name: http, containerPort: 9090}]}]}
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
  - toEndpoints:
    - matchLabels:
        app: checkout
    toPorts:
    - ports: [{port: http}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: checkout, namespace: shop, labels: {app: checkout}}
spec: {containers: [{ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: shop, labels: {app: other}}
spec: {containers: [{ports: [{name: http, containerPort: 8080}]}]}
)"},
          {DiagKind::PortNameUnknown, Severity::Warning, Needs::Workloads, find_unknown,
           "A named port means the container port of that name: in ingress of the pods that the policy selects, in egress of the "
           "peers. Where none of them names a port so, the entry matches nothing. Name the container port, or write the number.",
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
  - toEndpoints:
    - matchLabels:
        app: checkout
    toPorts:
    - ports: [{port: htpt}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: checkout, namespace: shop, labels: {app: checkout}}
spec: {containers: [{ports: [{name: http, containerPort: 8080}]}]}
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
  - toEndpoints:
    - matchLabels:
        app: checkout
    toPorts:
    - ports: [{port: http}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: checkout, namespace: shop, labels: {app: checkout}}
spec: {containers: [{ports: [{name: http, containerPort: 8080}]}]}
)"}};
}

}  // namespace netpolc::lint
