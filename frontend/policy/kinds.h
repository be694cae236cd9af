// frontend/policy/kinds.h — which objects are policies, and which only look like one.
#pragma once
#include <optional>
#include <string_view>

#include "frontend/yaml/document.h"

namespace netpolc::frontend {

enum class PolicyObject { CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, NetworkPolicy, CiliumCidrGroup };

std::optional<PolicyObject> policy_object(std::string_view api_version, std::string_view kind);
inline bool is_policy_kind(std::string_view api_version, std::string_view kind) {
  return policy_object(api_version, kind).has_value();
}

// A kind or version that Cilium's and Kubernetes' policy groups do not have, as
// `CiliumNetworkPolicies`, or `NetworkPolicy` of `networking.k8s.io/v1beta1`: leaving it out
// silently would leave an endpoint open that its author believes closed. Other kinds of these
// groups (CiliumEnvoyConfig, Ingress, …) and of other groups are not.
bool is_misspelt_policy(std::string_view api_version, std::string_view kind);

// What `object` is. None: no policy (the caller's to judge). An error has been reported when
// the object is no mapping, lacks kind or apiVersion, or is_misspelt_policy().
Checked<std::optional<PolicyObject>> classify_policy(const Node& object, DiagSink& sink);

}  // namespace netpolc::frontend
