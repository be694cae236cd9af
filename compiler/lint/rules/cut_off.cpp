// Rules about what a default deny takes away that nobody thought of: DNS, and Cilium's own health checks (semantics reference,
// sections 4.1 and 4.2).
#include <algorithm>

#include "compiler/lint/rule.h"
#include "ir/eval/match.h"

namespace netpolc::lint {
namespace {

// ---- DNS -----------------------------------------------------------------------------------------
constexpr std::uint16_t kDnsPort = 53;

bool has_port_of_dns(const ir::PortRule& item) {
  return std::any_of(item.ports.begin(), item.ports.end(), [](const ir::PortMatch& port) {
    if (port.protocol != ir::Protocol::Any && port.protocol != ir::Protocol::Udp && port.protocol != ir::Protocol::Tcp) return false;
    return !port.name.empty() || (port.first <= kDnsPort && kDnsPort <= port.last) || (port.first == 0 && port.last == 0);
  });
}

// An entry that names the port is for some DNS server, wherever that is; one for every port must have the cluster's among its peers.
bool may_be_for_dns(const Facts& facts, const ir::Rule& rule, const Bits& servers) {
  if (rule.peer_kind == ir::PeerKind::Nobody) return false;
  if (!rule.any_l4) return std::any_of(rule.ports.begin(), rule.ports.end(), has_port_of_dns);
  return std::any_of(rule.peers.begin(), rule.peers.end(), [&](const ir::Peer& peer) {
    if (const auto* labels = std::get_if<ir::LabelPeer>(&peer)) return !labels->endpoints || any(both(facts.select(labels->selector), servers));
    if (const auto* entity = std::get_if<ir::EntityPeer>(&peer)) return entity->entity != ir::Entity::World && entity->entity != ir::Entity::None;
    return std::holds_alternative<ir::ServicePeer>(peer);
  });
}

// Pods and services are called by their names.
bool is_for_pods(const ir::Rule& rule) {
  return std::any_of(rule.peers.begin(), rule.peers.end(), [](const ir::Peer& peer) {
    const auto* labels = std::get_if<ir::LabelPeer>(&peer);
    return (labels != nullptr && labels->endpoints && !labels->selector.requirements.empty()) || std::holds_alternative<ir::ServicePeer>(peer);
  });
}

bool is_egress_allow(const ir::Rule& rule) { return rule.direction == ir::Direction::Egress && rule.action == ir::Action::Allow; }

// Who is denied by default, who may send to pods, and who may ask.
struct Senders {
  Bits denied, send, ask;
};

Senders senders(const Facts& facts, const Bits& servers) {
  Senders out{facts.nobody(), facts.nobody(), facts.nobody()};
  for (std::size_t p = 0; p < facts.policies().size(); ++p) {
    const ir::Policy& policy = facts.policies()[p];
    for (const ir::Rule& rule : policy.rules) {
      if (rule.direction == ir::Direction::Egress && policy.default_deny_egress) out.denied |= facts.subjects(p);
      if (!is_egress_allow(rule)) continue;
      if (is_for_pods(rule)) out.send |= facts.subjects(p);
      if (may_be_for_dns(facts, rule, servers)) out.ask |= facts.subjects(p);
    }
  }
  return out;
}

void find_no_dns(const Facts& facts, Findings& out) {
  if (facts.cluster().config.mode == ir::PolicyMode::Never) return;
  const Bits servers = both(facts.select({{{"k8s", "k8s-app", ir::Operator::In, {"kube-dns"}}}}), facts.managed());
  if (!any(servers)) return;
  const Senders all = senders(facts, servers);
  const Bits mute = without(without(both(all.denied, all.send), all.ask), servers);
  if (!any(mute)) return;
  for (std::size_t p = 0; p < facts.policies().size(); ++p) {
    const Bits concerned = both(facts.subjects(p), mute);
    const auto& rules = facts.policies()[p].rules;
    if (!any(concerned) || std::none_of(rules.begin(), rules.end(), [](const ir::Rule& rule) { return is_egress_allow(rule) && is_for_pods(rule); })) continue;
    out.push_back({.kind = DiagKind::NoWayToDns,
                   .where = facts.places().key(facts.policies()[p].where, "egress"),
                   .message = "`" + facts.example(concerned) + "` may send to others, and no rule lets it ask DNS for their names",
                   .label = "allow port 53 of `" + facts.example(servers) + "`, too",
                   .severity = Severity::Warning});
  }
}

// ---- health checks -------------------------------------------------------------------------------
constexpr std::uint32_t kHealth = 4, kRemoteNode = 6;
constexpr std::uint16_t kHealthPort = 4240;

void find_health(const Facts& facts, Findings& out) {
  ir::PolicySet selecting;
  const ir::LabelSet health = ir::reserved_labels(kHealth);
  for (const ir::Policy& policy : facts.policies())
    if (policy.ns.empty() && !policy.subject_is_node && ir::eval::matches(policy.subject, health)) selecting.policies.push_back(policy);
  if (selecting.policies.empty()) return;
  const ir::eval::SubjectPolicy subject({selecting, facts.cluster(), facts.world().resolutions}, ir::Subject{health, "", {}, false});
  if (subject.incomputable()) return;
  const ir::SideVerdict verdict = subject.judge(ir::Direction::Ingress, {ir::reserved_labels(kRemoteNode), std::nullopt}, {ir::Protocol::Tcp, kHealthPort});
  if (verdict.verdict == ir::Verdict::Allow || verdict.verdict == ir::Verdict::AllowL7 || verdict.rules.empty()) return;
  const ir::Policy& policy = selecting.policies[verdict.rules.front().policy];
  out.push_back({.kind = DiagKind::HealthCutOff,
                 .where = facts.places().key(policy.where, "endpointSelector"),
                 .message = "this policy selects Cilium's health endpoints as well, and lets no node reach them",
                 .label = "ask for `k8s:io.kubernetes.pod.namespace` with operator Exists to mean pods, or allow `fromEntities: [remote-node, health]`",
                 .severity = Severity::Warning});
}

}  // namespace

std::vector<Rule> cut_off_rules() {
  return {
          {DiagKind::NoWayToDns, Severity::Warning, Needs::Workloads, find_no_dns,
           "Egress that is denied by default takes DNS away, too. Pods that may send to other pods or to services look up their "
           "names first: without a rule for port 53 nothing works, though the rule is there. Said where pods with `k8s-app: "
           "kube-dns` are known, of endpoints that have rules for pods or services and none that could be for DNS.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toEndpoints: [{matchLabels: {app: checkout}}]
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
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {containers: []}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toEndpoints: [{matchLabels: {app: checkout}}]
  - toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}]
    toPorts:
    - ports: [{port: "53"}]
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
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {containers: []}
)"},
          {DiagKind::HealthCutOff, Severity::Warning, Needs::Policies, find_health,
           "`endpointSelector: {}` of a clusterwide policy selects more than pods: Cilium's health endpoints, too. With ingress "
           "denied by default and no rule for other nodes, `cilium-health` reports every node as unreachable. Select pods, or let "
           "the nodes in.",
           R"(apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata:
  name: default-deny
spec:
  endpointSelector: {}
  ingress: [{}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata:
  name: default-deny
spec:
  endpointSelector:
    matchExpressions: [{key: k8s:io.kubernetes.pod.namespace, operator: Exists}]
  ingress: [{}]
)"}};
}

}  // namespace netpolc::lint
