// frontend/kinds.h — what an object is to us, by its apiVersion and kind.
#pragma once
#include <string>

#include "frontend/yaml/document.h"

namespace netpolc::frontend {

enum class Role {
  Policy,         // of any of the four kinds
  CidrGroup,
  AgentConfig,    // the cilium-config ConfigMap
  ClusterObject,  // of a kind that ClusterBuilder knows
  Assertions,     // a ReachabilityTest, which `netpolc test` reads: passed over
  Other,          // skipped and counted
  BadPolicy,      // meant as a policy, but of a kind or version that does not exist
};

Role role_of(const std::string& api_version, const std::string& kind, const std::string& name);
// The kind that a `BadPolicy` seems to mean, and where it lives: "CiliumNetworkPolicy", "cilium.io/v2".
struct PolicyKindName {
  const char* api_version;
  const char* kind;
};
PolicyKindName nearest_policy_kind(const std::string& kind);

}  // namespace netpolc::frontend
