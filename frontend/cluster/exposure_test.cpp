// How Services are reached, as their manifests say it, and the agents' options about it.
#include <doctest/doctest.h>

#include <memory>

#include "frontend/cluster/exposure.h"

using namespace netpolc;

namespace {

struct Read {
  SourceManager sources;
  DiagSink sink;
  frontend::Loaded loaded;
  std::unique_ptr<frontend::Exposures> exposures;

  explicit Read(const std::string& text, const std::string& values = "") {
    const FileId before = sources.add("before.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
    frontend::LoadOptions options;
    if (!values.empty()) options.given.files = {sources.add("values.yaml", values)};
    loaded = frontend::load({before, sources.add("services.yaml", text)}, options, sources, sink);
    REQUIRE(loaded.usable);
    exposures = std::make_unique<frontend::Exposures>(loaded, sources);
  }
  tl::expected<ir::Exposure, std::string> web() { return exposures->of(loaded.cluster.services.at(0)); }
};

std::string service(const std::string& spec, const std::string& more = "") {
  return "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop" + more + "}\nspec: {" + spec + "}\n";
}
std::string config(const std::string& data) { return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {" + data + "}\n"; }

}  // namespace

TEST_CASE("what a Service's manifest says of how it is reached") {
  Read read(service("type: LoadBalancer, externalTrafficPolicy: Local, internalTrafficPolicy: Local, allocateLoadBalancerNodePorts: false, loadBalancerSourceRanges: [203.0.113.0/24, ' 2001:db8::/32 '], "
                    "ports: [{port: 80, nodePort: 30080}, {port: 81}, {port: 53, protocol: UDP, nodePort: 30053}]",
                    ", annotations: {service.cilium.io/forwarding-mode: dsr, service.cilium.io/src-ranges-policy: deny}") +
            "status: {loadBalancer: {ingress: [{ip: 198.51.100.1}, {ip: 198.51.100.2, ipMode: Proxy}, {hostname: lb.example.com}]}}\n");
  const auto found = read.web();
  REQUIRE(found.has_value());
  CHECK(found->type == ir::ServiceType::LoadBalancer);
  CHECK(found->external_local);
  CHECK(found->internal_local);
  CHECK_FALSE(found->allocates_node_ports);
  CHECK(found->source_ranges.size() == 2);
  CHECK(found->source_ranges_deny);
  CHECK(found->forwarding_mode == "dsr");
  REQUIRE(found->node_ports.size() == 2);
  CHECK(found->node_ports[0].node_port == 30080);
  CHECK(found->node_ports[1].protocol == ir::Protocol::Udp);
  CHECK(found->balancer_addresses.size() == 1);
  CHECK(found->balancer_is_proxy);
}

TEST_CASE("the last manifest of a Service counts, and lists are looked into") {
  Read read(service("type: NodePort, ports: [{port: 80, nodePort: 30080}]") + "---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {clusterIP: None, ports: [{port: 80}]}}\n");
  const auto found = read.web();
  REQUIRE(found.has_value());
  CHECK(found->type == ir::ServiceType::ClusterIp);
  CHECK(found->headless);
  CHECK(found->node_ports.empty());
  CHECK_FALSE(found->external_local);
}

TEST_CASE("what makes no sense is refused, with its place") {
  for (const char* spec : {"externalTrafficPolicy: local", "type: Nodeport", "loadBalancerSourceRanges: [203.0.113.7]"}) {
    Read read(service(spec));
    const auto found = read.web();
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().find("services.yaml:4") != std::string::npos);
  }
}

TEST_CASE("the agents' options about services") {
  Read none(service(""));
  CHECK_FALSE(none.exposures->handling()->config_given);
  Read read(config("kube-proxy-replacement: 'true', bpf-lb-mode: hybrid, routing-mode: native, bpf-lb-external-clusterip: 'false'"));
  const auto found = read.exposures->handling();
  REQUIRE(found.has_value());
  CHECK(found->config_given);
  CHECK(found->kube_proxy_replacement == true);
  CHECK(found->mode == "hybrid");
  CHECK(found->routing_given);
  CHECK(found->external_cluster_ip == false);
  CHECK_FALSE(found->all_source_ranges.has_value());
  for (const char* wrong : {"kube-proxy-replacement: probe", "bpf-lb-mode: fast"}) CHECK_FALSE(Read(config(wrong)).exposures->handling().has_value());
}

TEST_CASE("Helm values say it as the ConfigMap that they make does, and count before one among the objects") {
  Read read(config("kube-proxy-replacement: 'false', bpf-lb-mode: snat"),
            "kubeProxyReplacement: true\nloadBalancer: {mode: dsr}\nsocketLB: {hostNamespaceOnly: true}\nbpf: {lbExternalClusterIP: true, lbSourceRangeAllTypes: true, lbModeAnnotation: true}\n");
  const auto found = read.exposures->handling();
  REQUIRE(found.has_value());
  CHECK(found->config_given);
  CHECK(found->kube_proxy_replacement == true);
  CHECK(found->mode == "dsr");
  CHECK(found->socket_lb_hosts_only == true);
  CHECK(found->external_cluster_ip == true);
  CHECK(found->all_source_ranges == true);
  CHECK(found->mode_by_annotation == true);
}
