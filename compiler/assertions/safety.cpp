#include "compiler/assertions/safety.h"

#include <algorithm>

#include "frontend/load.h"

namespace netpolc::compiler::assertions {
namespace {

using frontend::Loaded;

constexpr std::uint16_t kApiPort = 6443, kKubeletPort = 10250, kHealthPort = 4240, kSshPort = 22, kDnsPort = 53;

verify::FlowRange flow(ir::Protocol protocol, std::uint16_t number) { return {protocol, number, number}; }
verify::FlowRange tcp(std::uint16_t port) { return flow(ir::Protocol::Tcp, port); }

Test test(std::string name, const std::string& from, const std::string& to, std::vector<verify::FlowRange> traffic) {
  Test out;
  out.name = std::move(name);
  out.from = {{from}};
  out.to = {{{to}}};
  out.traffic = std::move(traffic);
  return out;
}

std::string name_of(const ir::Endpoint& endpoint) { return endpoint.ns + "/" + endpoint.name; }

bool is_managed(const ir::Endpoint& endpoint) { return !endpoint.remote && !endpoint.host_network; }

bool has_label(const ir::Endpoint& endpoint, const char* key, const char* value) {
  return std::find(endpoint.labels.begin(), endpoint.labels.end(), ir::Label{"k8s", key, value}) != endpoint.labels.end();
}

// What Kubernetes' DNS is called, whichever program it is.
bool serves_dns(const ir::Endpoint& endpoint) { return endpoint.ns == "kube-system" && has_label(endpoint, "k8s-app", "kube-dns"); }

const ir::Service* service(const Loaded& loaded, const char* ns, const char* name) {
  for (const ir::Service& one : loaded.cluster.services)
    if (one.ns == ns && one.name == name) return &one;
  return nullptr;
}

// With the host firewall, or policies of nodes.
bool nodes_are_governed(const Loaded& loaded) {
  const auto& policies = loaded.policies.policies;
  return loaded.cluster.config.host_firewall && std::any_of(policies.begin(), policies.end(), [](const ir::Policy& policy) { return policy.subject_is_node; });
}
constexpr const char* kNoNodePolicy = "no policy governs nodes";

// ---- workloads ------------------------------------------------------------------------------------------

// Whether its policies let it send anything at all: who is shut in on purpose looks up no names.
bool may_send(std::uint32_t endpoint, const Loaded& loaded, verify::Judge& judge) {
  const auto subject = judge.encounters().endpoint_subject(endpoint);
  if (!subject || judge.policy(*subject).incomputable()) return true;
  const ir::PeerFacts nobody{.labels = {}, .address = {}, .unknown = true};
  const ir::SideVerdict verdict = judge.policy(*subject).judge(ir::Direction::Egress, nobody, {ir::Protocol::Tcp, 1});
  if (verdict.verdict != ir::Verdict::DefaultDeny) return true;
  return std::any_of(verdict.rules.begin(), verdict.rules.end(), [&](const ir::RuleRef& ref) {
    const auto& rules = loaded.policies.policies[ref.policy].rules;
    return std::any_of(rules.begin(), rules.end(), [](const ir::Rule& rule) {
      const bool empty = rule.peer_kind == ir::PeerKind::Nobody || (rule.peer_kind == ir::PeerKind::Unspecified && rule.any_l4);
      return rule.direction == ir::Direction::Egress && rule.action == ir::Action::Allow && !empty;
    });
  });
}

Pack dns(const Loaded& loaded, verify::Judge& judge) {
  const auto& endpoints = loaded.cluster.endpoints;
  if (std::none_of(endpoints.begin(), endpoints.end(), serves_dns)) return {{}, "no kube-system/[k8s-app=kube-dns] in the input"};
  Pack out;
  const ir::Service* front = service(loaded, "kube-system", "kube-dns");
  const bool by_service = front != nullptr && std::any_of(front->ports.begin(), front->ports.end(), [](const auto& port) { return port.port == kDnsPort && port.protocol == ir::Protocol::Udp; });
  for (std::uint32_t e = 0; e < endpoints.size(); ++e)
    if (const ir::Endpoint& endpoint = endpoints[e]; is_managed(endpoint) && !serves_dns(endpoint) && may_send(e, loaded, judge))
      out.tests.push_back(test("dns: " + name_of(endpoint), name_of(endpoint), by_service ? "svc:kube-system/kube-dns" : "kube-system/[k8s-app=kube-dns]", {flow(ir::Protocol::Udp, kDnsPort)}));
  if (out.tests.empty()) out.not_judged = "no workload but DNS itself may send anything";
  return out;
}

Pack kubelet_probes(const Loaded& loaded, verify::Judge&) {
  Pack out;
  for (const ir::Endpoint& endpoint : loaded.cluster.endpoints) {
    if (!is_managed(endpoint) || endpoint.probes.empty()) continue;
    std::vector<verify::FlowRange> ports;
    for (const std::uint16_t port : endpoint.probes) ports.push_back(tcp(port));
    out.tests.push_back(test("kubelet probes: " + name_of(endpoint), "entity:host", name_of(endpoint), std::move(ports)));
  }
  if (out.tests.empty()) out.not_judged = "no workload declares probes";
  return out;
}

// ---- the API server ---------------------------------------------------------------------------------------

std::uint16_t api_port(const Loaded& loaded) {
  const ir::Service* api = service(loaded, "default", "kubernetes");
  if (api != nullptr)
    for (const auto& port : api->ports)
      if (port.target_port != 0) return port.target_port;
  return kApiPort;
}

// By its addresses where they are known: CIDR rules may be about them.
std::vector<Target> api_servers(const Loaded& loaded) {
  std::vector<Target> out;
  for (const IpAddress& address : loaded.cluster.kube_apiservers) out.push_back({{"ip:" + address.to_string()}});
  if (out.empty()) out.push_back({{"entity:kube-apiserver"}});
  return out;
}

// Who can't do without: DNS, which learns services from it, and nodes.
Pack apiserver(const Loaded& loaded, verify::Judge&) {
  Pack out;
  const auto add = [&](const std::string& name, const std::string& from) {
    Test one = test("apiserver: " + name, from, "", {tcp(api_port(loaded))});
    one.to = api_servers(loaded);
    out.tests.push_back(std::move(one));
  };
  for (const ir::Endpoint& endpoint : loaded.cluster.endpoints)
    if (is_managed(endpoint) && serves_dns(endpoint)) add(name_of(endpoint), name_of(endpoint));
  if (nodes_are_governed(loaded)) add("nodes", "entity:host");
  if (out.tests.empty()) out.not_judged = std::string("no kube-system/[k8s-app=kube-dns] in the input, and ") + kNoNodePolicy;
  return out;
}

// ---- nodes ------------------------------------------------------------------------------------------------

Pack nodes(const Loaded& loaded, verify::Judge&) {
  if (!nodes_are_governed(loaded)) return {{}, kNoNodePolicy};
  std::vector<verify::FlowRange> traffic{tcp(kKubeletPort)};
  if (loaded.cluster.config.tunnel_port != 0) traffic.push_back(flow(ir::Protocol::Udp, loaded.cluster.config.tunnel_port));
  return {{test("nodes: from other nodes", "entity:remote-node", "entity:host", traffic), test("nodes: to other nodes", "entity:host", "entity:remote-node", traffic),
           test("nodes: the API server asks kubelets", "entity:kube-apiserver", "entity:host", {tcp(kKubeletPort)})},
          ""};
}

Pack health(const Loaded& loaded, verify::Judge&) {
  if (!nodes_are_governed(loaded)) return {{}, kNoNodePolicy};
  const std::vector<verify::FlowRange> traffic{tcp(kHealthPort), flow(ir::Protocol::Icmp, 8)};
  return {{test("health: from other nodes", "entity:remote-node", "entity:host", traffic), test("health: to other nodes", "entity:host", "entity:remote-node", traffic)}, ""};
}

// Somebody: who administers nodes is said by whoever wrote the policy.
Pack ssh(const Loaded& loaded, verify::Judge&) {
  if (!nodes_are_governed(loaded)) return {{}, kNoNodePolicy};
  Pack out;
  const auto add = [&](const std::string& name, const std::string& to) {
    Test one = test("ssh: somebody reaches " + name, "any", to, {tcp(kSshPort)});
    one.expect = Expect::Some;
    out.tests.push_back(std::move(one));
  };
  for (const ir::Node& node : loaded.cluster.nodes)
    if (!node.remote_cluster && !node.addresses.empty()) add(node.name, "ip:" + node.addresses.front().to_string());
  if (out.tests.empty()) add("nodes", "entity:host");
  return out;
}

struct Known {
  const char* name;
  Pack (*make)(const Loaded&, verify::Judge&);
};
constexpr Known kPacks[] = {{"safety/dns", dns}, {"safety/kubelet-probes", kubelet_probes}, {"safety/apiserver", apiserver},
                            {"safety/nodes", nodes}, {"safety/health", health}, {"safety/ssh", ssh}};

bool is_left_out(const Test& one, const std::vector<Reference>& except) {
  return std::any_of(except.begin(), except.end(), [&](const Reference& reference) {
    return one.from.front().text == reference.text || std::any_of(one.to.begin(), one.to.end(), [&](const Target& to) { return to.end.text == reference.text; });
  });
}

}  // namespace

const std::vector<std::string>& safety_names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> out;
    for (const Known& one : kPacks) out.emplace_back(one.name);
    return out;
  }();
  return all;
}

Pack safety(const std::string& name, const Loaded& loaded, verify::Judge& judge, const std::vector<Reference>& except) {
  for (const Known& one : kPacks) {
    if (name != one.name) continue;
    Pack out = one.make(loaded, judge);
    std::erase_if(out.tests, [&](const Test& item) { return is_left_out(item, except); });
    for (Test& item : out.tests) item.pack = name;
    if (out.tests.empty() && out.not_judged.empty()) out.not_judged = "all of it is left out";
    return out;
  }
  return {};
}

}  // namespace netpolc::compiler::assertions
