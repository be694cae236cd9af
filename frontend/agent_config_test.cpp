// What options given by themselves make of the cluster's configuration, and of what `import` writes.
#include <doctest/doctest.h>

#include <array>

#include "frontend/agent_config.h"
#include "frontend/import/keep.h"
#include "frontend/yaml/write.h"

using namespace netpolc;
using namespace netpolc::frontend;

namespace {

struct Read {
  SourceManager sources;
  DiagSink sink;
  Loaded loaded;
  Read(const std::string& objects, const std::string& config, const std::string& cluster_name = "", int version = 18) {
    const FileId file = sources.add("objects.yaml", objects);
    GivenConfig given{.files = {}, .cluster_name = cluster_name};
    if (!config.empty()) given.files.push_back(sources.add("config.yaml", config));
    loaded = load(std::vector<FileId>{file}, {.cilium_version = version, .given = given}, sources, sink);
  }
  const ir::Config& config() const { return loaded.cluster.config; }
};

const std::string kNamespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";

std::string config_map(const std::string& data) { return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {" + data + "}\n"; }

ir::Config of_values(const std::string& values) {
  const Read read(kNamespace, values);
  REQUIRE(read.loaded.usable);
  return read.config();
}

}  // namespace

TEST_CASE("values that say nothing give what the chart does by itself") {
  const ir::Config config = of_values("operator: {replicas: 1}\n");
  ir::Config expected;
  expected.ipv6 = false;
  CHECK(config == expected);
  CHECK(of_values("{}\n") == expected);
  CHECK(of_values("ipv6: {enabled: null}\n").ipv6);
}

TEST_CASE("values become options") {
  const ir::Config config = of_values(
      "policyEnforcementMode: Always\npolicyCIDRMatchMode: [nodes]\nlabels: 'k8s:app'\ncluster: {name: east, id: 3}\nl7Proxy: false\nhostFirewall: {enabled: true}\n"
      "nodeSelectorLabels: true\nbpf: {policyMapMax: 65536}\nsctp: {enabled: true}\nclustermesh: {policyDefaultLocalCluster: true}\nenableNonDefaultDenyPolicies: false\n");
  CHECK(config.mode == ir::PolicyMode::Always);
  CHECK(config.cidr_matches_nodes);
  CHECK(config.labels == "k8s:app");
  CHECK(config.cluster_name == "east");
  CHECK(!config.l7_proxy);
  CHECK(config.host_firewall);
  CHECK(config.node_selector_labels);
  CHECK(config.policy_map_max == 65536);
  CHECK(config.sctp);
  CHECK(config.default_local_cluster);
  CHECK(!config.non_default_deny_policies);
}

TEST_CASE("either of two values switches local redirects on") {
  const std::string on = "localRedirectPolicies: {enabled: true}\n", off = "localRedirectPolicies: {enabled: false}\n";
  for (const std::string& values : {on, off + "localRedirectPolicy: true\n", on + "localRedirectPolicy: false\n", std::string("localRedirectPolicy: true\n")}) CHECK_MESSAGE(of_values(values).local_redirects, values);
  for (const std::string& values : {off, off + "localRedirectPolicy: false\n", std::string("localRedirectPolicy: false\n")}) CHECK_MESSAGE(!of_values(values).local_redirects, values);
}

TEST_CASE("routing: what is empty is not said, and some clouds have none") {
  CHECK(of_values("routingMode: ''\ntunnelProtocol: ''\ntunnelPort: 0\n").tunnel_port == 8472);
  CHECK(of_values("routingMode: native\n").tunnel_port == 0);
  CHECK(of_values("gke: {enabled: true}\n").tunnel_port == 0);
  CHECK(of_values("gke: {enabled: true}\nroutingMode: tunnel\n").tunnel_port == 8472);
  CHECK(of_values("tunnelProtocol: geneve\n").tunnel_port == 6081);
  CHECK(of_values("tunnelPort: 4789\n").tunnel_port == 4789);
}

TEST_CASE("extra options come last, and have to be texts") {
  CHECK(of_values("l7Proxy: true\nextraConfig: {enable-l7-proxy: 'false', allow-localhost: policy}\n").l7_proxy == false);
  CHECK(of_values("extraConfig: {allow-localhost: policy, unheard-of: 1}\n").allow_localhost == false);
  CHECK_FALSE(Read(kNamespace, "extraConfig: {enable-l7-proxy: false}\n").loaded.usable);
}

TEST_CASE("values of a chart above, and what helm prints over them") {
  CHECK(of_values("cilium: {policyEnforcementMode: never}\n").mode == ir::PolicyMode::Never);
  CHECK(of_values("COMPUTED VALUES:\nl7Proxy: false\nMTU: 0\n").l7_proxy == false);
  CHECK_FALSE(Read(kNamespace, "replicas: 3\n").loaded.usable);
  CHECK_FALSE(Read(kNamespace, kNamespace).loaded.usable);
  CHECK_FALSE(Read(kNamespace, "[]\n").loaded.usable);
  CHECK_FALSE(Read(kNamespace, "l7Proxy: true\n---\nl7Proxy: false\n").loaded.usable);
}

TEST_CASE("what is given counts before the objects, and the name before both") {
  const std::string objects = config_map("enable-policy: never, cluster-name: west");
  const Read both(objects, config_map("enable-policy: always"));
  CHECK(both.config().mode == ir::PolicyMode::Always);
  CHECK(both.config().cluster_name == "default");
  REQUIRE(both.loaded.remarks.size() == 1);
  CHECK(both.loaded.remarks.front() == "the options of `config.yaml` count, and not those of the ConfigMap at objects.yaml:3");
  CHECK(Read(objects, "", "east").config().cluster_name == "east");
  CHECK(Read(kNamespace, "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-config}, data: {enable-policy: always}}\n").config().mode == ir::PolicyMode::Always);
}

TEST_CASE("policies of a kind that the agents do not look at count for nothing, which is remarked on") {
  const std::string policies = kNamespace + "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: {podSelector: {}}\n" +
                               "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: b, namespace: shop}\nspec: {endpointSelector: {}, ingress: [{}]}\n";
  CHECK(Read(policies, "k8sNetworkPolicy: {enabled: true}\n").loaded.policies.policies.size() == 2);
  const Read off(policies, "k8sNetworkPolicy: {enabled: false}\n");
  REQUIRE(off.loaded.policies.policies.size() == 1);
  CHECK(off.loaded.policies.policies[0].name == "b");
  REQUIRE(off.loaded.remarks.size() == 1);
  CHECK(off.loaded.remarks[0].find("none of the 1 objects of kind NetworkPolicy: `enable-k8s-networkpolicy` is off") != std::string::npos);
  const Read other(policies + "---\n" + config_map("enable-cilium-network-policy: 'false'"), "");
  REQUIRE(other.loaded.policies.policies.size() == 1);
  CHECK(other.loaded.policies.policies[0].name == "a");
  CHECK_FALSE(Read(policies, config_map("enable-k8s-networkpolicy: 'no'")).loaded.usable);
}

TEST_CASE("a tag of another version is remarked on") {
  CHECK(Read(kNamespace, "l7Proxy: true\nimage: {tag: v1.18.3}\n").loaded.remarks.empty());
  CHECK(Read(kNamespace, "l7Proxy: true\nimage: {tag: v1.17.3}\n").loaded.remarks.size() == 1);
  CHECK(version_of_tag("1.19") == 19);
  CHECK(version_of_tag("v1.20.0-rc.1") == 20);
  CHECK_FALSE(version_of_tag("latest"));
  CHECK_FALSE(version_of_tag("v1.x"));
  CHECK_FALSE(version_of_tag("2.0"));
}

TEST_CASE("what is kept of an input has the options that it was read under") {
  for (const auto& [objects, config, name] : std::vector<std::array<std::string, 3>>{{kNamespace, "l7Proxy: false\ncluster: {name: east}\n", ""},
                                                                                     {config_map("enable-policy: never, cluster-name: west"), "", "east"},
                                                                                     {config_map("enable-policy: never"), "policyEnforcementMode: always\n", "east"},
                                                                                     {kNamespace, "", "east"}}) {
    for (const int version : {18, 20}) {
      const Read before(objects, config, name, version);
      REQUIRE(before.loaded.usable);
      std::string text;
      for (const KeptObject& one : keep(before.sources, before.loaded).objects) text += to_yaml(one.node) + "---\n";
      const Read after(text, "", "", version);
      REQUIRE(after.loaded.usable);
      CHECK(after.config() == before.config());
    }
  }
}
