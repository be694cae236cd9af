// What the reader warns of while it reads (frontend/), and of lint itself: listed here so that it can be explained, chosen and ignored like the rest.
// Those without examples turn on options or files beside the manifests; testdata/diagnostics/ shows them.
#include "compiler/lint/rule.h"

namespace netpolc::lint {

std::vector<Rule> reader_rules() {
  return {
          {DiagKind::IgnoreWithoutReason, Severity::Warning, Needs::Policies, nullptr,
           "A finding can be kept quiet: `# netpolc:ignore NP033 why` for the line or for what starts on the next one, the "
           "annotation `netpolc.io/ignore` for all of an object. The reason is what the next reader needs: without one, or with a "
           "code that no finding has, nothing is kept quiet.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
  annotations: {netpolc.io/ignore: "NP033"}
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEntities: [cluster]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
  annotations: {netpolc.io/ignore: "NP033 the job is created at night"}
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEntities: [cluster]
)"},
          {DiagKind::NoManifests, Severity::Warning, Needs::Policies, nullptr,
           "A directory of several holds no `.yaml`, `.yml` or `.json`: most often its name is wrong, or nothing was rendered into "
           "it. If nothing at all can be read this is an error.",
           R"()",
           R"()"},
          {DiagKind::NotAnObject, Severity::Warning, Needs::Policies, nullptr,
           "A file of a directory holds YAML that is no Kubernetes object, such as the values of a chart. It is skipped; an object "
           "that lost its `kind` would be an error. Keep such files elsewhere, or name the manifests.",
           R"(replicas: 3
image: registry.example.com/cart
)",
           R"(apiVersion: v1
kind: Namespace
metadata: {name: shop}
)",
           {.directory = true}},
          {DiagKind::ObjectReplaced, Severity::Warning, Needs::Policies, nullptr,
           "The same object comes twice in the input. As with `kubectl apply`, the later one counts and the earlier has no effect.",
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
  - fromEntities: [cluster]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEntities: [world]
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
  - fromEntities: [cluster]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart-world
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEntities: [world]
)"},
          {DiagKind::NoNamespace, Severity::Warning, Needs::Policies, nullptr,
           "An object without a namespace goes wherever the context of whoever applies it says; it is taken for one of `default` "
           "here. Said where the input has workloads, and none in `default`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEntities: [cluster]
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
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEntities: [cluster]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)"},
          {DiagKind::UnknownField, Severity::Warning, Needs::Policies, nullptr,
           "With `--lax` a field that Cilium does not know is a warning and is ignored, as the API server may drop it; without, it "
           "is an error. Most are slips: the rule does not say what it seems to.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: web
  namespace: shop
spec:
  endpointSelector: {}
  ingres:
  - fromEntities: [cluster]
  egress:
  - toEntities: [cluster]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: web
  namespace: shop
spec:
  endpointSelector: {}
  ingress:
  - fromEntities: [cluster]
  egress:
  - toEntities: [cluster]
)",
           {.lax = true}},
          {DiagKind::PolicyTypesIgnored, Severity::Warning, Needs::Policies, nullptr,
           "`policyTypes` names the directions that a NetworkPolicy is about. Rules of a direction that it does not name are "
           "ignored.",
           R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
  egress:
  - {}
)",
           R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  egress:
  - {}
)"},
          {DiagKind::ClusterPolicyIgnored, Severity::Warning, Needs::Policies, nullptr,
           "A ClusterNetworkPolicy counts only from Cilium 1.20 on, and only with `enable-k8s-cluster-network-policy`.",
           R"(apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  egress:
  - action: Deny
    to:
    - namespaces: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {cluster-name: "default"}
)",
           R"(apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  egress:
  - action: Deny
    to:
    - namespaces: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {enable-k8s-cluster-network-policy: "true"}
)",
           {.version = 20}},
          {DiagKind::ClusterPolicyAssumed, Severity::Warning, Needs::Policies, nullptr,
           "A ClusterNetworkPolicy is taken into account, since nothing in the input says that `enable-k8s-cluster-network-policy` "
           "is off. Give the `cilium-config` ConfigMap, too.",
           R"(apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  egress:
  - action: Deny
    to:
    - namespaces: {}
)",
           R"(apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  egress:
  - action: Deny
    to:
    - namespaces: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {enable-k8s-cluster-network-policy: "true"}
)",
           {.version = 20}},
          {DiagKind::RedirectPolicy, Severity::Warning, Needs::Policies, nullptr,
           "A CiliumLocalRedirectPolicy that Cilium makes no redirect of. It needs one frontend, an address or a Service of its namespace, "
           "and a selector of the pods that take its place on every node.",
           R"(apiVersion: cilium.io/v2
kind: CiliumLocalRedirectPolicy
metadata: {name: dns, namespace: kube-system}
spec:
  redirectFrontend: {}
  redirectBackend:
    localEndpointSelector: {matchLabels: {k8s-app: node-local-dns}}
    toPorts: [{port: "53", name: dns, protocol: UDP}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumLocalRedirectPolicy
metadata: {name: dns, namespace: kube-system}
spec:
  redirectFrontend:
    serviceMatcher: {serviceName: kube-dns, namespace: kube-system}
  redirectBackend:
    localEndpointSelector: {matchLabels: {k8s-app: node-local-dns}}
    toPorts: [{port: "53", name: dns, protocol: UDP}]
)"},
          {DiagKind::ClusterNameInferred, Severity::Warning, Needs::Policies, nullptr,
           "Selectors name clusters, and no `cilium-config` says what this one is called: the name is guessed from them. Give the "
           "ConfigMap, too.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: mesh
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEndpoints:
    - matchLabels:
        io.cilium.k8s.policy.cluster: east
  - fromEndpoints:
    - matchLabels:
        io.cilium.k8s.policy.cluster: west
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: mesh
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - fromEndpoints:
    - matchLabels:
        io.cilium.k8s.policy.cluster: east
  - fromEndpoints:
    - matchLabels:
        io.cilium.k8s.policy.cluster: west
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {cluster-name: east}
)"},
          {DiagKind::NullItem, Severity::Warning, Needs::Policies, nullptr,
           "A rule that is null counts as an empty one in a NetworkPolicy: it allows everything.",
           R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  podSelector: {}
  ingress:
  -
)",
           R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  podSelector: {}
  ingress:
  - {}
)"},
          {DiagKind::NetworkPolicyRefused, Severity::Warning, Needs::Policies, nullptr,
           "Kubernetes' API server refuses what Cilium would read. The policy never reaches the cluster.",
           R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [ingress]
)",
           R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  podSelector: {}
  policyTypes: [Ingress]
)"},
          {DiagKind::ClusterPolicyPeer, Severity::Warning, Needs::Policies, nullptr,
           "A peer of a ClusterNetworkPolicy that Cilium accepts and that does not mean what it seems to.",
           R"(apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  egress:
  - action: Deny
    to:
    - services: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {enable-k8s-cluster-network-policy: "true"}
)",
           R"(apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  egress:
  - action: Deny
    to:
    - namespaces: {}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {enable-k8s-cluster-network-policy: "true"}
)",
           {.version = 20, .lax = true}},
          {DiagKind::ClusterAddress, Severity::Warning, Needs::Policies, nullptr,
           "An address of a cluster object is malformed and left out. Nothing is known of what has it.",
           R"(apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {addresses: [{type: InternalIP, address: 10.0.0.256}]}
)",
           R"(apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {addresses: [{type: InternalIP, address: 10.0.0.255}]}
)"},
          {DiagKind::IdentityMissing, Severity::Warning, Needs::Policies, nullptr,
           "A CiliumEndpoint names an identity that no CiliumIdentity of the input has: its labels are taken from the pod. Give "
           "the identities, too.",
           R"(apiVersion: cilium.io/v2
kind: CiliumEndpoint
metadata: {name: api, namespace: shop}
status:
  identity: {id: 4711}
  networking: {addressing: [{ipv4: 10.0.0.1}]}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumEndpoint
metadata: {name: api, namespace: shop}
status:
  identity: {id: 4711}
  networking: {addressing: [{ipv4: 10.0.0.1}]}
---
apiVersion: cilium.io/v2
kind: CiliumIdentity
metadata: {name: "4711"}
security-labels: {k8s:app: api, k8s:io.kubernetes.pod.namespace: shop}
)"},
          {DiagKind::IdentityDrift, Severity::Warning, Needs::Policies, nullptr,
           "The identity that a live endpoint has is of other labels than its pod gives under the filter of identity labels: the pod "
           "was labelled anew and its identity is about to change, or the agents have a filter (`labels`) that the input does not "
           "say. The node enforces the identity, so that its labels count here. Dump both at one time, and give the `cilium-config`.",
           R"(apiVersion: v1
kind: Pod
metadata: {name: cart-1, namespace: shop, labels: {app: cart, tier: web}}
spec: {containers: []}
---
apiVersion: cilium.io/v2
kind: CiliumEndpoint
metadata: {name: cart-1, namespace: shop}
status: {identity: {id: 4711}, networking: {addressing: [{ipv4: 10.0.0.1}]}}
---
apiVersion: cilium.io/v2
kind: CiliumIdentity
metadata: {name: "4711"}
security-labels:
  k8s:app: cart
  k8s:tier: backend
  k8s:io.kubernetes.pod.namespace: shop
  k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name: shop
  k8s:io.cilium.k8s.policy.cluster: default
  k8s:io.cilium.k8s.policy.serviceaccount: default
)",
           R"(apiVersion: v1
kind: Pod
metadata: {name: cart-1, namespace: shop, labels: {app: cart, tier: web, pod-template-hash: 5d9c}}
spec: {containers: []}
---
apiVersion: cilium.io/v2
kind: CiliumEndpoint
metadata: {name: cart-1, namespace: shop}
status: {identity: {id: 4711}, networking: {addressing: [{ipv4: 10.0.0.1}]}}
---
apiVersion: cilium.io/v2
kind: CiliumIdentity
metadata: {name: "4711"}
security-labels:
  k8s:app: cart
  k8s:tier: web
  k8s:io.kubernetes.pod.namespace: shop
  k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name: shop
  k8s:io.cilium.k8s.namespace.labels.team: web
  k8s:io.cilium.k8s.policy.cluster: default
  k8s:io.cilium.k8s.policy.serviceaccount: default
)"}};
}

}  // namespace netpolc::lint
