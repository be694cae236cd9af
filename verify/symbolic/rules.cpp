#include "verify/symbolic/rules.h"

namespace netpolc::verify::symbolic {

PreparedRules::PreparedRules(const ir::eval::World& world) : address_labels(world, true) {
  const auto& config = world.cluster.config;
  const std::vector<ir::Requirement> none;
  const ir::eval::NamedPorts unnamed;
  const ir::eval::RuleContext context{world, none, unnamed};
  for (std::uint32_t p = 0; p < world.policies.policies.size(); ++p) {
    const ir::Policy& policy = world.policies.policies[p];
    PreparedPolicy& out = policies.emplace_back();
    out.policy = &policy;
    for (std::uint32_t r = 0; r < policy.rules.size(); ++r) {
      const ir::Rule& rule = policy.rules[r];
      out.rules[index(rule.direction)].push_back(
          {{p, r}, &rule, {policy.tier, policy.priority, rule.order}, ir::eval::resolve_peers(rule, context)});
    }
    for (const std::size_t d : {0U, 1U}) {
      const bool written = d == 0 ? policy.default_deny_ingress : policy.default_deny_egress;
      out.default_denies[d] = !out.rules[d].empty() && policy.tier == ir::Tier::Normal && (written || !config.non_default_deny_policies);
    }
  }
}

}  // namespace netpolc::verify::symbolic
