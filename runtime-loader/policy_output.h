// runtime-loader/policy_output.h — the rules of what is in force with what they counted: `policy get`,
// and the details of `status`.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "runtime-loader/status.h"

namespace netpolc::loader {

// Nothing: of all endpoints that have the program. Else an index into Bundle::endpoints, whose own places
// in the policies are shown.
using OnlyEndpoint = std::optional<std::size_t>;

std::string rules_text(const Status& status, const ProgramStatus& program, OnlyEndpoint only = {});
// As in `status -o json`, "programs[]".
nlohmann::ordered_json program_json(const Status& status, const ProgramStatus& program, OnlyEndpoint only = {});

// The endpoint with this name (as attached, of a pod, or of a workload) or at this interface. Fails as
// input where there is none, where it is blocked or left open, or where it isn't on this node.
Result<std::size_t> endpoint_of(const Status& status, const std::string& name);
// Of one endpoint, or of all that are attached.
std::string policies_text(const Status& status, OnlyEndpoint only);
std::string policies_json(const Status& status, OnlyEndpoint only);

}  // namespace netpolc::loader
