// compiler/replay/replay_for_tests.h — flows and policies of a small cluster, replayed.
#pragma once
#include <doctest/doctest.h>

#include <memory>
#include <sstream>
#include <string>

#include "compiler/replay/outcome.h"

namespace netpolc::compiler::replay::for_tests {

inline constexpr const char* kCluster = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: a}
spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: a}
spec: {selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i}]}}}
---
)";

inline std::string policy(const std::string& subject, const std::string& rules) {
  return "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p-" + subject + ", namespace: a}\nspec:\n  endpointSelector: {matchLabels: {app: " + subject + "}}\n" + rules + "\n---\n";
}
inline const std::string kDbForWeb = policy("db", "  ingress: [{fromEndpoints: [{matchLabels: {app: web}}], toPorts: [{ports: [{port: '5432', protocol: TCP}]}]}]");

inline std::string end(const std::string& app) {
  return R"({"identity":300,"namespace":"a","labels":["k8s:app=)" + app + R"(","k8s:io.kubernetes.pod.namespace=a"],"workloads":[{"name":")" + app + R"(","kind":"Deployment"}]})";
}
inline const std::string kWorld = R"({"identity":2,"labels":["reserved:world"]})";

inline std::string line(const std::string& from, const std::string& to, const std::string& direction, const std::string& verdict, const std::string& port, const std::string& more = "") {
  return R"({"flow":{"verdict":")" + verdict + R"(","IP":{"source":"192.0.2.1","destination":"192.0.2.2"},"l4":{"TCP":{"destination_port":)" + port + R"(}},"source":)" + from +
         R"(,"destination":)" + to + R"(,"traffic_direction":")" + direction + R"(","is_reply":false,"drop_reason_desc":"POLICY_DENIED")" + (more.empty() ? "" : "," + more) + "}}\n";
}

inline void load(Session& session, const std::string& text) {
  const FileId file = session.sources.add("input.yaml", text);
  session.loaded = frontend::load(std::vector<FileId>{file}, {}, session.sources, session.sink);
  REQUIRE(session.loaded.usable);
}

struct Replayed {
  Session now, was;
  Known known;
  std::unique_ptr<Recording> recording;
  std::unique_ptr<Verdicts> verdicts, before;
  Outcomes outcomes;

  explicit Replayed(const std::string& flows, const std::string& policies, const std::string& against = "", const Limits& limits = {}, const std::string& cluster = kCluster) {
    load(now, cluster + policies);
    known.add(now.loaded.policies, now.loaded.cluster, now.resolutions);
    if (!against.empty()) {
      load(was, cluster + against);
      known.add(was.loaded.policies, was.loaded.cluster, was.resolutions);
    }
    recording = std::make_unique<Recording>(known, limits);
    std::istringstream in(flows);
    REQUIRE(recording->read(in, "flows").empty());
    verdicts = std::make_unique<Verdicts>(now, *recording);
    if (!against.empty()) before = std::make_unique<Verdicts>(was, *recording);
    outcomes = replay::outcomes(*recording, *verdicts, before.get());
  }
  std::uint64_t flows(Change change) const { return outcomes.flows_of(change); }
};

}  // namespace netpolc::compiler::replay::for_tests
