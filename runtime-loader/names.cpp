#include "runtime-loader/names.h"

#include <nlohmann/json.hpp>
#include <set>

namespace netpolc::loader {

std::string to_string(const RuleOrigin& origin) {
  return origin.file + ":" + std::to_string(origin.line) + ":" + std::to_string(origin.column) + " (" + origin.kind +
         " " + (origin.ns.empty() ? "" : origin.ns + "/") + origin.name + ", " + origin.rule + ")";
}

nlohmann::ordered_json to_json(const RuleOrigin& origin) {
  return {{"kind", origin.kind}, {"namespace", origin.ns}, {"name", origin.name},    {"rule", origin.rule},
          {"file", origin.file}, {"line", origin.line},    {"column", origin.column}};
}

std::vector<RuleOrigin> places(const Bundle& bundle, std::size_t program, int direction, std::size_t rule) {
  std::vector<RuleOrigin> out;
  std::set<std::string> seen;
  for (const BundleEndpoint& endpoint : bundle.endpoints) {
    if (endpoint.program != program) continue;
    const auto& own = origins_of(endpoint, direction);
    if (rule < own.size() && own[rule] && seen.insert(to_string(*own[rule])).second) out.push_back(*own[rule]);
  }
  return out;
}

std::string_view without_level(std::string_view rule_text) {
  for (const char* tier : {"admin ", "baseline "})
    if (rule_text.starts_with(tier))
      if (const auto colon = rule_text.find(": "); colon != std::string_view::npos) return rule_text.substr(colon + 2);
  return rule_text;
}

}  // namespace netpolc::loader
