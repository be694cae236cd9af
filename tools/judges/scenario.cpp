#include "tools/judges/scenario.h"

#include <fstream>
#include <sstream>

namespace netpolc::judges {
namespace {

using nlohmann::json;

std::string flag(const json& config, const char* key, bool fallback) {
  return config.value(key, fallback) ? "true" : "false";
}

json configuration(const json& config) {
  std::string modes;
  for (const auto& mode : config.value("policyCIDRMatchMode", json::array())) modes += (modes.empty() ? "" : ",") + mode.get<std::string>();
  json out = {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", "cilium-config"}, {"namespace", "kube-system"}}},
          {"data",
           {{"cluster-name", config.value("clusterName", "default")},
            {"enable-policy", config.value("enforcement", "default")},
            {"enable-ipv4", flag(config, "ipv4", true)},
            {"enable-ipv6", flag(config, "ipv6", true)},
            {"policy-default-local-cluster", flag(config, "policyDefaultLocalCluster", false)},
            {"enable-node-selector-labels", flag(config, "nodeSelectorLabels", false)},
            {"enable-sctp", "true"},
            {"enable-host-firewall", flag(config, "hostFirewall", false)},
            {"allow-localhost", config.value("allowLocalhost", "auto")},
            {"policy-cidr-match-mode", modes}}}};
  // What the vectors have no word for, by the agent's own names.
  out["data"].update(config.value("options", json::object()));
  return out;
}

json named_ports(const json& endpoint, const char* number) {
  json out = json::array();
  for (const auto& port : endpoint.value("namedPorts", json::array()))
    out.push_back({{"name", port.at("name")}, {number, port.at("port")}, {"protocol", port.value("protocol", "TCP")}});
  return out;
}

// A pod of another cluster of the mesh is known by its identity and endpoint objects.
void add_remote_pod(const Scenario& scenario, const json& endpoint, std::size_t n, json& items) {
  const auto name = endpoint.at("name").get<std::string>();
  const auto short_name = name.substr(name.find('/') + 1);
  const auto id = (2u << 16) + 1000 + n;
  json labels = json::object(), texts = json::array();
  for (const auto& label : scenario.data.at("identityLabels").at(name)) {
    const auto text = label.get<std::string>();
    const auto equals = text.find('=');
    labels[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
    texts.push_back(text);
  }
  items.push_back({{"apiVersion", "cilium.io/v2"}, {"kind", "CiliumIdentity"}, {"metadata", {{"name", std::to_string(id)}}}, {"security-labels", labels}});
  items.push_back({{"apiVersion", "cilium.io/v2"},
                   {"kind", "CiliumEndpoint"},
                   {"metadata", {{"name", short_name}, {"namespace", endpoint.at("namespace")}}},
                   {"status",
                    {{"identity", {{"id", id}, {"labels", texts}}},
                     {"named-ports", named_ports(endpoint, "port")},
                     {"networking", {{"addressing", json::array({{{"ipv4", endpoint.at("ipv4")}}})}}}}}});
}

json pod(const json& endpoint) {
  const auto name = endpoint.at("name").get<std::string>();
  json ips = json::array();
  for (const char* family : {"ipv4", "ipv6"})
    if (endpoint.contains(family)) ips.push_back({{"ip", endpoint.at(family)}});
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", name.substr(name.find('/') + 1)}, {"namespace", endpoint.at("namespace")}, {"labels", endpoint.value("labels", json::object())}}},
          {"spec",
           {{"serviceAccountName", endpoint.value("serviceAccount", "default")},
            {"nodeName", "node-1"},
            {"containers", json::array({{{"name", "c"}, {"image", "example/c"}, {"ports", named_ports(endpoint, "containerPort")}}})}}},
          {"status", {{"phase", "Running"}, {"podIPs", ips}}}};
}

void add_slices(const std::string& service, const std::string& ns, const json& addresses, json& items) {
  for (const char* family : {"IPv4", "IPv6"}) {
    json mine = json::array();
    for (const auto& address : addresses)
      if ((address.get<std::string>().find(':') != std::string::npos) == (std::string(family) == "IPv6")) mine.push_back(address);
    if (mine.empty()) continue;
    items.push_back({{"apiVersion", "discovery.k8s.io/v1"},
                     {"kind", "EndpointSlice"},
                     {"addressType", family},
                     {"metadata", {{"name", service + "-" + family}, {"namespace", ns}, {"labels", {{"kubernetes.io/service-name", service}}}}},
                     {"endpoints", json::array({{{"addresses", mine}, {"conditions", {{"ready", true}}}}})},
                     {"ports", json::array({{{"port", 80}, {"protocol", "TCP"}}})}});
  }
}

void add_service(const json& service, std::size_t n, json& items) {
  json object = {{"apiVersion", "v1"},
                 {"kind", "Service"},
                 {"metadata", {{"name", service.at("name")}, {"namespace", service.at("namespace")}, {"labels", service.value("labels", json::object())}}},
                 {"spec", {{"clusterIP", "10.96.0." + std::to_string(10 + n)}, {"ports", json::array({{{"port", 80}, {"protocol", "TCP"}}})}}}};
  if (!service.value("selector", json::object()).empty()) object["spec"]["selector"] = service.at("selector");
  items.push_back(object);
  add_slices(service.at("name"), service.at("namespace"), service.value("endpoints", json::array()), items);
}

json node(const std::string& name, json labels, const std::string& address) {
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata", {{"name", name}, {"labels", std::move(labels)}}},
          {"status", {{"addresses", json::array({{{"type", "InternalIP"}, {"address", address}}})}}}};
}

void add_nodes(const json& data, json& items) {
  json labels = {{"kubernetes.io/hostname", "node-1"}};
  if (data.contains("hostEndpoint") && !data.at("hostEndpoint").is_null()) labels.update(data.at("hostEndpoint").value("labels", json::object()));
  items.push_back(node("node-1", labels, "192.168.0.1"));
  json servers = json::array();
  for (const auto& peer : data.value("peers", json::array())) {
    if (peer.value("kubeAPIServer", false)) servers.push_back(peer.at("ip"));
    if (!peer.contains("node")) continue;
    const auto& n = peer.at("node");
    items.push_back(node("peer-" + peer.at("name").get<std::string>(), n.value("labels", json::object()), n.at("ip")));
    if (n.value("kubeAPIServer", false)) servers.push_back(n.at("ip"));
  }
  add_slices("kubernetes", "default", servers, items);
}

}  // namespace

std::vector<Scenario> read_scenarios(const std::string& path) {
  std::ifstream file(path);
  const auto document = json::parse(file);
  std::vector<Scenario> out;
  if (!document.contains("format") || !document.contains("scenarios")) return out;
  const bool newer = document.at("engine").get<std::string>().starts_with("Cilium 1.20");
  for (const auto& data : document.at("scenarios")) {
    Scenario s{.name = data.at("name").get<std::string>() + (newer ? " (1.20)" : ""), .cilium_version = newer ? 20 : 18, .data = data, .probes = {}, .policies = data.at("policies").get<std::vector<std::string>>()};
    for (const auto& probe : data.at("probes")) s.probes.push_back({probe.at(0), probe.at(1)});
    out.push_back(std::move(s));
  }
  return out;
}

std::string manifests(const Scenario& scenario) {
  const auto& data = scenario.data;
  json items = json::array({configuration(data.value("config", json::object()))});
  for (const auto& ns : data.at("namespaces"))
    items.push_back({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns.at("name")}, {"labels", ns.value("labels", json::object())}}}});
  std::size_t n = 0;
  for (const auto& endpoint : data.at("endpoints")) {
    if (endpoint.contains("cluster") && !endpoint.at("cluster").get<std::string>().empty())
      add_remote_pod(scenario, endpoint, n, items);
    else
      items.push_back(pod(endpoint));
    ++n;
  }
  n = 0;
  for (const auto& service : data.value("services", json::array())) add_service(service, n++, items);
  add_nodes(data, items);
  return json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", items}}.dump();
}

std::string reference(const Scenario& scenario, const std::string& name) {
  for (const auto& endpoint : scenario.data.at("endpoints"))
    if (endpoint.at("name") == name) return name;
  for (const auto& peer : scenario.data.value("peers", json::array())) {
    if (peer.at("name") != name) continue;
    if (peer.contains("reserved")) return "entity:" + peer.at("reserved").get<std::string>();
    return "ip:" + (peer.contains("node") ? peer.at("node") : peer).at("ip").get<std::string>();
  }
  return "entity:" + name;  // the host endpoint
}

std::vector<Cell> cells(const Scenario& scenario) {
  std::vector<Cell> out;
  const auto& table = scenario.data.at("table");
  const auto& columns = scenario.data.at("dst");
  for (const auto& [source, row] : scenario.data.at("matrix").items()) {
    for (std::size_t d = 0; d < row.size(); ++d) {
      const int index = row[d];
      if (index < 0) continue;
      std::istringstream parts(table.at(static_cast<std::size_t>(index)).get<std::string>());
      Cell cell{.source = source, .destination = columns[d], .egress = {}, .ingress = {}, .overall = {}};
      std::getline(parts, cell.egress, '/');
      std::getline(parts, cell.ingress, '/');
      std::getline(parts, cell.overall, '/');
      out.push_back(std::move(cell));
    }
  }
  return out;
}

}  // namespace netpolc::judges
