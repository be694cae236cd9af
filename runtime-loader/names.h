// runtime-loader/names.h — from the numbers in the kernel to the names in the bundle.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "ir/map_layout.h"
#include "runtime-loader/bundle.h"

namespace netpolc::loader {

// "policies.yaml:12:5 (CiliumNetworkPolicy production/web, ingress[0])"
std::string to_string(const RuleOrigin& origin);
nlohmann::ordered_json to_json(const RuleOrigin& origin);

inline const BundleDirection& direction_of(const BundleProgram& program, int direction) {
  return direction == NP_INGRESS ? program.ingress : program.egress;
}
inline const std::vector<std::optional<RuleOrigin>>& origins_of(const BundleEndpoint& endpoint, int direction) {
  return direction == NP_INGRESS ? endpoint.ingress_rules : endpoint.egress_rules;
}
inline const char* direction_name(int direction) { return direction == NP_INGRESS ? "ingress" : "egress"; }

// A rule's text without the tier that it is of: "admin 10[2]: deny …" is "deny …".
std::string_view without_level(std::string_view rule_text);

// The places of a program's rule, of all endpoints that have the program; each place once.
std::vector<RuleOrigin> places(const Bundle& bundle, std::size_t program, int direction, std::size_t rule);

}  // namespace netpolc::loader
