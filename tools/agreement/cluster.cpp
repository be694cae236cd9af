#include <algorithm>

#include "tools/agreement/parts.h"

namespace netpolc::agreement {
namespace {

using nlohmann::json;

// Labels of every kind that matters: what selectors ask for, what the identity filter removes, and the keys that
// mean something to Cilium whatever policies say.
json pod_labels(Random& random) {
  json out = json::object();
  if (!random.one_in(8)) out["app"] = random.text({"web", "db", "api"});
  if (random.one_in(2)) out["tier"] = random.text({"one", "two"});
  if (random.one_in(3)) out["app.kubernetes.io/name"] = random.text({"web", "db"});
  if (random.one_in(6)) out["pod-template-hash"] = "x1";
  if (random.one_in(8)) out["k8s-app"] = "kube-dns";
  if (random.one_in(40)) out[random.text({"host", "init"})] = "x";
  return out;
}

json named_ports(Random& random) {
  json out = json::array();
  if (random.one_in(2)) out.push_back({{"name", "http"}, {"port", random.of({80, 8080, 8080, 85})}, {"protocol", "TCP"}});
  if (random.one_in(3)) out.push_back({{"name", "dns"}, {"port", 53}, {"protocol", "UDP"}});
  if (random.one_in(4)) out.push_back({{"name", "metrics"}, {"port", random.of({9090, 443})}, {"protocol", random.text({"TCP", "SCTP"})}});
  return out;
}

json pods(Random& random, const json& namespaces, json& identity_labels) {
  json out = json::array();
  const int local = 3 + static_cast<int>(random.below(2)), all = local + random.one_in(3);
  for (int n = 0; n < all; ++n) {
    const json& ns = namespaces[random.one_in(3) ? 1 : 0];
    const std::string space = ns.at("name"), name = space + "/p" + std::to_string(n);
    json pod = {{"name", name}, {"namespace", space}, {"labels", pod_labels(random)}, {"serviceAccount", random.text({"default", "robot"})},
                {"namedPorts", named_ports(random)}, {"ipv4", "10.0.0." + std::to_string(10 + n)}};
    if (n >= local) {
      pod["cluster"] = "other";
      json labels = {"k8s:io.cilium.k8s.policy.cluster=other", "k8s:io.cilium.k8s.policy.serviceaccount=default", "k8s:io.kubernetes.pod.namespace=" + space};
      for (const auto& [key, value] : ns.at("labels").items()) labels.push_back("k8s:io.cilium.k8s.namespace.labels." + key + "=" + value.get<std::string>());
      for (const auto& [key, value] : pod.at("labels").items())
        if (key == "app" || key == "tier") labels.push_back("k8s:" + key + "=" + value.get<std::string>());
      std::sort(labels.begin(), labels.end());
      identity_labels[name] = labels;
    }
    out.push_back(std::move(pod));
  }
  return out;
}

json peers(Random& random, const Agent& agent) {
  json out = json::array();
  for (const char* reserved : {"host", "remote-node", "kube-apiserver", "health", "ingress", "init", "unmanaged"})
    if (random.one_in(3)) out.push_back({{"name", reserved}, {"reserved", reserved}});
  if (agent.host_firewall && std::none_of(out.begin(), out.end(), [](const json& peer) { return peer.at("name") == "host"; }))
    out.push_back({{"name", "host"}, {"reserved", "host"}});
  const auto outside = [&](const char* address) {
    if (random.one_in(2)) out.push_back({{"name", address}, {"ip", address}});
  };
  if (agent.ipv4)
    for (const char* address : {"192.0.2.10", "192.0.2.130", "198.51.100.7", "10.9.1.1", "203.0.113.5"}) outside(address);
  if (agent.ipv6)
    for (const char* address : {"2001:db8::1", "2001:db8:1::5", "2001:db9::1"}) outside(address);
  if (agent.ipv4 && random.one_in(4)) out.push_back({{"name", "apiserver"}, {"ip", "198.18.0.1"}, {"kubeAPIServer", true}});
  for (int n = 2; n < 4; ++n)
    if (agent.ipv4 && random.one_in(agent.node_selectors ? 2 : 4)) {
      json labels = {{"zone", random.text({"east", "west"})}};
      if (random.one_in(2)) labels["role"] = "infra";
      out.push_back({{"name", "node-" + std::to_string(n)},
                     {"node", {{"ip", "172.16.0." + std::to_string(n)}, {"labels", labels}, {"kubeAPIServer", random.one_in(6)}}}});
    }
  return out;
}

json services(Random& random) {
  json out = json::array();
  if (random.one_in(2)) out.push_back({{"name", "front"}, {"namespace", "a"}, {"labels", {{"tier", "one"}}}, {"selector", {{random.text({"app", "app", "app.kubernetes.io/name"}), "web"}}}});
  if (random.one_in(2)) out.push_back({{"name", "outside"}, {"namespace", "b"}, {"labels", {{"tier", "two"}}}, {"endpoints", {"192.0.2.130", "198.51.100.7"}}});
  return out;
}

json names(Random& random, const Agent& agent) {
  json out = json::object();
  if (agent.ipv4 && random.one_in(2)) out["api.example.com"] = {"203.0.113.5"};
  if (agent.ipv4 && random.one_in(2)) out["www.example.com"] = {"198.51.100.7"};
  if (agent.ipv4 && random.one_in(3)) out["a.www.example.com"] = {"192.0.2.10"};
  if (agent.ipv6 && random.one_in(3)) out["six.example.org"] = {"2001:db9::1"};
  return out;
}

// What the vectors' form of a configuration has no word for is the agent's own option.
json configuration(Random& random, const Agent& agent) {
  json options = json::object();
  if (agent.extended_protocols) options["enable-extended-ip-protocols"] = "true";
  if (agent.cluster_policies) options["enable-k8s-cluster-network-policy"] = "true";
  if (random.one_in(8)) options["enable-non-default-deny-policies"] = "false";
  if (random.one_in(6)) options["routing-mode"] = "native";
  else if (random.one_in(4)) options["tunnel-port"] = "53";
  if (random.one_in(12)) options["labels"] = "k8s:app k8s:io.kubernetes.pod.namespace k8s:io.cilium.k8s";
  json out = {{"ipv4", agent.ipv4}, {"ipv6", agent.ipv6}, {"hostFirewall", agent.host_firewall}, {"nodeSelectorLabels", agent.node_selectors}, {"options", options}};
  if (random.one_in(8)) out["enforcement"] = "always";
  else if (random.one_in(24)) out["enforcement"] = "never";
  if (random.one_in(6)) out["allowLocalhost"] = "policy";
  if (random.one_in(4)) out["policyCIDRMatchMode"] = {"nodes"};
  if (random.one_in(3)) out["policyDefaultLocalCluster"] = true;
  if (random.one_in(6)) out["clusterName"] = "mine";
  return out;
}

// Everyone may meet everyone: verdicts are what others say.
void let_all_meet(json& data) {
  json all = json::array();
  for (const char* list : {"endpoints", "peers"})
    for (const json& one : data.at(list)) all.push_back(one.at("name"));
  data["dst"] = all;
  data["table"] = {"//"};
  for (const json& name : all) data["matrix"][name.get<std::string>()] = std::vector<int>(all.size(), 0);
}

}  // namespace

Agent random_agent(Random& random) {
  Agent out;
  out.version = 16 + static_cast<int>(random.below(5));
  if (random.one_in(4)) (random.one_in(3) ? out.ipv4 : out.ipv6) = false;
  out.node_selectors = random.one_in(3);
  out.host_firewall = random.one_in(4);
  out.extended_protocols = out.version >= 19 && random.one_in(3);
  out.cluster_policies = out.version >= 20 && !random.one_in(4);
  return out;
}

nlohmann::json random_cluster(Random& random, const Agent& agent) {
  json namespaces = json::array();
  namespaces.push_back({{"name", "a"}, {"labels", {{"kubernetes.io/metadata.name", "a"}, {"team", "red"}}}});
  namespaces.push_back({{"name", "b"}, {"labels", {{"kubernetes.io/metadata.name", "b"}}}});
  if (random.one_in(2)) namespaces[1]["labels"]["team"] = "blue";
  json data;
  data["config"] = configuration(random, agent);
  data["namespaces"] = namespaces;
  data["identityLabels"] = json::object();
  data["endpoints"] = pods(random, namespaces, data["identityLabels"]);
  data["peers"] = peers(random, agent);
  if (agent.host_firewall) data["hostEndpoint"] = {{"name", "host"}, {"labels", {{"role", random.text({"infra", "worker"})}}}};
  data["services"] = services(random);
  data["fqdnIPs"] = names(random, agent);
  let_all_meet(data);
  return data;
}

PolicySetting random_setting(std::uint64_t seed) {
  Random random(seed);
  const Agent agent = random_agent(random);
  PolicySetting out;
  out.cluster.name = "seed " + std::to_string(seed);
  out.cluster.cilium_version = agent.version;
  out.cluster.data = random_cluster(random, agent);
  out.policies = random_policies(random, agent);
  return out;
}

}  // namespace netpolc::agreement
