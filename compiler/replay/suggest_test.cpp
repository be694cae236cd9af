#include "compiler/replay/suggest.h"

#include <doctest/doctest.h>

#include <random>

#include "compiler/replay/choose_labels.h"
#include "compiler/replay/replay_for_tests.h"

using namespace netpolc;
using namespace netpolc::compiler;
using namespace netpolc::compiler::replay;
using namespace netpolc::compiler::replay::for_tests;

namespace {

struct Suggested {
  Replayed replayed;
  std::string flows, policies, cluster;
  Suggestions suggestions;
  std::string yaml;
  SuggestionProof proof;

  Suggested(const std::string& recorded, const std::string& set, const std::string& nodes = kCluster) : replayed(recorded, set, "", {}, nodes), flows(recorded), policies(set), cluster(nodes) {
    suggestions = suggest(replayed.outcomes, *replayed.recording, *replayed.verdicts);
    yaml = to_yaml(suggestions, *replayed.recording, *replayed.verdicts);
    proof = prove(suggestions, yaml, *replayed.recording, replayed.now, {});
    for (const std::string& fault : proof.faults) FAIL_CHECK(fault << yaml);
    for (const std::string& missing : proof.missing) FAIL_CHECK(missing << "\n" << yaml);
  }
  bool exact() const { return proof.more.empty() && proof.missing.empty() && proof.faults.empty() && !yaml.empty(); }
  // What would still be dropped with the suggested policies, by another replay.
  std::uint64_t still_dropped() const { return Replayed(flows, policies + yaml, "", {}, cluster).flows(Change::Dropped); }
};
bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

std::string workload(const std::string& ns, const std::string& name, const std::string& labels) {
  return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " + name + ", namespace: " + ns + "}\nspec: {selector: {matchLabels: {" + labels + "}}, template: {metadata: {labels: {" + labels +
         "}}, spec: {containers: [{name: c, image: i}]}}}\n---\n";
}
std::string end_in(const std::string& ns, const std::string& name) {
  return R"({"identity":300,"namespace":")" + ns + R"(","labels":["k8s:app=)" + name + R"(","k8s:io.kubernetes.pod.namespace=)" + ns + R"("],"workloads":[{"name":")" + name + R"(","kind":"Deployment"}]})";
}
const std::string kClosed = policy("db", "  ingress: [{}]") + policy("web", "  egress: [{}]");

}  // namespace

TEST_CASE("what is suggested opens what was recorded, on both sides, and nothing else") {
  const Suggested one(line(end("web"), end("db"), "INGRESS", "FORWARDED", "80") + line(end("web"), end("db"), "INGRESS", "FORWARDED", "443"), kClosed);
  CHECK(one.exact());
  CHECK(one.suggestions.policies.size() == 2);
  CHECK(one.suggestions.opened.size() == 2);
  CHECK(one.still_dropped() == 0);
  CHECK(!has(one.yaml, "enableDefaultDeny"));
}

TEST_CASE("the proof sees what a selector opens besides") {
  const std::string canary = kCluster + workload("a", "web-canary", "app: web, track: canary") + workload("a", "twin", "app: web");
  const Suggested one(line(end("web"), end("db"), "INGRESS", "FORWARDED", "80"), policy("db", "  ingress: [{}]"), canary);
  CHECK(one.still_dropped() == 0);
  // The same labels are the same identity, and a label that web doesn't have can't leave web-canary out.
  REQUIRE(one.proof.more.size() == 2);
  CHECK(has(one.proof.more[0] + one.proof.more[1], "a/twin → a/db   opens TCP 80"));
  CHECK(has(one.proof.more[0] + one.proof.more[1], "a/web-canary → a/db   opens TCP 80"));
}

TEST_CASE("pods whose workload nobody knows are replicas where nothing tells them apart") {
  const auto pod = [](const std::string& name) { return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: a, labels: {app: api}}\nspec: {containers: [{name: c, image: i}]}\n---\n"; };
  const auto from = [](const std::string& name) { return R"({"identity":300,"namespace":"a","labels":["k8s:app=api"],"pod_name":")" + name + "\"}"; };
  const Suggested one(line(from("api-1"), end("db"), "INGRESS", "FORWARDED", "80") + line(from("api-2"), end("db"), "INGRESS", "FORWARDED", "80"), policy("db", "  ingress: [{}]"), kCluster + pod("api-1") + pod("api-2") + pod("api-3"));
  CHECK(one.replayed.outcomes.connections == 1);
  CHECK(one.replayed.flows(Change::Dropped) == 2);
  CHECK(one.exact());
  CHECK(one.still_dropped() == 0);
}

TEST_CASE("a subject's selector that others meet closes nothing for them") {
  const std::string canary = kCluster + workload("a", "web-canary", "app: web, track: canary");
  const std::string closed = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec:\n  endpointSelector: {matchLabels: {app: web}, matchExpressions: [{key: track, operator: DoesNotExist}]}\n  egress: [{}]\n---\n";
  const Suggested one(line(end("web"), end("db"), "EGRESS", "FORWARDED", "80"), closed, canary);
  CHECK(has(one.yaml, "enableDefaultDeny"));
  CHECK(one.exact());
  CHECK(one.still_dropped() == 0);
}

TEST_CASE("labels: those that people select by, and as many as tell workloads apart") {
  Session session;
  load(session, workload("a", "one", "\"app.kubernetes.io/name\": shop, tier: front, version: v1") + workload("a", "two", "\"app.kubernetes.io/name\": shop, tier: back, version: v1") +
                    workload("b", "three", "\"app.kubernetes.io/name\": shop") + workload("c", "bare", ""));
  const auto keys = [&](std::uint32_t endpoint) {
    std::string out;
    for (const auto& label : choose_labels(session.loaded.cluster, endpoint).labels) out += label.key + " ";
    return out;
  };
  CHECK(keys(0) == "app.kubernetes.io/name tier ");
  CHECK(keys(2) == "app.kubernetes.io/name ");
  CHECK(keys(3) == "io.cilium.k8s.policy.serviceaccount ");
}

TEST_CASE("peers in other namespaces, entities, addresses and ICMP") {
  const std::string ping = R"({"flow":{"verdict":"FORWARDED","IP":{"source":"192.0.2.1","destination":"192.0.2.2"},"l4":{"ICMPv4":{"type":8}},"source":)" + end("web") + R"(,"destination":)" + end("db") +
                           R"(,"traffic_direction":"INGRESS","is_reply":false}})" + "\n";
  const std::string entity = R"({"identity":6,"labels":["reserved:remote-node"]})";
  const Suggested one(line(end_in("b", "other"), end("db"), "INGRESS", "FORWARDED", "1") + line(kWorld, end("db"), "INGRESS", "FORWARDED", "2") + line(entity, end("db"), "INGRESS", "FORWARDED", "3") +
                          line(end("web"), kWorld, "EGRESS", "FORWARDED", "4") + ping,
                      kClosed);
  CHECK(one.suggestions.left_out.empty());
  CHECK(one.still_dropped() == 0);
  // API servers are remote nodes, too.
  CHECK(one.proof.more == std::vector<std::string>{"kube-apiserver → a/db   opens TCP 3"});
  CHECK(has(one.yaml, "k8s:io.kubernetes.pod.namespace: b"));
  CHECK(has(one.yaml, "\"192.0.2.1/32\""));
  CHECK(has(one.yaml, "- remote-node"));
  CHECK(has(one.yaml, "- type: 8"));
}

TEST_CASE("names: by toFQDNs, and a rule for the queries through the DNS proxy") {
  const std::string cluster = kCluster + workload("kube-system", "coredns", "k8s-app: kube-dns");
  const std::string named = line(end("web"), kWorld, "EGRESS", "FORWARDED", "443", R"("destination_names":["api.example.com"])");
  // The policy lets queries pass, and not through the proxy.
  const std::string plain = policy("web", "  egress: [{toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system}}], toPorts: [{ports: [{port: '53', protocol: ANY}]}]}]");
  const Suggested one(named, plain, cluster);
  CHECK(has(one.yaml, "matchName: api.example.com"));
  CHECK(has(one.yaml, "      rules:\n        dns:\n        - matchName: api.example.com"));
  CHECK(one.still_dropped() == 0);
  REQUIRE(!one.proof.more.empty());
  CHECK(has(one.proof.more[0], "goes another way"));
  // It does already.
  const std::string proxied = policy("web", "  egress: [{toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system}}], toPorts: [{ports: [{port: '53', protocol: ANY}], rules: {dns: [{matchPattern: '*'}]}}]}]");
  const Suggested two(named, proxied, cluster);
  CHECK(!has(two.yaml, "dns:"));
  CHECK(two.exact());
}

TEST_CASE("what no allowing rule opens is left out, and said") {
  const Suggested denied(line(end("web"), end("db"), "INGRESS", "FORWARDED", "80"), policy("db", "  ingressDeny: [{fromEndpoints: [{}]}]\n  ingress: [{fromEntities: [all]}]"));
  CHECK(denied.yaml.empty());
  REQUIRE(denied.suggestions.left_out.size() == 1);
  CHECK(has(denied.suggestions.left_out[0], "a/web → a/db   TCP 80: it is denied by a rule"));
  std::string many;
  for (int i = 1; i <= 17; ++i) {
    std::string text = line(kWorld, end("db"), "INGRESS", "FORWARDED", "80");
    many += text.replace(text.find("192.0.2.1"), 9, "198.51.100." + std::to_string(i));
  }
  CHECK(has(Suggested(many, kClosed).suggestions.left_out.at(0), "more addresses than a rule should list"));
}

// Random flows and policies over workloads that labels tell apart: exact each time, and nothing stays dropped.
TEST_CASE("suggestions are exact whatever was recorded") {
  std::mt19937 random(7);
  const auto any = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> apps{"one", "two", "three", "four"}, spaces{"a", "b"};
  std::string cluster;
  for (const auto& ns : spaces)
    for (const auto& app : apps) cluster += workload(ns, app, "app: " + app + ", tier: t" + std::to_string(any(2)));
  std::size_t opened = 0;
  for (int round = 0; round < 60; ++round) {
    std::string flows, policies;
    for (std::size_t i = 1 + any(6); i > 0; --i) {
      const std::string from = any(6) == 0 ? kWorld : end_in(spaces[any(2)], apps[any(4)]), to = from != kWorld && any(5) == 0 ? kWorld : end_in(spaces[any(2)], apps[any(4)]);
      flows += line(from, to, any(2) == 0 ? "INGRESS" : "EGRESS", any(5) == 0 ? "DROPPED" : "FORWARDED", std::to_string(80 + any(3)));
    }
    for (std::size_t i = any(5); i > 0; --i) {
      const std::string subject = any(4) == 0 ? "{}" : "{matchLabels: {app: " + apps[any(4)] + "}}", peer = any(3) == 0 ? "{matchLabels: {tier: t0}}" : "{matchLabels: {app: " + apps[any(4)] + "}}";
      const bool egress = any(2) == 0;
      const std::string ports = any(2) == 0 ? "" : ", toPorts: [{ports: [{port: '" + std::to_string(80 + any(3)) + "', protocol: TCP}]}]";
      policies += "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p" + std::to_string(i) + ", namespace: " + spaces[any(2)] + "}\nspec:\n  endpointSelector: " + subject + "\n  " +
                  (egress ? "egress: [{toEndpoints: [" : "ingress: [{fromEndpoints: [") + peer + "]" + ports + "}]\n---\n";
    }
    CAPTURE(flows);
    CAPTURE(policies);
    const Suggested one(flows, policies, cluster);
    CAPTURE(one.yaml);
    CHECK(one.still_dropped() == 0);
    for (const auto& more : one.proof.more) CHECK(more == "");
    CHECK(one.suggestions.left_out.empty());
    opened += one.suggestions.opened.size();
  }
  CHECK(opened > 30);
}
