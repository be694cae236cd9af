// What the reader warns of of policies while it reads (frontend/): listed here so that it can be explained, chosen and ignored like the rest.
// Those without examples turn on options or files beside the manifests; testdata/diagnostics/ shows them.
#include "compiler/lint/rule.h"

namespace netpolc::lint {

std::vector<Rule> reader_policy_rules() {
  return {
          {DiagKind::RejectedInCluster, Severity::Warning, Needs::Policies, nullptr,
           "`kubectl apply` takes policies that Cilium then refuses: the object stays in the cluster, and nothing of it is enforced. Only its "
           "`status` tells: the operator sets the condition `Valid` to \"False\", with the reason, and agents of old wrote an `error` for each "
           "node. Said of policies in a dump of the cluster; mend the policy, or see which version judged it. What `import` writes has no status.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromEntities: [cluster]
status:
  conditions:
  - lastTransitionTime: "2026-04-02T13:35:53Z"
    message: "Invalid ingress: unknown entity"
    status: "False"
    type: Valid
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromEntities: [cluster]
status:
  conditions:
  - lastTransitionTime: "2026-04-02T13:35:53Z"
    message: Policy validation succeeded
    status: "True"
    type: Valid
)"},
          {DiagKind::EmptyPeerList, Severity::Warning, Needs::Policies, nullptr,
           "An empty list of peers is not the absence of one: `fromEndpoints: []` selects nobody, and the entry adds nothing. "
           "`toFQDNs: []` and `toServices: []` count as absent, and what the entry has besides is open to everyone. In a NetworkPolicy an empty `from` or `to` is everyone. Leave "
           "the list out, or name peers; `[{}]` is everything of the namespace.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEndpoints: []
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEndpoints: [{}]
)"},
          {DiagKind::IcmpEveryType, Severity::Warning, Needs::Policies, nullptr,
           "ICMP type 0 (EchoReply) is stored as port 0, which stands for every type.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - icmps:
    - fields: [{type: 0}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - icmps:
    - fields: [{type: 8}]
)"},
          {DiagKind::UnscopedGroups, Severity::Warning, Needs::Policies, nullptr,
           "A `cidrGroupSelector` that asks for no label matches every identity: pods, nodes and the world, too. Ask for a label "
           "of the groups, or name one with `cidrGroupRef`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromCIDRSet: [{cidrGroupSelector: {}}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromCIDRSet: [{cidrGroupSelector: {matchLabels: {use: partners}}}]
)"},
          {DiagKind::EmptyPorts, Severity::Warning, Needs::Policies, nullptr,
           "An entry of `toPorts` without ports matches no port. Leave `toPorts` out for all of them.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - toPorts: [{}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - toPorts:
    - ports: [{port: "80"}]
)"},
          {DiagKind::ReservedTerms, Severity::Warning, Needs::Policies, nullptr,
           "A selector with a key of source `reserved` gets no namespace of its own and means identities such as the host, which "
           "have no labels of pods. Beside other keys it hardly ever means what it says. Use `fromEntities`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEndpoints: [{matchLabels: {"reserved:host": "", app: cart}}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEntities: [host]
)"},
          {DiagKind::ForeignNamespace, Severity::Warning, Needs::Policies, nullptr,
           "A CiliumNetworkPolicy selects endpoints of its own namespace, whatever namespace its `endpointSelector` names.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      k8s:io.kubernetes.pod.namespace: other
  ingress:
  - fromEntities: [cluster]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      k8s:io.kubernetes.pod.namespace: shop
  ingress:
  - fromEntities: [cluster]
)"},
          {DiagKind::ServicesInDeny, Severity::Warning, Needs::Policies, nullptr,
           "`toServices` of a deny rule are never turned into pods or addresses: the entry denies nothing.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress: [{toEntities: [all]}]
  egressDeny:
  - toServices: [{k8sService: {serviceName: db}}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toServices: [{k8sService: {serviceName: db}}]
)"},
          {DiagKind::DenyOnly, Severity::Warning, Needs::Policies, nullptr,
           "A policy that only denies switches on default deny and so denies everything else in that direction, if no other policy "
           "allows anything. NP010 says it, and of how many, where the workloads are known.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egressDeny:
  - toCIDR: [169.254.169.254/32]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  enableDefaultDeny: {egress: false}
  egressDeny:
  - toCIDR: [169.254.169.254/32]
)"},
          {DiagKind::DefaultDenyUnused, Severity::Warning, Needs::Policies, nullptr,
           "`enableDefaultDeny` says what rules of a direction do to its default. Without rules of that direction it has no "
           "effect.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  enableDefaultDeny: {egress: true}
  ingress:
  - fromEntities: [cluster]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  enableDefaultDeny: {egress: true}
  egress: [{}]
  ingress:
  - fromEntities: [cluster]
)"},
          {DiagKind::OctalPort, Severity::Warning, Needs::Policies, nullptr,
           "A port number with a leading zero is read as octal: \"010\" is port 8.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - toPorts:
    - ports: [{port: "010"}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - toPorts:
    - ports: [{port: "10"}]
)"},
          {DiagKind::EndPortIgnored, Severity::Warning, Needs::Policies, nullptr,
           "An `endPort` below its `port`, or beside a named port, makes no range.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - toPorts:
    - ports: [{port: "90", endPort: 80}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - toPorts:
    - ports: [{port: "80", endPort: 90}]
)"},
          {DiagKind::GroupsUnknown, Severity::Warning, Needs::Policies, nullptr,
           "`toGroups` means addresses that Cilium's operator asks the cloud for; no manifest has them, so nothing here knows "
           "them.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toGroups: [{aws: {region: eu-west-1}}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toCIDR: [192.0.2.0/24]
)"},
          {DiagKind::NodesOfNoCluster, Severity::Warning, Needs::Policies, nullptr,
           "With `policy-default-local-cluster` (on from 1.19) selectors of nodes ask for a cluster's label, which nodes have only "
           "in some versions.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backup, namespace: shop}
spec:
  endpointSelector: {}
  ingress:
  - fromNodes:
    - matchLabels: {role: backup}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {enable-node-selector-labels: "true"}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backup, namespace: shop}
spec:
  endpointSelector: {}
  ingress:
  - fromNodes:
    - matchLabels: {role: backup}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {enable-node-selector-labels: "true", policy-default-local-cluster: "false"}
)",
           {.version = 20}}};
}

}  // namespace netpolc::lint
