// What rules that look at much at once say of neighbours of their examples.
#include <doctest/doctest.h>

#include "compiler/lint/linted_for_tests.h"

using namespace netpolc;
using lint::Linted;

namespace {

std::string pod(const std::string& name, const std::string& labels, const std::string& ns = "shop") {
  return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: " + ns + ", labels: {" + labels + "}}\nspec: {containers: []}\n";
}
std::string policy(const std::string& spec) {
  return "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec:\n  endpointSelector: {matchLabels: {app: cart}}\n" + spec;
}
std::string clusterwide(const std::string& spec) { return "---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: c}\nspec:\n" + spec; }
std::string option(const std::string& name, const std::string& value) {
  return "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {" + name + ": \"" + value + "\"}\n";
}

const std::string kCart = pod("cart", "app: cart"), kCheckout = pod("checkout", "app: checkout"), kDns = pod("coredns", "k8s-app: kube-dns", "kube-system");
const std::string kService = "---\napiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {selector: {app: cart}, ports: [{name: web, port: 80, targetPort: 8080}]}\n";

}  // namespace

TEST_CASE("a way to DNS is any rule for its port, or one for its pods") {
  const auto mute = [](const std::string& rules) { return Linted(kCart + kCheckout + kDns + policy("  egress:\n" + rules)).says(DiagKind::NoWayToDns); };
  const std::string to_checkout = "  - toEndpoints: [{matchLabels: {app: checkout}}]\n";
  CHECK(mute(to_checkout));
  CHECK(mute(to_checkout + "  - toEntities: [world]\n"));
  CHECK_FALSE(mute(to_checkout + "  - toEntities: [cluster]\n"));
  CHECK_FALSE(mute(to_checkout + "  - toCIDR: [169.254.20.10/32]\n    toPorts: [{ports: [{port: \"53\"}]}]\n"));
  CHECK_FALSE(mute(to_checkout + "  - toPorts: [{ports: [{port: \"1\", endPort: 1024, protocol: UDP}]}]\n"));
  CHECK(mute(to_checkout + "  - toPorts: [{ports: [{port: \"443\"}]}]\n"));
  CHECK_FALSE(mute("  - toCIDR: [192.0.2.1/32]\n"));  // addresses need no names
  CHECK_FALSE(mute("  - {}\n"));
  CHECK_FALSE(Linted(kCart + kCheckout + policy("  egress:\n" + to_checkout)).says(DiagKind::NoWayToDns));  // its server is not known
  // Another policy of the same pods may have it.
  CHECK_FALSE(Linted(kCart + kCheckout + kDns + policy("  egress:\n" + to_checkout) + clusterwide("  endpointSelector: {}\n  enableDefaultDeny: {egress: false}\n  egress:\n  - toEndpoints: [{matchLabels: {k8s-app: kube-dns}}]\n")).says(DiagKind::NoWayToDns));
}

TEST_CASE("only Ingresses and Gateways of Cilium's class come through its proxy") {
  const std::string closed = policy("  ingress:\n  - fromEntities: [world]\n"), open = policy("  ingress:\n  - fromEntities: [ingress]\n    toPorts: [{ports: [{port: \"8080\"}]}]\n");
  const auto behind = [&](const std::string& policies, const std::string& route) { return Linted(kCart + kService + policies + route).says(DiagKind::BehindIngress); };
  const auto ingress = [](const std::string& spec, const std::string& more = "") {
    return "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop" + more + "}\nspec: {" + spec + "rules: [{http: {paths: [{backend: {service: {name: cart, port: {name: web}}}}]}}]}\n";
  };
  const auto gateway = [](const std::string& of_class, const std::string& name) {
    return "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: infra}\nspec: {gatewayClassName: " + of_class +
           "}\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, namespace: shop}\nspec: {parentRefs: [{name: " + name + ", namespace: infra}], rules: [{backendRefs: [{name: cart, port: 80}]}]}\n";
  };
  CHECK(behind(closed, ingress("ingressClassName: cilium, ")));
  CHECK(behind(closed, ingress("", ", annotations: {kubernetes.io/ingress.class: cilium}")));
  CHECK_FALSE(behind(closed, ingress("ingressClassName: nginx, ")));
  CHECK_FALSE(behind(closed, ingress("")));
  CHECK_FALSE(behind(open, ingress("ingressClassName: cilium, ")));
  CHECK_FALSE(behind("", ingress("ingressClassName: cilium, ")));
  CHECK(behind(closed, gateway("cilium", "g")));
  CHECK_FALSE(behind(closed, gateway("istio", "g")));
  CHECK_FALSE(behind(closed, gateway("cilium", "other")));
  // What is wrong in them is nothing of ours.
  CHECK(Linted("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: 5\nspec: []\n").sink.all().empty());
}

TEST_CASE("who is shut out of a node depends on the node") {
  const std::string on = option("enable-host-firewall", "true");
  const auto node = [](const std::string& labels) { return "---\napiVersion: v1\nkind: Node\nmetadata: {name: n, labels: {" + labels + "}}\nstatus: {addresses: [{type: InternalIP, address: 10.0.0.1}]}\n"; };
  const auto said = [&](const std::string& nodes, const std::string& rules) { return Linted(on + nodes + clusterwide("  nodeSelector: {matchLabels: {pool: blue}}\n" + rules)); };
  const std::string cluster = "  ingress:\n  - fromEntities: [cluster]\n";
  CHECK_FALSE(said(node("pool: blue"), cluster).says(DiagKind::NodeLockOut));
  const std::string kubelet = "  ingress:\n  - fromEntities: [kube-apiserver]\n    toPorts: [{ports: [{port: \"10250\"}]}]\n";
  const Linted no_ssh = said(node("pool: blue"), kubelet);
  REQUIRE_MESSAGE(no_ssh.report.findings.size() == 1, no_ssh.said());
  CHECK(no_ssh.report.findings.front().severity == Severity::Warning);
  CHECK(said(node("pool: blue, node-role.kubernetes.io/control-plane: \"\""), kubelet).report.count(Severity::Error) == 1);
  CHECK_FALSE(said(node("pool: red"), kubelet).says(DiagKind::NodeLockOut));  // it selects no node that is known
  CHECK(said(node("pool: blue"), "  egress:\n  - toEntities: [world]\n").report.count(Severity::Error) == 1);
  CHECK_FALSE(said(node("pool: blue"), "  enableDefaultDeny: {ingress: false}\n" + kubelet).says(DiagKind::NodeLockOut));
  CHECK_FALSE(said(node("pool: blue"), cluster).says(DiagKind::NoHostFirewall));
}

TEST_CASE("health endpoints are let in by entities, and are none of namespaced policies") {
  CHECK_FALSE(Linted(clusterwide("  endpointSelector: {}\n  ingress:\n  - fromEntities: [remote-node, health]\n")).says(DiagKind::HealthCutOff));
  CHECK_FALSE(Linted(clusterwide("  endpointSelector: {}\n  egress: [{}]\n")).says(DiagKind::HealthCutOff));
  CHECK_FALSE(Linted(clusterwide("  endpointSelector: {matchLabels: {app: cart}}\n  ingress: [{}]\n")).says(DiagKind::HealthCutOff));
}

TEST_CASE("what versions mean is said in these versions") {
  const std::string to_cart = policy("  egress:\n  - toServices: [{k8sService: {serviceName: cart, namespace: shop}}]\n");
  const auto in = [](const std::string& text, int version) { return Linted(text, {}, {.version = version}); };
  CHECK(in(to_cart + kService, 16).says(DiagKind::ServicesBefore17));
  CHECK_FALSE(in(to_cart + kService, 16).says(DiagKind::ServiceUnresolved));  // said better
  CHECK_FALSE(in(to_cart + kService, 17).says(DiagKind::ServicesBefore17));
  const std::string dotted = "---\napiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec: {selector: {a.b/c: cart}, ports: [{port: 80}]}\n";
  CHECK(in(to_cart + dotted, 19).says(DiagKind::DottedServiceKey));
  CHECK_FALSE(in(to_cart + dotted, 20).says(DiagKind::DottedServiceKey));
  const auto names = [](const std::string& pattern) { return policy("  egress:\n  - toEntities: [world]\n    toPorts: [{ports: [{port: \"443\", protocol: TCP}], serverNames: [\"" + pattern + "\"]}]\n"); };
  for (int version = 16; version <= 20; ++version) {
    CHECK(in(names("*.example.com"), version).says(DiagKind::ServerNameStar) == (version < 18));
    CHECK_FALSE(in(names("www.example.com"), version).says(DiagKind::ServerNameStar));
  }
  // Of lists that let everything pass nothing is said: they are there to show what passes.
  const auto list = [](const std::string& dns) { return kCart + policy("  enableDefaultDeny: {egress: false}\n  egress:\n  - toPorts: [{ports: [{port: \"53\"}], rules: {dns: [{" + dns + "}]}}]\n"); };
  CHECK(in(list("matchName: example.com"), 18).says(DiagKind::ListsWithoutDefaultDeny));
  CHECK_FALSE(in(list("matchPattern: \"*\""), 18).says(DiagKind::ListsWithoutDefaultDeny));
  CHECK_FALSE(in(list("matchName: example.com") + clusterwide("  endpointSelector: {matchLabels: {app: cart}}\n  egress: [{}]\n"), 18).says(DiagKind::ListsWithoutDefaultDeny));
}

TEST_CASE("entries that are alike take one place in the map") {
  const std::string ports = "    toPorts: [{ports: [{port: \"1\", endPort: 65534, protocol: TCP}]}]\n", to = "  - toCIDR: [192.0.2.1/32, 192.0.2.2/32, 192.0.2.3/32, 192.0.2.4/32, 192.0.2.5/32]\n";
  const std::string config = option("bpf-policy-map-max", "256"), one = policy("  egress:\n" + to + ports), again = clusterwide("  endpointSelector: {matchLabels: {app: cart}}\n  egress:\n" + to + ports);
  CHECK_FALSE(Linted(kCart + config + one).says(DiagKind::PolicyMapFull));           // 5 times 30
  CHECK_FALSE(Linted(kCart + config + one + again).says(DiagKind::PolicyMapFull));   // the same ones
  const std::string others = clusterwide("  endpointSelector: {matchLabels: {app: cart}}\n  egress:\n  - toCIDR: [198.51.100.1/32, 198.51.100.2/32, 198.51.100.3/32, 198.51.100.4/32]\n" + ports);
  const Linted full(kCart + config + one + others);
  REQUIRE_MESSAGE(full.says(DiagKind::PolicyMapFull), full.said());
  CHECK(full.said().find("need 270 entries") != std::string::npos);
}

TEST_CASE("the solver is asked only where that is asked for") {
  const std::string twice = policy("  ingress:\n  - fromEntities: [cluster]\n  - fromEntities: [cluster]\n    toPorts: [{ports: [{port: \"80\"}]}]\n");
  CHECK_FALSE(Linted(twice).says(DiagKind::NeverDecides));
  CHECK_FALSE(Linted(twice, {{"NP09"}, {}}).says(DiagKind::NeverDecides));
  CHECK(Linted(twice, {{"NP095"}, {}}).says(DiagKind::NeverDecides));
  CHECK(Linted(twice, {{}, {}, true}).says(DiagKind::NeverDecides));
  CHECK_FALSE(Linted(twice, {{}, {"NP095"}, true}).says(DiagKind::NeverDecides));
}

TEST_CASE("the API server has a port of its own behind its service") {
  const std::string service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: kubernetes, namespace: default}\nspec: {ports: [{port: 443, targetPort: 6443}]}\n";
  const auto found = [&](const std::string& peer, const std::string& ports) { return Linted(kCart + service + policy("  egress:\n  - " + peer + "\n    toPorts: [{ports: [" + ports + "]}]\n")).says(DiagKind::ServicePort); };
  CHECK(found("toEntities: [kube-apiserver]", "{port: \"443\"}"));
  CHECK_FALSE(found("toEntities: [kube-apiserver]", "{port: \"6443\"}"));
  CHECK_FALSE(found("toEntities: [kube-apiserver]", "{port: \"443\"}, {port: \"6443\"}"));
  CHECK_FALSE(found("toEntities: [kube-apiserver]", "{port: \"443\"}, {port: \"6000\", endPort: 7000}"));
  CHECK_FALSE(found("toEntities: [kube-apiserver, world]", "{port: \"443\"}"));
  CHECK_FALSE(found("toEntities: [world]", "{port: \"443\"}"));
}

TEST_CASE("the range of pods is one that holds them all, and nothing else") {
  const auto at = [](const std::string& name, const std::string& address) { return pod(name, "app: " + name) + "status: {podIP: " + address + "}\n"; };
  const std::string node = "---\napiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus: {addresses: [{type: InternalIP, address: 192.0.2.1}]}\n", pods = at("cart", "10.244.1.2") + at("web", "10.244.2.2");
  const auto found = [](const std::string& input, const std::string& prefix) { return Linted(input + policy("  egress:\n  - toCIDR: [" + prefix + "]\n")).says(DiagKind::CidrOfPodsOrNodes); };
  CHECK(found(node + pods, "10.244.0.0/16"));
  CHECK_FALSE(found(node + pods, "10.0.0.0/8"));        // a company's
  CHECK_FALSE(found(node + pods, "10.244.1.0/24"));     // not all
  CHECK_FALSE(found(pods, "10.244.0.0/16"));            // nodes may be in it
  CHECK_FALSE(found(node + pods + "---\napiVersion: v1\nkind: Node\nmetadata: {name: m}\nstatus: {addresses: [{type: InternalIP, address: 10.244.9.9}]}\n", "10.244.0.0/16"));
}

TEST_CASE("a cache of the host network is a note, and the node's entity reaches it") {
  const std::string cache = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: node-local-dns, namespace: kube-system, labels: {k8s-app: node-local-dns}}\nspec: {hostNetwork: true, containers: []}\n";
  const std::string dns = "    toPorts: [{ports: [{port: \"53\"}], rules: {dns: [{matchPattern: \"*\"}]}}]\n", server = "  - toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}]\n" + dns;
  const Linted missed(kCart + kDns + cache + policy("  egress:\n" + server));
  CHECK_MESSAGE(missed.says(DiagKind::NodeLocalDns), missed.said());
  CHECK(missed.report.count(Severity::Warning) == 0);
  CHECK_FALSE(Linted(kCart + kDns + cache + policy("  egress:\n" + server + "  - toEntities: [host]\n" + dns)).says(DiagKind::NodeLocalDns));
  CHECK_FALSE(Linted(kCart + kDns + policy("  egress:\n" + server)).says(DiagKind::NodeLocalDns));
}
