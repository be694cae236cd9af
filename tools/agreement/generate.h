// tools/agreement/generate.h — random policy sets, each with the small cluster that it is about: every kind of policy, peer
// and port, in every version, over so few labels, names, prefixes and numbers that rules meet.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/judges/scenario.h"

namespace netpolc::agreement {

using Json = nlohmann::ordered_json;

struct PolicySetting {
  judges::Scenario cluster;      // without policies
  std::vector<Json> policies;    // manifests: policies and CIDR groups
};
// The same seed, the same setting.
PolicySetting random_setting(std::uint64_t seed);

// As the judges read it: policies as YAML.
judges::Scenario scenario_of(const PolicySetting& setting);
std::string to_yaml(const Json& value);

}  // namespace netpolc::agreement
