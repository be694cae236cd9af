// Any bytes as policies for a small cluster: the decision tables say what the interpreter says, and
// are made and printed alike each time and keep their promises; the IR's text is read back.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "frontend/load.h"
#include "ir/decide/invariants.h"
#include "ir/decide/table.h"
#include "ir/eval/eval.h"
#include "ir/identity/identities.h"
#include "ir/text/text.h"

using namespace netpolc;

namespace {

constexpr std::size_t kLargest = 16 << 10;  // an input that a person would write

constexpr const char* kCluster = R"(apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-config, namespace: kube-system}, data: {enable-node-selector-labels: "true", enable-host-firewall: "true"}}
- {apiVersion: v1, kind: Namespace, metadata: {name: a, labels: {team: red}}}
- {apiVersion: v1, kind: Namespace, metadata: {name: default, labels: {team: blue}}}
- {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: a, labels: {app: web, tier: front}}, spec: {nodeName: n1, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}, status: {podIP: 10.0.0.1}}
- {apiVersion: v1, kind: Pod, metadata: {name: db, namespace: a, labels: {app: db}}, spec: {nodeName: n1, containers: [{name: c, ports: [{name: sql, containerPort: 5432}]}]}, status: {podIP: 10.0.0.2}}
- {apiVersion: v1, kind: Pod, metadata: {name: other, namespace: default, labels: {app: web}}, spec: {nodeName: n1, containers: [{name: c}]}, status: {podIP: 10.0.0.3}}
- {apiVersion: v1, kind: Node, metadata: {name: n1, labels: {zone: x}}, status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}}
- {apiVersion: v1, kind: Service, metadata: {name: db, namespace: a, labels: {app: db}}, spec: {selector: {app: db}, ports: [{port: 5432}]}}
)";

constexpr ir::Flow kFlows[] = {{ir::Protocol::Tcp, 80},  {ir::Protocol::Tcp, 8080}, {ir::Protocol::Udp, 53},    {ir::Protocol::Tcp, 443},
                               {ir::Protocol::Icmp, 8}, {ir::Protocol::Icmp, 0},   {ir::Protocol::Sctp, 5432}, {ir::Protocol::Icmpv6, 128}};

struct Peer {
  ir::PeerFacts facts;
  std::uint32_t identity = 0;
};

std::vector<Peer> peers(const ir::Cluster& cluster, const ir::Identities& identities) {
  std::vector<Peer> out;
  for (std::size_t i = 0; i < cluster.endpoints.size(); ++i) {
    if (cluster.endpoints[i].host_network) continue;
    out.push_back({{cluster.endpoints[i].labels, std::nullopt}, identities.of_endpoint(i)});
  }
  for (const std::uint32_t id : {1U, 4U, 5U, 6U, 7U, 8U}) out.push_back({{ir::reserved_labels(id), std::nullopt}, id});
  for (const char* text : {"203.0.113.9", "10.1.2.3", "2001:db8::1"}) {
    const auto address = *IpAddress::parse(text);
    out.push_back({{{{"reserved", address.v6 ? "world-ipv6" : "world-ipv4", ""}}, address}, identities.of_address(address)});
  }
  return out;
}

void compare(const ir::DirectionTable& table, const ir::eval::SubjectPolicy& subject, ir::Direction direction, const Peer& peer, ir::Flow flow) {
  const auto judged = subject.judge(direction, peer.facts, flow);
  const auto looked_up = ir::look_up(table, peer.identity, flow);
  if (judged.verdict == looked_up.verdict && judged.enforcement == looked_up.enforcement && judged.auth == looked_up.auth) return;
  std::fprintf(stderr, "identity %u, protocol %d, number %u, %s: interpreter %d/%d, table %d/%d\n", peer.identity, int(flow.protocol), flow.number,
               direction == ir::Direction::Ingress ? "ingress" : "egress", int(judged.verdict), int(judged.enforcement), int(looked_up.verdict),
               int(looked_up.enforcement));
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kLargest) return 0;
  SourceManager sources;
  DiagSink sink;
  const FileId cluster = sources.add("cluster.yaml", kCluster);
  const FileId policies = sources.add("input.yaml", std::string(reinterpret_cast<const char*>(data), size));
  // Not 1.16: its own order of redirects, and its node that bypasses them, are the interpreter's alone.
  const frontend::LoadOptions options{.lax = true, .keep_going = true, .cilium_version = 17 + static_cast<int>(size % 4)};
  const auto loaded = frontend::load({cluster, policies}, options, sources, sink);
  if (loaded.policies.policies.empty()) return 0;
  const auto identities = ir::Identities::build(loaded.policies, loaded.cluster, {});
  const auto decided = ir::decide(loaded.policies, loaded.cluster, {}, identities), again = ir::decide(loaded.policies, loaded.cluster, {}, identities);
  if (decided.tables.size() != again.tables.size()) std::abort();
  for (std::size_t i = 0; i < decided.tables.size(); ++i)
    if (to_string(decided.tables[i]) != to_string(again.tables[i]) || violated(decided.tables[i])) std::abort();
  const std::string text = ir::print(loaded.policies);
  if (const auto back = ir::parse(text); !back || ir::print(*back) != text) std::abort();

  const ir::Resolutions none;
  const ir::eval::World world{loaded.policies, loaded.cluster, none};
  const auto others = peers(loaded.cluster, identities);
  for (const auto& entry : decided.endpoints) {
    if (entry.is_host) continue;  // its labels are the directory's business
    const auto& endpoint = loaded.cluster.endpoints[entry.endpoint];
    const ir::eval::SubjectPolicy subject(world, {endpoint.labels, endpoint.ns, endpoint.named_ports, false});
    const auto& table = decided.tables[entry.table];
    if (subject.incomputable().has_value() != table.incomputable.has_value()) std::abort();
    if (table.incomputable) continue;
    for (const Peer& peer : others)
      for (const ir::Flow flow : kFlows) {
        compare(table.ingress, subject, ir::Direction::Ingress, peer, flow);
        compare(table.egress, subject, ir::Direction::Egress, peer, flow);
      }
  }
  return 0;
}
