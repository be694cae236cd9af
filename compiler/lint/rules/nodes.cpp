// Rules about policies of nodes: whom they shut out of the node (semantics reference, sections 4.1 and 8.1).
#include <algorithm>
#include <set>

#include "compiler/lint/rule.h"
#include "ir/eval/match.h"

namespace netpolc::lint {
namespace {

using ir::Direction;

constexpr std::uint32_t kApiServerOnNode = 7, kRemoteNode = 6;
constexpr std::uint16_t kSsh = 22, kApiServer = 6443, kKubelet = 10250;

bool has_label(const ir::Node& node, const char* key) { return node.labels.count(key) != 0; }

bool serves_api(const Facts& facts, const ir::Node& node) {
  return has_label(node, "node-role.kubernetes.io/control-plane") || has_label(node, "node-role.kubernetes.io/master") ||
         std::any_of(node.addresses.begin(), node.addresses.end(), [&](const IpAddress& address) { return facts.is_apiserver(address); });
}

// A node that has what the policy asks for, and nothing else.
ir::Node as_asked(const ir::Policy& policy) {
  ir::Node out;
  out.name = "any node that it selects";
  for (const ir::Requirement& one : policy.subject.requirements)
    if (one.op == ir::Operator::In || one.op == ir::Operator::Exists) out.labels.emplace(one.key, one.values.empty() ? "" : one.values.front());
  return out;
}

std::optional<ir::Node> one_selected(const Facts& facts, const ir::Policy& policy) {
  const ir::Node* found = nullptr;
  for (const ir::Node& node : facts.cluster().nodes) {
    if (node.remote_cluster || !ir::eval::matches(policy.subject, ir::host_labels(node, serves_api(facts, node)))) continue;
    if (found == nullptr || (serves_api(facts, node) && !serves_api(facts, *found))) found = &node;  // more can go wrong there
  }
  if (found != nullptr) return *found;
  if (!facts.cluster().nodes.empty()) return std::nullopt;
  return as_asked(policy);
}

// The API server as others see it: a node, or an address outside of the cluster.
ir::PeerFacts api_server(const Facts& facts) {
  for (const IpAddress& address : facts.cluster().kube_apiservers) {
    const auto& nodes = facts.cluster().nodes;
    const bool of_node = std::any_of(nodes.begin(), nodes.end(), [&](const ir::Node& node) { return std::find(node.addresses.begin(), node.addresses.end(), address) != node.addresses.end(); });
    if (nodes.empty() || of_node) break;
    ir::LabelSet labels{{"reserved", "kube-apiserver", ""}};
    const ir::Config& config = facts.cluster().config;
    labels.push_back({"reserved", !(config.ipv4 && config.ipv6) ? "world" : address.v6 ? "world-ipv6" : "world-ipv4", ""});
    ir::normalise(labels);
    return {std::move(labels), address};
  }
  return {ir::reserved_labels(kApiServerOnNode), std::nullopt};
}

bool covers(const ir::PortMatch& port, std::uint16_t number) {
  const bool tcp = port.protocol == ir::Protocol::Any || port.protocol == ir::Protocol::Tcp;
  return tcp && (!port.name.empty() || (port.first <= number && number <= port.last) || (port.first == 0 && port.last == 0));
}

// Whether anybody at all is let in on this port, from wherever.
bool lets_somebody_in(const ir::PolicySet& policies, std::uint16_t number) {
  for (const ir::Policy& policy : policies.policies)
    for (const ir::Rule& rule : policy.rules) {
      if (rule.direction != Direction::Ingress || rule.action != ir::Action::Allow || rule.peer_kind == ir::PeerKind::Nobody) continue;
      if (rule.any_l4 && rule.peer_kind == ir::PeerKind::Listed) return true;
      for (const ir::PortRule& item : rule.ports)
        if (std::any_of(item.ports.begin(), item.ports.end(), [&](const ir::PortMatch& port) { return covers(port, number); })) return true;
    }
  return false;
}

// What one node loses.
class Node {
 public:
  Node(const Facts& facts, const ir::Cluster& cluster, const ir::Node& node) : facts_(facts), node_(node), labels_(ir::host_labels(node, serves_api(facts, node))) {
    for (std::uint32_t p = 0; p < facts.policies().size(); ++p) {
      const ir::Policy& policy = facts.policies()[p];
      if (!policy.subject_is_node || !ir::eval::matches(policy.subject, labels_)) continue;
      policies_.policies.push_back(policy);
      from_.push_back(p);
    }
    policy_.emplace(ir::eval::World{policies_, cluster, facts.world().resolutions}, ir::Subject{labels_, "", {}, true});
  }

  void report(Findings& out) const {
    if (policy_->incomputable()) return;
    check(Direction::Ingress, api_server(facts_), kKubelet, "the API server does not reach the kubelet (TCP 10250): no logs, no exec", "kube-apiserver", Severity::Error, out);
    if (serves_api(facts_, node_)) check(Direction::Ingress, {ir::reserved_labels(kRemoteNode), std::nullopt}, kApiServer, "other nodes do not reach the API server (TCP 6443)", "remote-node", Severity::Error, out);
    else check(Direction::Egress, api_server(facts_), kApiServer, "the kubelet does not reach the API server (TCP 6443): the node goes away", "kube-apiserver", Severity::Error, out);
    const ir::PeerFacts outside{{{"reserved", facts_.cluster().config.ipv4 && facts_.cluster().config.ipv6 ? "world-ipv4" : "world", ""}}, std::nullopt};
    if (!lets_somebody_in(policies_, kSsh)) check(Direction::Ingress, outside, kSsh, "nobody reaches SSH (TCP 22)", "", Severity::Warning, out);
  }

 private:
  void check(Direction direction, const ir::PeerFacts& peer, std::uint16_t port, const char* what, const char* entity, Severity severity, Findings& out) const {
    const ir::SideVerdict verdict = policy_->judge(direction, peer, {ir::Protocol::Tcp, port});
    if (verdict.verdict == ir::Verdict::Allow || verdict.verdict == ir::Verdict::AllowL7) return;
    // An API server outside may well listen where HTTPS does.
    if (direction == Direction::Egress && policy_->judge(direction, peer, {ir::Protocol::Tcp, 443}).verdict == ir::Verdict::Allow) return;
    std::optional<std::uint32_t> by;
    for (const ir::RuleRef& ref : verdict.rules)
      if (ref.policy < from_.size()) by = by.value_or(from_[ref.policy]);
    if (!by) return;
    const bool denied = verdict.verdict == ir::Verdict::Deny;
    const ir::Policy& policy = facts_.policies()[*by];
    const std::string list = std::string(direction == Direction::Ingress ? "ingress" : "egress") + (denied ? "Deny" : "");
    const std::string allow = std::string(direction == Direction::Ingress ? "from" : "to") + "Entities: [" + entity + "]`";
    const std::string to = "TCP " + std::to_string(port);
    out.push_back({.kind = DiagKind::NodeLockOut,
                   .where = facts_.places().key(policy.where, list),
                   .message = std::string("with this policy of nodes ") + what,
                   .label = denied ? "a rule here denies it" : *entity != '\0' ? "`" + allow + " with " + to + " allows it" : "allow " + to + " from where it is needed",
                   .severity = severity});
  }

  const Facts& facts_;
  const ir::Node& node_;
  const ir::LabelSet labels_;
  ir::PolicySet policies_;
  std::vector<std::uint32_t> from_;
  std::optional<ir::eval::SubjectPolicy> policy_;
};

bool has_policies_of_nodes(const Facts& facts) {
  return std::any_of(facts.policies().begin(), facts.policies().end(), [](const ir::Policy& policy) { return policy.subject_is_node; });
}

// As if the host firewall were on: who turns it on later is locked out then.
void find_lock_out(const Facts& facts, Findings& out) {
  if (!has_policies_of_nodes(facts) || facts.cluster().config.mode == ir::PolicyMode::Never) return;
  ir::Cluster cluster = facts.cluster();
  cluster.config.host_firewall = true;
  std::set<std::string> seen;
  for (const ir::Policy& policy : facts.policies()) {
    if (!policy.subject_is_node) continue;
    const auto node = one_selected(facts, policy);
    if (node && seen.insert(node->name + (facts.cluster().nodes.empty() ? policy.name : "")).second) Node(facts, cluster, *node).report(out);
  }
}

void find_no_firewall(const Facts& facts, Findings& out) {
  if (facts.cluster().config.host_firewall) return;
  for (const ir::Policy& policy : facts.policies()) {
    if (!policy.subject_is_node || policy.rules.empty()) continue;
    out.push_back({.kind = DiagKind::NoHostFirewall,
                   .where = facts.places().key(policy.where, "nodeSelector"),
                   .message = "policies of nodes count only with `enable-host-firewall`, which no input turns on",
                   .label = "it changes nothing then",
                   .severity = Severity::Note});
  }
}

}  // namespace

std::vector<Rule> node_rules() {
  return {
          {DiagKind::NodeLockOut, Severity::Error, Needs::Policies, find_lock_out,
           "A policy with `nodeSelector` denies by default what it does not name, and a node needs more than it seems: the API "
           "server must reach the kubelet, the kubelet the API server, other nodes the API server's node, and somebody SSH. An "
           "error for the former, a warning where nobody at all reaches SSH. One node is asked for all that the policy selects, as "
           "if the host firewall were on.",
           R"(apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {enable-host-firewall: "true"}
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata:
  name: nodes
spec:
  nodeSelector: {matchLabels: {pool: blue}}
  ingress:
  - toPorts:
    - ports: [{port: "22", protocol: TCP}]
)",
           R"(apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {enable-host-firewall: "true"}
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata:
  name: nodes
spec:
  nodeSelector: {matchLabels: {pool: blue}}
  ingress:
  - toPorts:
    - ports: [{port: "22", protocol: TCP}]
  - fromEntities: [kube-apiserver]
    toPorts:
    - ports: [{port: "10250", protocol: TCP}]
)"},
          {DiagKind::NoHostFirewall, Severity::Note, Needs::Policies, find_no_firewall,
           "A policy with `nodeSelector` is enforced by the host firewall, which is off unless `enable-host-firewall` of "
           "cilium-config turns it on. Give the ConfigMap, too.",
           R"(apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata:
  name: nodes
spec:
  nodeSelector: {matchLabels: {pool: blue}}
  ingress:
  - fromEntities: [cluster, world]
)",
           R"(apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {enable-host-firewall: "true"}
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata:
  name: nodes
spec:
  nodeSelector: {matchLabels: {pool: blue}}
  ingress:
  - fromEntities: [cluster, world]
)"}};
}

}  // namespace netpolc::lint
