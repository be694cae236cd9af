// frontend/policy/lower.h — CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, CiliumCIDRGroup:
// schema and agent validation as Cilium does it (semantics reference 1, 2, 11), then IR.
#pragma once
#include <string>
#include <vector>

#include "frontend/yaml/document.h"
#include "ir/cluster.h"
#include "ir/policy.h"

namespace netpolc::frontend {

// Rules of one direction that only deny, of a spec that does not say `enableDefaultDeny`.
struct DenyOnly {
  std::string ns;  // "" when cluster-scoped
  ir::Direction direction = ir::Direction::Ingress;
  Span where;      // of the list
};

struct LowerContext {
  const ir::Config& config;  // complete before any policy is lowered
  bool lax = false;
  DiagSink& sink;
  std::vector<std::string>* unknown_fields = nullptr;  // collected when set
  std::vector<DenyOnly>* deny_only = nullptr;          // collected when set, also of rejected objects
};

// One object; all its errors are reported. An object yields one Policy per spec.
Checked<std::vector<ir::Policy>> lower_cilium_policy(const Node& object, bool clusterwide, const LowerContext& context);
Checked<ir::CidrGroup> lower_cidr_group(const Node& object, const LowerContext& context);
// networking.k8s.io/v1 NetworkPolicy (section 6), as the agent judges it. In knp.cpp.
Checked<std::vector<ir::Policy>> lower_network_policy(const Node& object, const LowerContext& context);
// policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy (section 6.6), as API server and agent
// judge it. Ask only where `config.cluster_network_policies`. In cluster_network_policy.cpp.
Checked<std::vector<ir::Policy>> lower_cluster_network_policy(const Node& object, const LowerContext& context);

}  // namespace netpolc::frontend
