// Rules about pods of the host network: policy does not govern them, and to their peers they are their node (section 3.1).
#include "compiler/lint/selectors.h"

namespace netpolc::lint {
namespace {

// The first of those that a selector means by their labels, if it means no other.
std::optional<std::uint32_t> only_host_network(const Facts& facts, const SelectorUse& use) {
  const auto pods = facts.host_network_pods(use.selector);
  if (pods.empty() || any(facts.select(use.selector))) return std::nullopt;
  return pods.front();
}

void find_subjects(const Facts& facts, Findings& out) {
  each_selector(facts, [&](const SelectorUse& use) {
    if (use.rule != nullptr) return;
    const auto pod = only_host_network(facts, use);
    if (!pod) return;
    out.push_back({.kind = DiagKind::HostNetworkSubject,
                   .where = place_of(facts, use),
                   .message = "this policy selects only pods of the host network, such as `" + facts.endpoint_name(*pod) + "`",
                   .label = "nothing is enforced for them; a policy with `nodeSelector` governs their node",
                   .severity = Severity::Warning});
  });
}

void find_peers(const Facts& facts, Findings& out) {
  each_selector(facts, [&](const SelectorUse& use) {
    if (use.rule == nullptr) return;
    const auto pod = only_host_network(facts, use);
    if (!pod) return;
    out.push_back({.kind = DiagKind::HostNetworkPeer,
                   .where = place_of(facts, use),
                   .message = "the peer is a pod of the host network: `" + facts.endpoint_name(*pod) + "`",
                   .label = "to policy it is its node: the entities `host` and `remote-node`",
                   .severity = Severity::Warning});
  });
}

}  // namespace

std::vector<Rule> host_network_rules() {
  return {
          {DiagKind::HostNetworkSubject, Severity::Warning, Needs::Workloads, find_subjects,
           "Pods with `hostNetwork: true` have no endpoint of their own. No policy that selects them by their labels is enforced; "
           "their traffic is their node's. With the host firewall a CiliumClusterwideNetworkPolicy with `nodeSelector` governs the "
           "node and all that runs on its network.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: exporter
  namespace: monitoring
spec:
  endpointSelector:
    matchLabels:
      app: node-exporter
  ingress:
  - fromEntities: [cluster]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: node-exporter, namespace: monitoring}
spec:
  selector: {matchLabels: {app: node-exporter}}
  template:
    metadata: {labels: {app: node-exporter}}
    spec: {hostNetwork: true, containers: []}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: exporter
  namespace: monitoring
spec:
  endpointSelector:
    matchLabels:
      app: node-exporter
  ingress:
  - fromEntities: [cluster]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: node-exporter, namespace: monitoring}
spec:
  selector: {matchLabels: {app: node-exporter}}
  template:
    metadata: {labels: {app: node-exporter}}
    spec: {containers: []}
)"},
          {DiagKind::HostNetworkPeer, Severity::Warning, Needs::Workloads, find_peers,
           "Traffic from and to pods with `hostNetwork: true` has the identity of their node, not that of their labels: a peer "
           "that selects them by labels never matches. Use `fromEntities: [host, remote-node]`, or an address with `policy-cidr- "
           "match-mode: nodes`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: scrape
  namespace: monitoring
spec:
  endpointSelector:
    matchLabels:
      app: prometheus
  egress:
  - toEndpoints:
    - matchLabels:
        app: node-exporter
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: node-exporter, namespace: monitoring}
spec:
  selector: {matchLabels: {app: node-exporter}}
  template:
    metadata: {labels: {app: node-exporter}}
    spec: {hostNetwork: true, containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: prometheus, namespace: monitoring, labels: {app: prometheus}}
spec: {containers: []}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: scrape
  namespace: monitoring
spec:
  endpointSelector:
    matchLabels:
      app: prometheus
  egress:
  - toEntities: [host, remote-node]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: node-exporter, namespace: monitoring}
spec:
  selector: {matchLabels: {app: node-exporter}}
  template:
    metadata: {labels: {app: node-exporter}}
    spec: {hostNetwork: true, containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: prometheus, namespace: monitoring, labels: {app: prometheus}}
spec: {containers: []}
)"}};
}

}  // namespace netpolc::lint
