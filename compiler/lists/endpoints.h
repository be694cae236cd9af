// compiler/lists/endpoints.h — endpoints as `endpoint list` and `endpoint get` show them: Cilium's columns, and as data with more fields
// (docs/schema/EndpointList.json, EndpointResult.json). A workload is one row, whatever the number of its pods.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compiler/lists/identities.h"
#include "compiler/session.h"

namespace netpolc::compiler::lists {

// What can be said of an endpoint without its node: whether policy can be computed, and would fit. What is loaded there, and whether
// it is in force, only the node knows (`netpol-loader status`, `cilium-dbg endpoint list`).
enum class Status : std::uint8_t {
  Ready,       // as Cilium says where its policy is in force: here, that nothing is in the way of that
  OverBudget,  // Cilium's policy map would need more entries than bpf-policy-map-max
  NotReady,    // policies contradict each other, so that Cilium computes none
};
const char* to_string(Status status);  // "over-budget"

struct EndpointRow {
  std::string name;             // "shop/cart"
  std::string ingress, egress;  // "Enabled", "Disabled": whether policy is enforced
  std::uint32_t identity = 0;
  std::vector<std::string> labels;
  std::vector<std::string> ipv6, ipv4;  // of all pods
  Status status = Status::Ready;
  std::string workload;            // "Deployment"
  std::vector<std::string> nodes;  // sorted, unique
  std::vector<ir::NamedPort> named_ports;
  std::vector<ir::Pod> pods;
  std::size_t policies = 0;                // that select it
  std::optional<std::size_t> map_entries;  // that Cilium's policy map needs, as `netpolc lint` counts them
};

// Of these endpoints (numbers in Cluster::endpoints), in that order; those without policy of their own are left out: of other clusters,
// and in the host's network. `count_entries`: exactly, which costs what their rules and peers cost.
std::vector<EndpointRow> endpoint_rows(const Session& session, const ir::Identities& identities, const std::vector<std::uint32_t>& endpoints, bool count_entries);

std::string to_text(const std::vector<EndpointRow>& rows, const TableStyle& style);
nlohmann::ordered_json to_json(const std::vector<EndpointRow>& rows);

}  // namespace netpolc::compiler::lists
