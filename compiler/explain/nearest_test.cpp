// The nearest rule, and the line that would let it allow what was asked for.
#include "compiler/explain/nearest.h"

#include <doctest/doctest.h>

#include "compiler/explain/fix.h"
#include "frontend/load.h"

using namespace netpolc;
using namespace netpolc::explain;

namespace {

// One policy for pods with app=s of namespace a, and one question to them.
struct Case {
  SourceManager sources;
  DiagSink sink;
  frontend::Loaded loaded;
  ir::Resolutions resolutions;
  lint::Places places{sources};
  std::optional<ir::eval::SubjectPolicy> policy;
  ir::eval::Inspection inspection;
  ir::PeerFacts peer;
  std::optional<Nearest> found;
  std::optional<Fix> fix;

  Case(const std::string& spec, ir::Direction direction, ir::PeerFacts other, ir::Flow flow, const std::string& name = "", std::vector<IpAddress> addresses = {})
      : peer(std::move(other)) {
    const FileId file = sources.add("p.yaml", spec.starts_with("apiVersion") ? spec : "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec:\n  endpointSelector: {matchLabels: {app: s}}\n" + spec);
    loaded = frontend::load(std::vector<FileId>{file}, {}, sources, sink);
    REQUIRE(sink.errors() == 0);
    ir::normalise(peer.labels);
    const ir::eval::World world{loaded.policies, loaded.cluster, resolutions};
    policy.emplace(world, ir::Subject{.labels = pod("s").labels, .ns = "a", .named_ports = {{"http", 8080, ir::Protocol::Tcp}}});
    inspection = policy->inspect(direction, peer, flow);
    const Asked asked{inspection, peer, flow, name, std::move(addresses)};
    found = nearest(asked, loaded.policies);
    if (found) fix = fix_of(*found, asked, loaded.policies, places);
  }

  static ir::PeerFacts pod(const std::string& app, const std::string& ns = "a") {
    return {.labels = {{"k8s", "app", app}, {"k8s", "io.kubernetes.pod.namespace", ns}}, .address = {}};
  }
  static ir::PeerFacts outside(const char* address) { return {.labels = {{"reserved", "world-ipv4", ""}}, .address = IpAddress::parse(address)}; }

  std::string differs() const {
    std::string out;
    if (found)
      for (const Difference& one : found->differences) out += (out.empty() ? "" : "; ") + std::string(to_string(one.in)) + ": " + one.asked + " / " + one.allowed;
    return out;
  }
  std::string rule() const { return found ? loaded.policies.policies[found->rule.policy].rules[found->rule.rule].path : ""; }
  std::string help() const { return fix ? std::to_string(fix->line) + (fix->inside_list ? " in " : " ") + std::string(fix->indent, '.') + fix->yaml : ""; }
};

constexpr ir::Flow tcp(std::uint16_t port) { return {ir::Protocol::Tcp, port}; }
constexpr auto kIn = ir::Direction::Ingress;
constexpr auto kOut = ir::Direction::Egress;

const std::string kFromWeb = "  ingress:\n  - fromEndpoints:\n    - matchLabels: {app: web}\n    toPorts:\n    - ports:\n      - {port: \"80\", protocol: TCP}\n";

}  // namespace

TEST_CASE("one thing that differs is named, and a line says how to allow it") {
  const Case port(kFromWeb, kIn, Case::pod("web"), tcp(81));
  CHECK(port.differs() == "port: TCP 81 / TCP 80");
  CHECK(port.help() == "11 ......- {port: \"81\", protocol: TCP}");
  const Case protocol(kFromWeb, kIn, Case::pod("web"), {ir::Protocol::Udp, 80});
  CHECK(protocol.differs() == "protocol: UDP 80 / TCP 80");
  CHECK(protocol.help() == "11 ......- {port: \"80\", protocol: UDP}");
  const Case ns(kFromWeb, kIn, Case::pod("web", "b"), tcp(80));
  CHECK(ns.differs() == "namespace: `b` / `a`");
  CHECK(ns.help() == "8 ....- matchLabels: {k8s:io.kubernetes.pod.namespace: \"b\", app: \"web\"}");
}

TEST_CASE("a label that differs is the rule's fault or the pod's: nothing is offered") {
  const Case label(kFromWeb, kIn, Case::pod("job"), tcp(80));
  CHECK(label.differs() == "label: `job` / `web`");
  CHECK(label.help() == "");
  const Case missing("  ingress:\n  - fromEndpoints:\n    - matchExpressions: [{key: tier, operator: Exists}]\n", kIn, Case::pod("web"), tcp(80));
  CHECK(missing.differs() == "label: missing / any value");
  const Case negative("  ingress:\n  - fromEndpoints:\n    - matchExpressions: [{key: app, operator: NotIn, values: [web]}]\n", kIn, Case::pod("web"), tcp(80));
  CHECK(negative.differs() == "label: `web` / anything but `web`");
}

TEST_CASE("two things that differ are both named") {
  const Case both(kFromWeb, kIn, Case::pod("job"), {ir::Protocol::Udp, 53});
  CHECK(both.differs() == "label: `job` / `web`; protocol: UDP 53 / TCP 80; port: UDP 53 / TCP 80");
  CHECK(both.help() == "");
}

TEST_CASE("names and addresses") {
  const std::string names = "  egress:\n  - toFQDNs:\n    - matchName: far.example.net\n    - matchName: api.example.com\n    toPorts:\n    - ports: [{port: \"443\", protocol: TCP}]\n";
  const Case name(names, kOut, Case::outside("203.0.113.9"), tcp(443), "cdn.example.com");
  CHECK(name.differs() == "name: cdn.example.com / api.example.com");
  CHECK(name.help() == "9 ....- matchName: cdn.example.com");
  const Case address("  egress:\n  - toCIDR: [192.0.2.0/24]\n", kOut, Case::outside("203.0.113.9"), tcp(443));
  CHECK(address.differs() == "address: 203.0.113.9 / 192.0.2.0/24");
  CHECK(address.help() == "7 in 203.0.113.9/32");
  const Case except("  egress:\n  - toCIDRSet:\n    - {cidr: 203.0.113.0/24, except: [203.0.113.8/29]}\n", kOut, Case::outside("203.0.113.9"), tcp(443));
  CHECK(except.differs() == "address: 203.0.113.9 / 203.0.113.0/24 without 203.0.113.8/29");
  CHECK(except.help() == "");
}

TEST_CASE("a range of addresses never means a pod, even one inside of it") {
  const Case inside("  egress:\n  - toCIDR: [10.0.0.0/8]\n", kOut, Case::pod("web"), tcp(80), "", {*IpAddress::parse("10.1.2.3")});
  CHECK(inside.differs().find("such a rule does not mean 10.1.2.3, though it is in 10.0.0.0/8") != std::string::npos);
}

TEST_CASE("the rule in which least differs is nearest, of several the first") {
  const std::string second = "  - fromEndpoints:\n    - matchLabels: {app: job}\n    toPorts:\n    - ports: [{port: \"90\", protocol: TCP}]\n";
  CHECK(Case(kFromWeb + second, kIn, Case::pod("job"), tcp(80)).rule() == "ingress[0]");  // one label; of the other the port
  CHECK(Case(kFromWeb + second, kIn, Case::pod("job"), tcp(91)).rule() == "ingress[1]");
  CHECK(Case(kFromWeb + kFromWeb.substr(kFromWeb.find("  - ")), kIn, Case::pod("job"), tcp(80)).rule() == "ingress[0]");
}

TEST_CASE("names of ports") {
  const std::string named = "  ingress:\n  - fromEndpoints:\n    - matchLabels: {app: web}\n    toPorts:\n    - ports: [{port: http, protocol: TCP}]\n";
  CHECK(Case(named, kIn, Case::pod("web"), tcp(80)).differs() == "port: TCP 80 / TCP `http` (8080)");
  const std::string unknown = "  ingress:\n  - fromEndpoints:\n    - matchLabels: {app: web}\n    toPorts:\n    - ports: [{port: other, protocol: TCP}]\n";
  const Case none(unknown, kIn, Case::pod("web"), tcp(80));
  CHECK(none.differs() == "portName: TCP 80 / TCP `other`");
  CHECK(none.help() == "");
}

TEST_CASE("what a proxy looks into is not widened, and nothing is near to deny rules or to rules for nobody") {
  const std::string l7 = "  ingress:\n  - fromEndpoints:\n    - matchLabels: {app: web}\n    toPorts:\n    - ports: [{port: \"80\", protocol: TCP}]\n      rules: {http: [{method: GET}]}\n";
  const Case proxy(l7, kIn, Case::pod("web"), tcp(81));
  CHECK(proxy.differs() == "port: TCP 81 / TCP 80");
  CHECK(proxy.help() == "");
  CHECK_FALSE(Case("  ingressDeny:\n  - fromEndpoints:\n    - matchLabels: {app: web}\n", kIn, Case::pod("job"), tcp(80)).found);
  CHECK_FALSE(Case("  ingress:\n  - {}\n", kIn, Case::pod("job"), tcp(80)).found);
}

TEST_CASE("a NetworkPolicy says it in its own way") {
  const std::string policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: a}\nspec:\n  podSelector: {}\n  ingress:\n"
                             "  - from:\n    - podSelector: {matchLabels: {app: web}}\n    ports:\n    - port: 80\n"
                             "  - from:\n    - ipBlock: {cidr: 192.0.2.0/24}\n";
  CHECK(Case(policy, kIn, Case::pod("web"), tcp(81)).help() == "10 ....- {port: 81, protocol: TCP}");
  CHECK(Case(policy, kIn, Case::pod("web", "b"), tcp(80)).help() == "8 ....- {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: \"b\"}}, podSelector: {matchLabels: {app: \"web\"}}}");
  CHECK(Case(policy, kIn, Case::outside("203.0.113.9"), tcp(80)).help() == "12 ....- ipBlock: {cidr: 203.0.113.9/32}");
}

TEST_CASE("a rule for somebody else altogether is near only where it is for this port") {
  CHECK(Case(kFromWeb, kIn, Case::outside("203.0.113.9"), tcp(80)).differs() == "kind: an address outside the cluster / pods with app=web in namespace a");
  CHECK_FALSE(Case(kFromWeb, kIn, Case::outside("203.0.113.9"), {ir::Protocol::Udp, 53}).found);
  CHECK_FALSE(Case("  ingress:\n  - fromEndpoints:\n    - {}\n", kIn, Case::outside("203.0.113.9"), tcp(80)).found);
}
