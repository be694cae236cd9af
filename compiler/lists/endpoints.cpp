#include "compiler/lists/endpoints.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "compiler/lint/policy_maps.h"
#include "compiler/lists/table.h"
#include "verify/judge.h"

namespace netpolc::compiler::lists {
namespace {

using nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + text;
  return out;
}

std::string to_string(const ir::NamedPort& port) { return port.name + "=" + std::to_string(port.port) + "/" + ir::to_string(port.protocol); }

// What policies an endpoint is under, and what they cost. Endpoints under the same ones need as many entries.
class Costs {
 public:
  explicit Costs(const Session& session)
      : places_(session.sources), facts_(session.loaded.policies, session.loaded.cluster, session.resolutions, places_), maps_(facts_), most_(maps_.most()) {
    for (std::size_t position = 0; position < facts_.identities(); ++position)
      for (const std::uint32_t endpoint : facts_.endpoints_at(position)) positions_[endpoint] = position;
  }

  std::size_t policies(std::uint32_t endpoint) const {
    std::set<std::tuple<ir::PolicyKind, std::string, std::string>> names;  // several specs may be of one object
    for (const std::uint32_t p : specs(endpoint)) names.emplace(facts_.policies()[p].kind, facts_.policies()[p].ns, facts_.policies()[p].name);
    return names.size();
  }

  std::size_t entries(std::uint32_t endpoint) {
    const auto found = positions_.find(endpoint);
    if (found == positions_.end()) return 0;
    const auto [known, fresh] = entries_.try_emplace(specs(endpoint), 0);
    std::vector<std::pair<std::size_t, ir::RuleRef>> added;
    if (fresh) known->second = maps_.entries(found->second, added);
    return known->second;
  }

  bool is_over_budget(std::uint32_t endpoint) {
    const auto found = positions_.find(endpoint);
    const std::size_t limit = facts_.cluster().config.policy_map_max;
    return found != positions_.end() && most_[found->second] > limit && entries(endpoint) > limit;
  }

 private:
  std::vector<std::uint32_t> specs(std::uint32_t endpoint) const {
    std::vector<std::uint32_t> out;
    const auto found = positions_.find(endpoint);
    for (std::uint32_t p = 0; p < facts_.policies().size() && found != positions_.end(); ++p)
      if (facts_.subjects(p).test(found->second)) out.push_back(p);
    return out;
  }

  lint::Places places_;
  const lint::Facts facts_;
  const lint::PolicyMaps maps_;
  const std::vector<std::size_t> most_;
  std::map<std::uint32_t, std::size_t> positions_;                   // of endpoints, among identities
  std::map<std::vector<std::uint32_t>, std::size_t> entries_;  // by specs
};

std::string enforced(ir::Enforcement enforcement) { return enforcement == ir::Enforcement::None ? "Disabled" : "Enabled"; }

// What the manifests say of it.
EndpointRow described(const ir::Endpoint& endpoint) {
  EndpointRow row;
  row.name = endpoint.ns + "/" + endpoint.name;
  row.workload = endpoint.kind;
  row.named_ports = endpoint.named_ports;
  row.pods = endpoint.pods;
  for (const ir::Label& label : endpoint.labels) row.labels.push_back(label.to_string());
  std::set<std::string> nodes;
  for (const ir::Pod& pod : endpoint.pods) {
    if (!pod.node.empty()) nodes.insert(pod.node);
    for (const IpAddress& address : pod.addresses) (address.v6 ? row.ipv6 : row.ipv4).push_back(address.to_string());
  }
  row.nodes.assign(nodes.begin(), nodes.end());
  return row;
}

std::vector<std::string> port_texts(const EndpointRow& row) {
  std::vector<std::string> out;
  for (const ir::NamedPort& port : row.named_ports) out.push_back(to_string(port));
  return out;
}

ordered_json ports_json(const EndpointRow& row) {
  auto out = ordered_json::array();
  for (const ir::NamedPort& port : row.named_ports) out.push_back({{"name", port.name}, {"port", port.port}, {"protocol", ir::to_string(port.protocol)}});
  return out;
}

ordered_json pods_json(const EndpointRow& row) {
  auto out = ordered_json::array();
  for (const ir::Pod& pod : row.pods) {
    auto addresses = ordered_json::array();
    for (const IpAddress& address : pod.addresses) addresses.push_back(address.to_string());
    out.push_back({{"name", pod.name}, {"node", pod.node}, {"addresses", std::move(addresses)}});
  }
  return out;
}

}  // namespace

const char* to_string(Status status) {
  switch (status) {
    case Status::Ready: return "ready";
    case Status::OverBudget: return "over-budget";
    case Status::NotReady: return "not-ready";
  }
  return "";
}

std::vector<EndpointRow> endpoint_rows(const Session& session, const ir::Identities& identities, const std::vector<std::uint32_t>& endpoints, bool count_entries) {
  const ir::eval::World world{session.loaded.policies, session.loaded.cluster, session.resolutions};
  verify::Judge judge(world, session.lock);
  Costs costs(session);
  std::vector<EndpointRow> out;
  for (const std::uint32_t endpoint : endpoints) {
    const auto subject = judge.encounters().endpoint_subject(endpoint);
    if (!subject) continue;
    const ir::eval::SubjectPolicy& policy = judge.policy(*subject);
    EndpointRow row = described(session.loaded.cluster.endpoints[endpoint]);
    row.ingress = enforced(policy.enforcement(ir::Direction::Ingress));
    row.egress = enforced(policy.enforcement(ir::Direction::Egress));
    row.identity = identities.of_endpoint(endpoint);
    row.status = policy.incomputable() ? Status::NotReady : costs.is_over_budget(endpoint) ? Status::OverBudget : Status::Ready;
    row.policies = costs.policies(endpoint);
    if (count_entries) row.map_entries = costs.entries(endpoint);
    out.push_back(std::move(row));
  }
  return out;
}

std::string to_text(const std::vector<EndpointRow>& rows, const TableStyle& style) {
  Table table{.header = {{"ENDPOINT", "POLICY (ingress)", "POLICY (egress)", "IDENTITY", "LABELS (source:key[=value])", "IPv6", "IPv4", "STATUS"},
                         {"", "ENFORCEMENT", "ENFORCEMENT", "", "", "", "", ""}},
              .rows = {}};
  if (style.wide) {
    table.header[0].insert(table.header[0].end(), {"WORKLOAD", "NODES", "NAMED PORTS", "POLICIES", "MAP ENTRIES"});
    table.header[1].resize(table.header[0].size());
  }
  for (const EndpointRow& row : rows) {
    std::vector<Cell> cells{{row.name}, {row.ingress}, {row.egress}, {std::to_string(row.identity)}, row.labels, {joined(row.ipv6)}, {joined(row.ipv4)}, {to_string(row.status)}};
    if (style.wide) {  // and several addresses on several lines
      cells[5] = some_of(row.ipv6);
      cells[6] = some_of(row.ipv4);
      cells.insert(cells.end(), {{row.workload}, some_of(row.nodes), port_texts(row), {std::to_string(row.policies)}, {row.map_entries ? std::to_string(*row.map_entries) : ""}});
    }
    table.rows.push_back(std::move(cells));
  }
  return to_text(table, style.headers);
}

ordered_json to_json(const std::vector<EndpointRow>& rows) {
  auto out = ordered_json::array();
  for (const EndpointRow& row : rows) {
    ordered_json one = {{"endpoint", row.name}, {"policyIngress", row.ingress}, {"policyEgress", row.egress}, {"identity", row.identity},
                        {"labels", row.labels}, {"ipv6", joined(row.ipv6)},     {"ipv4", joined(row.ipv4)},   {"status", to_string(row.status)},
                        {"workload", row.workload}, {"namedPorts", ports_json(row)}, {"pods", pods_json(row)}, {"policies", row.policies}};
    if (row.map_entries) one["mapEntries"] = *row.map_entries;
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace netpolc::compiler::lists
