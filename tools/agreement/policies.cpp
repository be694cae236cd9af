#include "tools/agreement/parts.h"

namespace netpolc::agreement {
namespace {

Json object(const std::string& version, const std::string& kind, const std::string& name, const std::string& ns) {
  Json out{{"apiVersion", version}, {"kind", kind}, {"metadata", {{"name", name}}}};
  if (!ns.empty()) out["metadata"]["namespace"] = ns;
  return out;
}

std::string some_namespace(Random& random) { return random.text({"a", "a", "a", "b", "b", "c"}); }

// ---- Cilium's own ------------------------------------------------------------------------------------

Json rule(Random& random, const Agent& agent, const Element& at) {
  Json out = Json::object();
  if (random.one_in(30)) return out;
  add_peers(random, agent, at, out);
  add_ports(random, agent, at, out);
  if (!at.deny && random.one_in(10)) out["authentication"] = {{"mode", random.text({"required", "disabled", "test-always-fail"})}};
  return out;
}

Json spec(Random& random, const Agent& agent, bool clusterwide) {
  Json out;
  const bool of_nodes = clusterwide && agent.host_firewall && random.one_in(3);
  if (of_nodes) out["nodeSelector"] = random.one_in(2) ? Json::object() : Json{{"matchLabels", {{"role", random.text({"infra", "worker"})}}}};
  else out["endpointSelector"] = random_selector(random, true);
  if (random.one_in(3)) {
    if (random.one_in(2)) out["enableDefaultDeny"]["ingress"] = random.one_in(3);
    if (random.one_in(2) || !out.contains("enableDefaultDeny")) out["enableDefaultDeny"]["egress"] = random.one_in(3);
  }
  for (const bool ingress : {true, false}) {
    if (random.one_in(3)) continue;
    const std::string list = ingress ? "ingress" : "egress";
    if (!random.one_in(5)) {
      out[list] = Json::array();
      for (std::uint32_t n = random.one_in(20) ? 0 : 1 + random.below(3); n > 0; --n) out[list].push_back(rule(random, agent, {ingress, false, clusterwide, of_nodes}));
    }
    if (random.one_in(3)) {
      out[list + "Deny"] = Json::array();
      for (std::uint32_t n = 1 + random.below(2); n > 0; --n) out[list + "Deny"].push_back(rule(random, agent, {ingress, true, clusterwide, of_nodes}));
    }
  }
  bool says = false;
  for (const char* list : {"ingress", "egress", "ingressDeny", "egressDeny"}) says |= out.contains(list) && !out[list].empty();
  if (!says) out["ingress"] = Json::array({rule(random, agent, {true, false, clusterwide, of_nodes})});
  return out;
}

Json cilium_policy(Random& random, const Agent& agent, const std::string& name) {
  const bool clusterwide = random.one_in(3);
  Json out = object("cilium.io/v2", clusterwide ? "CiliumClusterwideNetworkPolicy" : "CiliumNetworkPolicy", name, clusterwide ? "" : some_namespace(random));
  if (!random.one_in(8)) out["spec"] = spec(random, agent, clusterwide);
  if (random.one_in(8) || !out.contains("spec")) out["specs"] = Json::array({spec(random, agent, clusterwide), spec(random, agent, clusterwide)});
  return out;
}

// ---- Kubernetes' -------------------------------------------------------------------------------------

// Plain keys: sources are Cilium's own.
Json plain_selector(Random& random, bool of_namespaces) {
  if (random.one_in(3)) return Json::object();
  const std::string key = of_namespaces ? random.text({"team", "kubernetes.io/metadata.name"}) : random.text({"app", "tier"});
  const std::string value = key == "team" ? random.text({"red", "blue"}) : of_namespaces ? random.text({"a", "b"}) : key == "app" ? random.text({"web", "db"}) : random.text({"one", "two"});
  if (random.one_in(2)) return {{"matchLabels", {{key, value}}}};
  const std::string op = random.text({"In", "NotIn", "Exists", "DoesNotExist"});
  Json expression{{"key", key}, {"operator", op}};
  if (op == "In" || op == "NotIn") expression["values"] = {value};
  return {{"matchExpressions", Json::array({expression})}};
}

Json network_peer(Random& random, const Agent& agent) {
  if (random.one_in(4)) return {{"ipBlock", random_block(random, agent)}};
  Json out;
  if (random.one_in(2)) out["namespaceSelector"] = plain_selector(random, true);
  if (random.one_in(2) || out.is_null()) out["podSelector"] = plain_selector(random, false);
  return out;
}

Json network_port(Random& random) {
  Json out = Json::object();
  if (!random.one_in(4)) out["protocol"] = random.text({"TCP", "TCP", "UDP", "SCTP"});
  if (random.one_in(4)) {
    out["port"] = random.text({"http", "dns", "metrics"});
  } else if (!random.one_in(6)) {
    Range range = random_range(random);
    if (range.first == 0) range = {80, 80};
    out["port"] = range.first;
    if (range.last > range.first) out["endPort"] = range.last;
  }
  return out;
}

Json network_policy(Random& random, const Agent& agent, const std::string& name) {
  Json out = object("networking.k8s.io/v1", "NetworkPolicy", name, some_namespace(random));
  Json& body = out["spec"];
  body["podSelector"] = plain_selector(random, false);
  if (random.one_in(2)) {
    body["policyTypes"] = Json::array({random.text({"Ingress", "Egress"})});
    if (random.one_in(3)) body["policyTypes"] = {"Ingress", "Egress"};
  }
  for (const bool ingress : {true, false}) {
    if (random.one_in(3)) continue;
    Json rules = Json::array();
    for (std::uint32_t n = random.below(3); n > 0; --n) {
      Json one = Json::object();
      if (!random.one_in(4)) {
        one[ingress ? "from" : "to"] = Json::array({network_peer(random, agent)});
        if (random.one_in(2)) one[ingress ? "from" : "to"].push_back(network_peer(random, agent));
      }
      if (!random.one_in(3)) {
        one["ports"] = Json::array({network_port(random)});
        if (random.one_in(2)) one["ports"].push_back(network_port(random));
      }
      rules.push_back(std::move(one));
    }
    body[ingress ? "ingress" : "egress"] = std::move(rules);
  }
  return out;
}

// ---- ClusterNetworkPolicy ------------------------------------------------------------------------------

Json pods_of_namespaces(Random& random) {
  Json out{{"podSelector", plain_selector(random, false)}};
  if (random.one_in(2)) out["namespaceSelector"] = plain_selector(random, true);
  return out;
}

Json tiered_protocol(Random& random, bool names) {
  if (names && random.one_in(4)) return {{"destinationNamedPort", random.text({"http", "dns", "metrics"})}};
  Range range = random_range(random);
  if (range.first == 0) range = {80, 80};
  Json number = range.first < range.last ? Json{{"range", {{"start", range.first}, {"end", range.last}}}} : Json{{"number", range.first}};
  return {{random.text({"tcp", "tcp", "udp", "sctp"}), {{"destinationPort", std::move(number)}}}};
}

Json tiered_rule(Random& random, const Agent& agent, bool ingress) {
  Json out{{"action", random.text({"Accept", "Accept", "Deny", "Pass"})}};
  Json peers = Json::array();
  bool pods_only = true;
  for (std::uint32_t n = 1 + random.below(2); n > 0; --n) {
    const std::uint32_t kind = random.below(ingress ? 4 : 7);
    pods_only &= kind < 4;
    if (kind < 2) peers.push_back({{"namespaces", plain_selector(random, true)}});
    else if (kind < 4) peers.push_back({{"pods", pods_of_namespaces(random)}});
    else if (kind == 4) peers.push_back({{"networks", {random_prefix(random, agent)}}});
    else if (kind == 5 && agent.node_selectors) peers.push_back({{"nodes", plain_selector(random, false)}});
    else if (out["action"] == "Accept") peers.push_back({{"domainNames", {random.text({"api.example.com", "*.example.com"})}}});
    else peers.push_back({{"networks", {random_prefix(random, agent)}}});
  }
  out[ingress ? "from" : "to"] = std::move(peers);
  if (!random.one_in(3)) {
    out["protocols"] = Json::array({tiered_protocol(random, pods_only)});
    if (random.one_in(3)) out["protocols"].push_back(tiered_protocol(random, pods_only));
  }
  return out;
}

Json cluster_network_policy(Random& random, const Agent& agent, const std::string& name) {
  Json out = object("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", name, "");
  Json& body = out["spec"];
  body["tier"] = random.text({"Admin", "Baseline"});
  body["priority"] = random.of({0, 1, 1, 1000});
  if (random.one_in(2)) body["subject"]["namespaces"] = plain_selector(random, true);
  else body["subject"]["pods"] = pods_of_namespaces(random);
  for (const bool ingress : {true, false}) {
    if (random.one_in(4)) continue;
    Json rules = Json::array();
    for (std::uint32_t n = 1 + random.below(3); n > 0; --n) rules.push_back(tiered_rule(random, agent, ingress));
    body[ingress ? "ingress" : "egress"] = std::move(rules);
  }
  return out;
}

Json cidr_group(Random& random, const Agent& agent, const char* name) {
  Json out = object("cilium.io/v2", "CiliumCIDRGroup", name, "");
  if (random.one_in(2)) out["metadata"]["labels"] = {{"kind", random.text({"partner", "own"})}};
  out["spec"]["externalCIDRs"] = Json::array({random_prefix(random, agent)});
  if (random.one_in(2)) out["spec"]["externalCIDRs"].push_back(random_prefix(random, agent));
  return out;
}

}  // namespace

std::vector<Json> random_policies(Random& random, const Agent& agent) {
  std::vector<Json> out;
  for (const char* group : {"near", "far"})
    if (random.one_in(2)) out.push_back(cidr_group(random, agent, group));
  // Tiers and priorities say something only where several of them meet.
  for (std::uint32_t n = 1 + random.below(agent.cluster_policies ? 7 : 5); n > 0; --n) {
    const std::string name = "policy-" + std::to_string(n);
    if (agent.cluster_policies && !random.one_in(3)) out.push_back(cluster_network_policy(random, agent, name));
    else if (random.one_in(4)) out.push_back(network_policy(random, agent, name));
    else out.push_back(cilium_policy(random, agent, name));
  }
  return out;
}

}  // namespace netpolc::agreement
