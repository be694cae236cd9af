// What the options of the agent's ConfigMap make of the cluster's configuration.
#include <doctest/doctest.h>

#include "frontend/load.h"

using namespace netpolc;

namespace {

ir::Config config(const std::string& options) {
  SourceManager sources;
  DiagSink sink;
  const FileId file =
      sources.add("config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata:\n" + options);
  const auto loaded = frontend::load({file}, {}, sources, sink);
  REQUIRE(loaded.usable);
  return loaded.cluster.config;
}

}  // namespace

TEST_CASE("a policy map holds what bpf-policy-map-max says") {
  CHECK(ir::Config{}.policy_map_max == 16384);
  CHECK(config("  bpf-policy-map-max: '65536'\n").policy_map_max == 65536);
}

TEST_CASE("the overlay's port is its protocol's, unless a port is given or nothing is encapsulated") {
  CHECK(ir::Config{}.tunnel_port == 8472);
  CHECK(config("  cluster-name: x\n").tunnel_port == 8472);
  CHECK(config("  routing-mode: tunnel\n").tunnel_port == 8472);
  CHECK(config("  tunnel-protocol: geneve\n").tunnel_port == 6081);
  CHECK(config("  tunnel-port: '0'\n  tunnel-protocol: geneve\n").tunnel_port == 6081);
  CHECK(config("  tunnel-port: '4789'\n  tunnel-protocol: vxlan\n").tunnel_port == 4789);
  CHECK(config("  routing-mode: native\n  tunnel-port: '4789'\n").tunnel_port == 0);
}
