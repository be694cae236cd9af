#include "compiler/lists/stats.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace netpolc;
using namespace netpolc::compiler::lists;

namespace {

ir::Endpoint workload(const char* ns, const char* name, std::vector<ir::Label> labels, std::size_t pods = 1) {
  ir::Endpoint out;
  out.ns = ns;
  out.name = name;
  out.kind = "Deployment";
  labels.push_back({"k8s", "io.kubernetes.pod.namespace", ns});
  out.labels = std::move(labels);
  ir::normalise(out.labels);
  out.pods.resize(pods);
  return out;
}

IdentityStats stats_of(const ir::Cluster& cluster) {
  const auto identities = ir::Identities::build({}, cluster, {});
  return identity_stats(cluster, identities, [](const ir::Identity&) { return true; });
}

const LabelStats& of(const IdentityStats& stats, const std::string& key) {
  for (const LabelStats& one : stats.labels)
    if (one.key == key) return one;
  FAIL("no such key: " << key);
  return stats.labels.front();
}

}  // namespace

TEST_CASE("a label that is different on every pod costs an identity each") {
  ir::Cluster cluster;
  for (const char* job : {"1", "2", "3"}) cluster.endpoints.push_back(workload("batch", (std::string("job-") + job).c_str(), {{"k8s", "app", "job"}, {"k8s", "job-name", job}}, 2));
  cluster.endpoints.push_back(workload("shop", "cart", {{"k8s", "app", "cart"}}));
  const IdentityStats stats = stats_of(cluster);
  CHECK(stats.cluster == 4);
  CHECK(stats.unused == 0);
  CHECK(stats.reserved == 9);
  REQUIRE(stats.labels.front().key == "k8s:job-name");
  CHECK(stats.labels.front().values == 3);
  CHECK(stats.labels.front().identities == 3);
  CHECK(stats.labels.front().saved == 2);
  CHECK(of(stats, "k8s:app").saved == 0);
  REQUIRE(stats.namespaces.size() == 2);
  CHECK(stats.namespaces.front().name == "batch");
  CHECK(stats.namespaces.front().identities == 3);
  CHECK(stats.namespaces.front().endpoints == 3);
  CHECK(stats.namespaces.front().pods == 6);
}

TEST_CASE("what loses a label may become what never had it") {
  ir::Cluster cluster;
  cluster.endpoints = {workload("shop", "a", {{"k8s", "app", "x"}}), workload("shop", "b", {{"k8s", "app", "x"}, {"k8s", "canary", "yes"}})};
  const LabelStats canary = of(stats_of(cluster), "k8s:canary");
  CHECK(canary.identities == 1);
  CHECK(canary.saved == 1);
}

TEST_CASE("identities that nobody has are counted, those of other clusters apart, and the host's network has none") {
  ir::Cluster cluster;
  cluster.endpoints = {workload("shop", "a", {{"k8s", "app", "x"}}), workload("shop", "host", {{"k8s", "app", "h"}}), workload("far", "b", {{"k8s", "app", "x"}, {"k8s", "io.cilium.k8s.policy.cluster", "other"}})};
  cluster.endpoints[1].host_network = true;
  cluster.endpoints[2].remote = true;
  cluster.identities = {{4000, {{"k8s", "app", "gone"}, {"k8s", "io.kubernetes.pod.namespace", "old"}}}};
  const IdentityStats stats = stats_of(cluster);
  CHECK(stats.cluster == 2);
  CHECK(stats.other_clusters == 1);
  CHECK(stats.unused == 1);
  REQUIRE(stats.namespaces.size() == 2);
  CHECK(stats.namespaces.front().name == "old");
  CHECK(stats.namespaces.front().endpoints == 0);
}

TEST_CASE("as text and as data") {
  ir::Cluster cluster;
  cluster.endpoints = {workload("shop", "a", {{"k8s", "app", "x"}}), workload("shop", "b", {{"k8s", "app", "y"}})};
  CHECK(to_text(stats_of(cluster)) ==
        "reserved   9\n"
        "cluster    2   0.0 % of 65280\n"
        "external   0   prefixes; each node has its own numbers for them\n"
        "\n"
        "NAMESPACE   IDENTITIES   ENDPOINTS   PODS\n"
        "shop        2            2           2\n"
        "\n"
        "LABEL                             VALUES   IDENTITIES   SAVED IF LEFT OUT\n"
        "k8s:app                           2        2            1\n"
        "k8s:io.kubernetes.pod.namespace   1        2            0\n");
  CHECK(to_json(stats_of(cluster)).at("labels").at(0).dump() == R"({"key":"k8s:app","values":2,"identities":2,"saved":1})");
}
