#include "codegen-bpf/manifest.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "codegen-bpf/policed.h"
#include "codegen-bpf/room.h"
#include "codegen-bpf/selectors.h"

namespace netpolc::codegen_bpf {
namespace {

using Json = nlohmann::ordered_json;

std::string hex64(std::uint64_t number) {
  char text[19];
  std::snprintf(text, sizeof text, "0x%016llx", static_cast<unsigned long long>(number));
  return text;
}

// Addresses of one family, as an array.
Json addresses(const std::vector<IpAddress>& all, bool v6) {
  std::set<IpAddress> sorted(all.begin(), all.end());
  Json out = Json::array();
  for (const IpAddress& address : sorted)
    if (address.v6 == v6) out.push_back(address.to_string());
  return out;
}

// null for a rule that no policy has (default allow).
Json rule(const BundleInput& in, ir::RuleRef ref) {
  if (ref.policy >= in.policies.policies.size()) return nullptr;
  const ir::Policy& policy = in.policies.policies[ref.policy];
  Json out = {{"kind", ir::to_string(policy.kind)}, {"namespace", policy.ns}, {"name", policy.name}};
  out["rule"] = ref.rule < policy.rules.size() ? policy.rules[ref.rule].path : "";
  const RulePlace place = in.options.place ? in.options.place(ref) : RulePlace{};
  out["file"] = place.file;
  out["line"] = place.line;
  out["column"] = place.column;
  return out;
}

Json rules(const BundleInput& in, const std::vector<ir::RuleRef>& refs) {
  Json out = Json::array();
  for (const ir::RuleRef ref : refs) out.push_back(rule(in, ref));
  return out;
}

Json peers(const ir::DirectionTable& table) {
  Json out = Json::array();
  for (const auto& [identity, values] : peer_rows(table)) {
    Json text = Json::array();
    for (const std::uint64_t value : values) text.push_back(hex64(value));
    out.push_back({{"identity", identity}, {"words", std::move(text)}});
  }
  return out;
}

std::string endpoint_name(const BundleInput& in, std::uint32_t decided) {
  const ir::DecidedEndpoint& d = in.decisions.endpoints[decided];
  if (d.is_host) return in.cluster.nodes[d.endpoint].name;
  const ir::Endpoint& endpoint = in.cluster.endpoints[d.endpoint];
  return endpoint.ns + "/" + endpoint.name;
}

Json program(const BundleInput& in, const Program& p, SelectorTable& selectors) {
  const ir::DecisionTable& table = in.decisions.tables[p.table];
  Json names = Json::array();
  for (const std::uint32_t decided : p.endpoints) names.push_back(endpoint_name(in, decided));
  static constexpr const char* states[] = {"none", "default-allow", "default-deny"};
  const std::string stem = "programs/" + p.digest;
  return {{"digest", p.digest},
          {"tag", hex64(p.emitted.tag)},
          {"object", stem + ".o"},
          {"source", stem + ".c"},
          {"sourceMap", stem + ".map.json"},
          {"instructions", p.object.instructions.total()},
          {"enforcement", {{"ingress", states[static_cast<int>(table.ingress.enforcement)]}, {"egress", states[static_cast<int>(table.egress.enforcement)]}}},
          {"words", {{"ingress", p.emitted.ingress_words}, {"egress", p.emitted.egress_words}}},
          {"ruleCount", {{"ingress", table.ingress.rules.size()}, {"egress", table.egress.rules.size()}}},
          {"ruleTexts", {{"ingress", table.ingress.rule_texts}, {"egress", table.egress.rule_texts}}},
          {p.subject == Subject::Node ? "nodes" : "endpoints", std::move(names)},
          {"selectors", {{"ingress", selectors.numbers(table.ingress)}, {"egress", selectors.numbers(table.egress)}}},
          {"peers", {{"ingress", peers(table.ingress)}, {"egress", peers(table.egress)}}}};
}

Json endpoint(const BundleInput& in, std::uint32_t decided, const std::string& digest) {
  const ir::DecidedEndpoint& d = in.decisions.endpoints[decided];
  const ir::Endpoint& e = in.cluster.endpoints[d.endpoint];
  Json pods = Json::array();
  std::vector<IpAddress> all;
  for (const ir::Pod& pod : e.pods) {
    all.insert(all.end(), pod.addresses.begin(), pod.addresses.end());
    pods.push_back({{"name", pod.name}, {"node", pod.node}, {"ipv4", addresses(pod.addresses, false)}, {"ipv6", addresses(pod.addresses, true)}});
  }
  return {{"name", e.name}, {"namespace", e.ns}, {"kind", e.kind}, {"identity", in.identities.of_endpoint(d.endpoint)},
          {"program", digest}, {"ipv4", addresses(all, false)}, {"ipv6", addresses(all, true)}, {"pods", std::move(pods)},
          {"rules", {{"ingress", rules(in, d.ingress_rules)}, {"egress", rules(in, d.egress_rules)}}}};
}

// A node as an endpoint, where the host firewall is on.
Json host(const BundleInput& in, std::uint32_t decided, const std::string& digest) {
  const ir::DecidedEndpoint& d = in.decisions.endpoints[decided];
  return {{"node", in.cluster.nodes[d.endpoint].name}, {"program", digest}, {"rules", {{"ingress", rules(in, d.ingress_rules)}, {"egress", rules(in, d.egress_rules)}}}};
}

Json label_texts(const ir::LabelSet& labels) {
  Json out = Json::array();
  for (const ir::Label& label : labels) out.push_back(label.to_string());
  return out;
}

// Each with what identity 1 is there, where that is more than what it is on all nodes with pods.
Json nodes(const BundleInput& in) {
  const ir::LabelSet& everywhere = in.identities.find(1)->labels;
  Json out = Json::array();
  for (std::size_t i = 0; i < in.cluster.nodes.size(); ++i) {
    const ir::Node& node = in.cluster.nodes[i];
    Json texts = Json::array();
    for (const IpAddress& address : std::set<IpAddress>(node.addresses.begin(), node.addresses.end())) texts.push_back(address.to_string());
    Json& added = out.emplace_back(Json{{"name", node.name}, {"addresses", std::move(texts)}, {"identity", in.identities.of_node(i)}});
    if (const ir::LabelSet& host = in.identities.as_host(i); !node.remote_cluster && host != everywhere) added["host"] = label_texts(host);
  }
  return out;
}

// From 1.20 on they tell identities apart.
Json named_ports(const std::vector<ir::NamedPort>& ports) {
  Json out = Json::array();
  for (const ir::NamedPort& port : ports) {
    const char* protocol = port.protocol == ir::Protocol::Udp ? "UDP" : port.protocol == ir::Protocol::Sctp ? "SCTP" : "TCP";
    out.push_back(Json::array({port.name, protocol, port.port}));
  }
  return out;
}

Json identities(const BundleInput& in) {
  Json out = Json::array();
  for (const ir::Identity& identity : in.identities.all()) {
    out.push_back({{"id", identity.id}, {"labels", label_texts(identity.labels)}});
    if (!identity.named_ports.empty()) out.back()["namedPorts"] = named_ports(identity.named_ports);
  }
  return out;
}

// The whole ipcache: what the identities know, and pods' addresses.
Json ipcache(const BundleInput& in) {
  std::map<IpPrefix, std::uint32_t> all;
  for (const ir::AddressIdentity& entry : in.identities.addresses()) all[entry.prefix] = entry.identity;
  for (std::size_t i = 0; i < in.cluster.endpoints.size(); ++i) {
    if (in.cluster.endpoints[i].host_network) continue;
    for (const ir::Pod& pod : in.cluster.endpoints[i].pods)
      for (const IpAddress& address : pod.addresses) all.try_emplace(IpPrefix::host(address), in.identities.of_endpoint(i));
  }
  Json out = Json::array();
  for (const auto& [prefix, identity] : all) out.push_back({{"prefix", prefix.to_string()}, {"identity", identity}});
  return out;
}

Json policed_json(const ir::PolicySet& policies) {
  const Policed all = policed(policies);
  Json out = {{"namespaces", all.namespaces}, {"everywhere", all.everywhere}};
  if (!all.except.empty()) out["except"] = all.except;
  return out;
}

Json config(const ir::Config& config) {
  const bool dual = config.ipv4 && config.ipv6;  // semantics 3.3
  return {{"world4", !config.ipv4 ? 0 : dual ? 9 : 2}, {"world6", !config.ipv6 ? 0 : dual ? 10 : 2},
          {"ciliumVersion", config.version}, {"cidrMatchesNodes", config.cidr_matches_nodes},
          {"tunnelPort", config.tunnel_port}};
}

// Of what decides and where it is decided alike; two bundles with the same differ in what a running
// node can be told: who has which address.
std::string policy_digest(const Json& bundle) {
  Json what = Json::array({bundle["config"], bundle["selectors"]});
  for (const Json& program : bundle["programs"]) what.push_back({program["digest"], program["selectors"]});
  return sha256_hex(what.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string live_digest(const Json& bundle) {
  Json what = Json::array({bundle["nodes"], bundle["identities"], bundle["addresses"]});
  for (const Json& endpoint : bundle["endpoints"])
    what.push_back({endpoint["namespace"], endpoint["name"], endpoint["kind"], endpoint["identity"], endpoint["program"], endpoint["pods"]});
  if (bundle.contains("hosts"))
    for (const Json& host : bundle["hosts"]) what.push_back({host["node"], host["program"]});
  return sha256_hex(what.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

Manifest manifest(const BundleInput& in, const std::vector<Program>& programs, const std::map<std::string, std::string>& files) {
  std::map<std::uint32_t, const Program*> program_of;
  Json listed = Json::array(), endpoints = Json::array(), hosts = Json::array(), digests = Json::object();
  SelectorTable selectors;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const Program& p = programs[i];
    listed.push_back(program(in, p, selectors));
    if (!in.outside.by_program[i].empty()) listed.back()["outside"] = to_json(in.outside.by_program[i]);
    for (const std::uint32_t decided : p.endpoints) program_of[decided] = &p;
  }
  for (const auto& [decided, p] : program_of) {
    if (p->subject == Subject::Node) hosts.push_back(host(in, decided, p->digest));
    else endpoints.push_back(endpoint(in, decided, p->digest));
  }
  for (const auto& [path, digest] : files) digests[path] = digest;

  Json out = {{"apiVersion", "netpolc.dev/v1"}, {"kind", "Bundle"}, {"digest", ""}};
  if (!in.options.generator.empty()) out["generator"] = in.options.generator;
  out["policyDigest"] = out["liveDigest"] = "";
  out["config"] = config(in.cluster.config);
  out["programs"] = std::move(listed);
  out["selectors"] = selectors.all();
  out["endpoints"] = std::move(endpoints);
  if (!hosts.empty()) out["hosts"] = std::move(hosts);
  out["nodes"] = nodes(in);
  out["identities"] = identities(in);
  out["addresses"] = ipcache(in);
  out["policed"] = policed_json(in.policies);
  if (in.outside.worth_it()) out["xdp"] = xdp_json(in.outside);
  out["files"] = std::move(digests);
  out["policyDigest"] = policy_digest(out);
  out["liveDigest"] = live_digest(out);
  return seal(out);
}

Manifest seal(ManifestJson& bundle) {
  bundle["digest"] = "";
  const auto dump = [&] { return bundle.dump(1, ' ', false, Json::error_handler_t::replace) + "\n"; };
  const std::string digest = sha256_hex(dump());
  bundle["digest"] = digest;
  return {dump(), digest};
}

std::string source_map(const BundleInput& in, const Program& p) {
  Json lines = Json::array();
  for (const LineOrigin& origin : p.emitted.source_map) {
    const bool ingress = origin.direction == ir::Direction::Ingress;
    std::set<ir::RuleRef> refs;
    for (const std::uint32_t decided : p.endpoints) {
      const auto& own = ingress ? in.decisions.endpoints[decided].ingress_rules : in.decisions.endpoints[decided].egress_rules;
      if (origin.rule < own.size()) refs.insert(own[origin.rule]);
    }
    Json places = Json::array();
    for (const ir::RuleRef ref : refs)
      if (Json place = rule(in, ref); !place.is_null()) places.push_back(std::move(place));
    lines.push_back({{"line", origin.line}, {"direction", ingress ? "ingress" : "egress"}, {"rule", origin.rule}, {"places", std::move(places)}});
  }
  return Json{{"source", p.digest + ".c"}, {"lines", std::move(lines)}}.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace netpolc::codegen_bpf
