// The packet that is dropped first, in Hubble's words.
#include "compiler/explain/witness.h"

#include <doctest/doctest.h>

#include "frontend/load.h"

using namespace netpolc;
using namespace netpolc::explain;

namespace {

constexpr const char* kCluster = R"(
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: a, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: a, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: p, namespace: a}
spec:
  endpointSelector: {matchLabels: {app: web}}
)";

// What web's `rules` drop of this question. "" for nothing.
std::string dropped(const std::string& rules, const verify::Question& question) {
  SourceManager sources;
  DiagSink sink;
  const FileId file = sources.add("p.yaml", kCluster + rules);
  const frontend::Loaded loaded = frontend::load(std::vector<FileId>{file}, {}, sources, sink);
  REQUIRE(sink.errors() == 0);
  const ir::Resolutions resolutions;
  const ir::IdentityLock lock;
  const ir::eval::World world{loaded.policies, loaded.cluster, resolutions};
  verify::Judge judge(world, lock);
  const auto answer = judge.ask(question);
  REQUIRE(answer);
  REQUIRE(answer->pairs.size() == 1);
  lint::Places places(sources);
  const auto found = first_drop(answer->pairs.front(), {world, judge, places}, lock);
  return found ? found->ends() + " " + found->verdict() : "";
}

verify::Question to(const char* whom, ir::Protocol protocol, std::uint16_t number) { return {.from = "a/web", .to = whom, .flow = ir::Flow{protocol, number}}; }

}  // namespace

TEST_CASE("default deny matches no entry") {
  const std::string rules = "  egress: [{toEndpoints: [{matchLabels: {app: none}}]}]\n";
  CHECK(dropped(rules, to("a/db", ir::Protocol::Tcp, 80)) == "a/web:49152 (ID:257) <> a/db:80 (ID:256) policy-verdict:none EGRESS DENIED (TCP Flags: SYN)");
  CHECK(dropped(rules, to("a/db", ir::Protocol::Udp, 53)) == "a/web:49152 (ID:257) <> a/db:53 (ID:256) policy-verdict:none EGRESS DENIED (UDP)");
  CHECK(dropped(rules, to("ip:192.0.2.1", ir::Protocol::Icmp, 8)) == "a/web (ID:257) <> 192.0.2.1 (world-ipv4) policy-verdict:none EGRESS DENIED (ICMPv4 EchoRequest)");
  CHECK(dropped(rules, to("ip:2001:db8::1", ir::Protocol::Icmpv6, 200)) == "a/web (ID:257) <> 2001:db8::1 (world-ipv6) policy-verdict:none EGRESS DENIED (ICMPv6 200)");
  CHECK(dropped(rules, to("ip:2001:db8::1", ir::Protocol::Tcp, 443)) == "a/web:49152 (ID:257) <> [2001:db8::1]:443 (world-ipv6) policy-verdict:none EGRESS DENIED (TCP Flags: SYN)");
}

TEST_CASE("a deny rule makes an entry of its shape") {
  const auto match = [](const std::string& rules) {
    const std::string all = dropped(rules, to("ip:192.0.2.1", ir::Protocol::Tcp, 80));
    const std::size_t begin = all.find("policy-verdict:") + 15;
    return all.substr(begin, all.find(' ', begin) - begin);
  };
  CHECK(match("  egressDeny: [{toCIDR: [192.0.2.0/24]}]\n") == "L3-Only");
  CHECK(match("  egressDeny: [{toCIDR: [192.0.2.0/24], toPorts: [{ports: [{port: \"80\", protocol: TCP}]}]}]\n") == "L3-L4");
  CHECK(match("  egressDeny: [{toPorts: [{ports: [{port: \"80\", protocol: TCP}]}]}]\n") == "L4-Only");
  CHECK(match("  egressDeny: [{toEntities: [all]}]\n") == "all");
  CHECK(match("  egressDeny: [{toEntities: [world]}, {toPorts: [{ports: [{port: \"80\", protocol: TCP}]}]}]\n") == "L4-Only");
  CHECK(match("  egressDeny: [{toEntities: [world], toPorts: [{ports: [{port: \"0\", protocol: TCP}]}]}]\n") == "L3-Proto");
}

TEST_CASE("what comes in is dropped at the other end") {
  const std::string rules = "  ingress: [{fromEndpoints: [{matchLabels: {app: none}}]}]\n";
  CHECK(dropped(rules, {.from = "ip:192.0.2.1", .to = "a/web", .flow = ir::Flow{ir::Protocol::Tcp, 80}}) ==
        "192.0.2.1:49152 (world-ipv4) <> a/web:80 (ID:257) policy-verdict:none INGRESS DENIED (TCP Flags: SYN)");
  CHECK(dropped(rules, to("a/db", ir::Protocol::Tcp, 80)).empty());
}
