#include "frontend/kinds.h"

#include <algorithm>

#include "frontend/cluster/lower.h"
#include "ir/base/edit_distance.h"

namespace netpolc::frontend {
namespace {

constexpr PolicyKindName kPolicyKinds[] = {
    {"cilium.io/v2", "CiliumNetworkPolicy"},
    {"cilium.io/v2", "CiliumClusterwideNetworkPolicy"},
    {"networking.k8s.io/v1", "NetworkPolicy"},
    {"cilium.io/v2", "CiliumCIDRGroup"},
};

std::string group_of(const std::string& api_version) {
  const std::size_t slash = api_version.find('/');
  return slash == std::string::npos ? "" : api_version.substr(0, slash);
}

constexpr PolicyKindName kClusterNetworkPolicy{"policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"};

// Kinds of other purpose may have any name; these look like a policy kind written wrongly.
bool looks_like_policy(const std::string& group, const std::string& kind) {
  if (kind.size() > 64) return false;
  if (group == "networking.k8s.io" || group == "extensions") return edit_distance(kind, "NetworkPolicy") <= 3;
  const bool near = edit_distance(kind, "CiliumNetworkPolicy") <= 3 || edit_distance(kind, "CiliumClusterwideNetworkPolicy") <= 3;
  if (group != "cilium.io") return near;  // no one else has kinds of such names
  return near || kind.find("NetworkPol") != std::string::npos || edit_distance(kind, "CiliumCIDRGroup") <= 3;
}

}  // namespace

PolicyKindName nearest_policy_kind(const std::string& kind) {
  // Exactly this, or the author's mind was with Cilium's kinds.
  if (kind == kClusterNetworkPolicy.kind) return kClusterNetworkPolicy;
  if (kind.size() > 64) return kPolicyKinds[0];
  return *std::min_element(
      std::begin(kPolicyKinds), std::end(kPolicyKinds),
      [&](const PolicyKindName& a, const PolicyKindName& b) { return edit_distance(kind, a.kind) < edit_distance(kind, b.kind); });
}

Role role_of(const std::string& api_version, const std::string& kind, const std::string& name) {
  const std::string group = group_of(api_version);
  if (kind == "CiliumNetworkPolicy" || kind == "CiliumClusterwideNetworkPolicy") {
    return api_version == "cilium.io/v2" ? Role::Policy : Role::BadPolicy;
  }
  if (kind == "CiliumCIDRGroup") {
    return api_version == "cilium.io/v2" || api_version == "cilium.io/v2alpha1" ? Role::CidrGroup : Role::BadPolicy;
  }
  if (kind == "NetworkPolicy" && api_version == "networking.k8s.io/v1") return Role::Policy;
  // Others have ClusterNetworkPolicies of their own (Antrea, AWS).
  if (kind == kClusterNetworkPolicy.kind) {
    if (api_version == kClusterNetworkPolicy.api_version) return Role::Policy;
    const bool kubernetes = group.empty() || group == "policy.networking.k8s.io" || group == "networking.k8s.io" || group == "cilium.io";
    return kubernetes ? Role::BadPolicy : Role::Other;
  }
  if (kind == "ConfigMap" && api_version == "v1") return name == "cilium-config" ? Role::AgentConfig : Role::Other;
  if (kind == "ReachabilityTest" && group == "netpolc.dev") return Role::Assertions;
  if (ClusterBuilder::knows(api_version, kind)) return Role::ClusterObject;
  // Others have NetworkPolicies of their own (Calico); without a group it is meant as ours.
  if (kind == "NetworkPolicy" && group.empty()) return Role::BadPolicy;
  return looks_like_policy(group, kind) ? Role::BadPolicy : Role::Other;
}

}  // namespace netpolc::frontend
