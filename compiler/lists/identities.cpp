#include "compiler/lists/identities.h"

#include <map>
#include <nlohmann/json.hpp>

#include "compiler/lists/table.h"

namespace netpolc::compiler::lists {
namespace {

constexpr std::uint32_t kFirstOfCluster = 256;
constexpr std::string_view kCluster = "io.cilium.k8s.policy.cluster";

using Names = std::map<std::uint32_t, std::vector<std::string>>;  // by identity

Names endpoint_names(const ir::Cluster& cluster, const ir::Identities& identities) {
  Names out;
  for (std::size_t e = 0; e < cluster.endpoints.size(); ++e) {
    const ir::Endpoint& endpoint = cluster.endpoints[e];
    if (endpoint.host_network) continue;
    std::vector<std::string>& names = out[identities.of_endpoint(e)];
    const std::string name = endpoint.ns + "/" + endpoint.name;
    if (names.empty() || names.back() != name) names.push_back(name);  // several kinds may share one
  }
  return out;
}

Names prefixes_of(const ir::Identities& identities) {
  Names out;
  for (const ir::AddressIdentity& entry : identities.addresses()) out[entry.identity].push_back(entry.prefix.to_string());
  return out;
}

}  // namespace

const char* to_string(Scope scope) {
  switch (scope) {
    case Scope::Reserved: return "reserved";
    case Scope::Cluster: return "cluster";
    case Scope::OtherCluster: return "other-cluster";
    case Scope::External: return "external";
    case Scope::Node: return "node";
  }
  return "";
}

Scope scope_of(const ir::Identity& identity, const ir::Config& config) {
  const std::uint32_t scope = identity.id >> 24U;
  if (scope == 2) return Scope::Node;
  if (scope != 0) return Scope::External;
  if (identity.id < kFirstOfCluster) return Scope::Reserved;
  for (const ir::Label& label : identity.labels)
    if (label.source == "k8s" && label.key == kCluster && label.value != config.cluster_name) return Scope::OtherCluster;
  return Scope::Cluster;
}

std::vector<IdentityRow> identity_rows(const Session& session, const ir::Identities& identities, const IsWanted& wanted) {
  Names endpoints = endpoint_names(session.loaded.cluster, identities), prefixes = prefixes_of(identities);
  std::vector<IdentityRow> out;
  for (const ir::Identity& identity : identities.all()) {
    if (!wanted(identity)) continue;
    IdentityRow row{identity.id, scope_of(identity, session.loaded.cluster.config), {}, std::move(prefixes[identity.id]), std::move(endpoints[identity.id])};
    for (const ir::Label& label : identity.labels) row.labels.push_back(label.to_string());
    out.push_back(std::move(row));
  }
  return out;
}

std::string to_text(const std::vector<IdentityRow>& rows, const TableStyle& style) {
  Table table;
  if (style.cilium_dbg) table.header = {{"ID", "LABELS"}};
  else table.header = {{"IDENTITY", "LABELS (source:key[=value])"}};
  if (style.wide) table.header.front().insert(table.header.front().end(), {"SCOPE", "ENDPOINTS", "PREFIXES"});
  for (const IdentityRow& row : rows) {
    std::vector<Cell> cells{{std::to_string(row.id)}, row.labels};
    if (style.wide) cells.insert(cells.end(), {{to_string(row.scope)}, some_of(row.endpoints), some_of(row.prefixes)});
    table.rows.push_back(std::move(cells));
  }
  return to_text(table, style.headers);
}

nlohmann::ordered_json to_json(const std::vector<IdentityRow>& rows) {
  auto out = nlohmann::ordered_json::array();
  for (const IdentityRow& row : rows)
    out.push_back({{"id", row.id}, {"labels", row.labels}, {"prefixes", row.prefixes}, {"scope", to_string(row.scope)}, {"endpoints", row.endpoints}});
  return out;
}

}  // namespace netpolc::compiler::lists
