// Warnings of section 11, each with a neighbour that must not be warned of.
#include "frontend/policy/test_data.h"

using namespace netpolc;
using namespace netpolc::frontend;
using namespace netpolc::frontend::testing;

namespace {

struct Case {
  DiagKind kind;
  std::string spec, silent;
};

const std::vector<Case>& cilium_cases() {
  static const std::vector<Case> cases = {
      {DiagKind::EmptyPeerList, "  ingress: [{fromEndpoints: []}]\n", "  ingress: [{fromEndpoints: [{}]}]\n"},
      {DiagKind::EmptyPeerList, "  egress: [{toFQDNs: [], toPorts: [{ports: [{port: \"443\"}]}]}]\n", "  egress: [{toFQDNs: []}]\n"},
      {DiagKind::EmptyPeerList, "  egress: [{toServices: [], icmps: [{fields: [{type: 8}]}]}]\n", "  egress: [{toEntities: [all], toServices: [], icmps: [{fields: [{type: 8}]}]}]\n"},
      {DiagKind::UnscopedGroups, "  ingress: [{fromCIDRSet: [{cidrGroupSelector: {}}]}]\n", "  ingress: [{fromCIDRSet: [{cidrGroupSelector: {matchLabels: {a: b}}}]}]\n"},
      {DiagKind::UnscopedGroups, "  ingress: [{fromCIDRSet: [{cidrGroupSelector: {matchExpressions: [{key: a, operator: NotIn, values: [b]}]}}]}]\n", "  ingress: [{fromCIDRSet: [{cidrGroupRef: g}]}]\n"},
      {DiagKind::EmptyPorts, "  ingress: [{toPorts: [{}]}]\n", "  ingress: [{toPorts: []}]\n"},
      {DiagKind::EmptyPorts, "  ingressDeny: [{toPorts: [{ports: []}]}]\n", "  ingressDeny: [{toPorts: [{ports: [{port: \"1\"}]}]}]\n"},
      {DiagKind::ReservedTerms, "  ingress: [{fromEndpoints: [{matchLabels: {\"reserved:host\": \"\", app: x}}]}]\n", "  ingress: [{fromEndpoints: [{matchLabels: {\"reserved:host\": \"\"}}]}]\n"},
      {DiagKind::ReservedTerms, "  ingress: [{fromEndpoints: [{matchExpressions: [{key: \"reserved:host\", operator: DoesNotExist}]}]}]\n", "  ingress: [{fromEndpoints: [{matchExpressions: [{key: app, operator: DoesNotExist}]}]}]\n"},
      {DiagKind::ServicesInDeny, "  egressDeny: [{toServices: [{k8sService: {serviceName: s}}]}]\n", "  egress: [{toServices: [{k8sService: {serviceName: s}}]}]\n"},
      {DiagKind::DenyOnly, "  egressDeny: [{toEntities: [world]}]\n", "  egressDeny: [{toEntities: [world]}]\n  enableDefaultDeny: {egress: false}\n"},
      {DiagKind::DenyOnly, "  egressDeny: [{toEntities: [world]}]\n  ingress: [{}]\n", "  egressDeny: [{toEntities: [world]}]\n  egress: [{toEntities: [all]}]\n"},
      {DiagKind::DenyOnly, "  egressDeny: [{toEntities: [all], toPorts: [{ports: [{port: \"80\"}]}]}]\n", "  egressDeny: [{toEntities: [all]}]\n"},
      {DiagKind::DefaultDenyUnused, "  ingress: [{}]\n  enableDefaultDeny: {egress: true}\n", "  ingress: [{}]\n  enableDefaultDeny: {ingress: true, egress: false}\n"},
      {DiagKind::EndPortIgnored, "  ingress: [{toPorts: [{ports: [{port: \"90\", endPort: 80}]}]}]\n", "  ingress: [{toPorts: [{ports: [{port: \"80\", endPort: 90}]}]}]\n"},
      {DiagKind::EndPortIgnored, "  ingress: [{toPorts: [{ports: [{port: web, endPort: 80}]}]}]\n", "  ingress: [{toPorts: [{ports: [{port: web}]}]}]\n"},
      {DiagKind::RejectedInCluster, "  ingress: [{}]\nstatus: {conditions: [{type: Valid, status: \"False\", message: no}]}\n", "  ingress: [{}]\nstatus: {conditions: [{type: Valid, status: \"True\"}, {type: Ready, status: \"False\"}]}\n"},
      {DiagKind::RejectedInCluster, "  ingress: [{}]\nstatus: {nodes: {n1: {enforcing: true, ok: true}, n2: {error: no}}}\n", "  ingress: [{}]\nstatus: {nodes: {n1: {ok: true}, n2: {}, n3: {ok: true, error: no}}, conditions: 5}\n"},
      {DiagKind::GroupsUnknown, "  egress: [{toGroups: [{aws: {region: r}}]}]\n", "  egress: [{toGroups: []}]\n"},
  };
  return cases;
}

const std::vector<Case>& kubernetes_cases() {
  static const std::vector<Case> cases = {
      {DiagKind::PolicyTypesIgnored, "  podSelector: {}\n  policyTypes: [Ingress]\n  egress: [{}]\n", "  podSelector: {}\n  egress: [{}]\n"},
      {DiagKind::PolicyTypesIgnored, "  podSelector: {}\n  policyTypes: [Egress]\n  ingress: [{}]\n", "  podSelector: {}\n  policyTypes: [Ingress, Egress]\n  egress: [{}]\n"},
      {DiagKind::NetworkPolicyRefused, "  podSelector: {}\n  policyTypes: [ingress]\n", "  podSelector: {}\n  policyTypes: [Ingress]\n"},
      {DiagKind::NetworkPolicyRefused, "  podSelector: {}\n  ingress: [{from: [{}]}]\n", "  podSelector: {}\n  ingress: [{from: [{podSelector: {}}]}]\n"},
      {DiagKind::NetworkPolicyRefused, "  podSelector: {}\n  ingress: [{ports: [{port: \"80\"}]}]\n", "  podSelector: {}\n  ingress: [{ports: [{port: 80}, {port: web}]}]\n"},
      {DiagKind::NetworkPolicyRefused, "  podSelector: {}\n  ingress: [{ports: [{protocol: udp}]}]\n", "  podSelector: {}\n  ingress: [{ports: [{protocol: UDP}]}]\n"},
      {DiagKind::NetworkPolicyRefused, "  podSelector: {}\n  ingress: [{ports: [{endPort: 80}]}]\n", "  podSelector: {}\n  ingress: [{ports: [{port: 8, endPort: 80}]}]\n"},
      {DiagKind::EmptyPeerList, "  podSelector: {}\n  ingress: [{from: [], ports: [{port: 80}]}]\n", "  podSelector: {}\n  ingress: [{from: null, ports: [{port: 80}]}]\n"},
      {DiagKind::EmptyPeerList, "  podSelector: {}\n  egress: [{to: []}]\n", "  podSelector: {}\n  egress: [{to: [{podSelector: {}}]}, {}]\n"},
      {DiagKind::NullItem, "  podSelector: {}\n  ingress: [null]\n", "  podSelector: {}\n  ingress: [{}]\n"},
  };
  return cases;
}

void check(const std::vector<Case>& cases, std::string (*wrap)(const std::string&)) {
  for (const auto& c : cases) {
    Read warned(wrap(c.spec)), silent(wrap(c.silent));
    CHECK_MESSAGE(warned.says(c.kind), diag_name(c.kind), " for\n", c.spec, warned.said());
    CHECK_MESSAGE(!silent.says(c.kind), diag_name(c.kind), " for\n", c.silent, silent.said());
    for (const Read* read : {&warned, &silent}) CHECK_MESSAGE(read->sink.errors() == 0, read->said());
  }
}

const std::string kPod = "apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: shop}\nspec: {containers: []}\nstatus: {podIP: 10.0.0.1}\n";

}  // namespace

TEST_CASE("what surprises in Cilium's policies is warned of") { check(cilium_cases(), cnp); }

TEST_CASE("what surprises in NetworkPolicies is warned of") { check(kubernetes_cases(), knp); }

TEST_CASE("a null rule of a NetworkPolicy allows all, as Kubernetes decodes it") {
  Read read(knp("  podSelector: {}\n  ingress: [null]\n"));
  const auto& rule = read.loaded.policies.policies.at(0).rules.at(0);
  CHECK(rule.any_l4);
  CHECK(std::get<ir::LabelPeer>(rule.peers.at(0)).selector.requirements.empty());
}

TEST_CASE("numbers of a NetworkPolicy's ports are numbers, however written") {
  Read read(knp("  podSelector: {}\n  ingress: [{ports: [{port: 0x50}, {port: 80.0}, {port: 010}]}]\n"));
  CHECK_MESSAGE(read.sink.errors() == 0, read.said());
  const auto& ports = read.loaded.policies.policies.at(0).rules.at(0).ports;
  CHECK(ports.at(0).ports.at(0).first == 80);
  CHECK(ports.at(1).ports.at(0).first == 80);
  CHECK(ports.at(2).ports.at(0).first == 8);
}

TEST_CASE("a deny-only policy is no surprise beside one that allows") {
  const auto deny = cnp("  egressDeny: [{toEntities: [world]}]\n");
  const auto allow = "apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: all}\nspec: {endpointSelector: {}, egress: [{toEntities: [all]}]}\n";
  CHECK(Read({deny}, {}).says(DiagKind::DenyOnly));
  CHECK_FALSE(Read({deny, allow}, {}).says(DiagKind::DenyOnly));
}

TEST_CASE("a policy without a namespace is warned of only where `default` is empty") {
  const std::string policy = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\nspec: {endpointSelector: {}, ingress: [{}]}\n";
  const std::string in_default = "apiVersion: v1\nkind: Pod\nmetadata: {name: y}\nspec: {containers: []}\nstatus: {podIP: 10.0.0.2}\n";
  CHECK_FALSE(Read({policy}, {}).says(DiagKind::NoNamespace));
  CHECK(Read({policy, kPod}, {}).says(DiagKind::NoNamespace));
  CHECK_FALSE(Read({policy, kPod, in_default}, {}).says(DiagKind::NoNamespace));
}

TEST_CASE("kinds that only look like policies are errors, others are skipped") {
  const auto read = [](const std::string& version, const std::string& kind) {
    return Read("apiVersion: " + version + "\nkind: " + kind + "\nmetadata: {name: p}\n");
  };
  for (const auto& [version, kind] : {std::pair{"cilium.io/v2", "CiliumNetworkPolicies"}, {"cilium/v2", "CiliumNetworkPolicy"}, {"cilium.io/v1", "CiliumCIDRGroup"},
                                      {"networking.k8s.io/v1beta1", "NetworkPolicy"}, {"extensions/v1beta1", "NetworkPolicy"}, {"v1", "NetworkPolicy"},
                                      {"networking.k8s.io/v1", "NetworkPolicies"}, {"cilium.io/v2", "CiliumClusterWideNetworkPolicy"}})
    CHECK_MESSAGE(read(version, kind).says(DiagKind::UnknownPolicyKind), version, " ", kind);
  for (const auto& [version, kind] : {std::pair{"crd.projectcalico.org/v1", "NetworkPolicy"}, {"cilium.io/v2", "CiliumEnvoyConfig"}, {"networking.k8s.io/v1", "IngressClass"},
                                      {"policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy"}, {"v1", "Secret"}}) {
    const auto other = read(version, kind);
    CHECK_MESSAGE(other.sink.all().empty(), version, " ", kind);
    CHECK(other.loaded.skipped_objects == 1);
  }
}
