#include "verify/symbolic/rules.h"

#include <algorithm>
#include <iterator>

#include "ir/eval/fqdn.h"

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
    (is_clusterwide(policy) ? clusterwide_ : by_namespace_[policy.ns]).push_back(p);
    for (std::uint32_t r = 0; r < policy.rules.size(); ++r) {
      const ir::Rule& rule = policy.rules[r];
      for (const ir::Peer& peer : rule.peers)
        if (const auto* name = std::get_if<ir::FqdnPeer>(&peer))
          names.try_emplace(name->match_name.empty() ? name->match_pattern : name->match_name, ir::eval::AddressList{ir::eval::resolve(*name, world.resolutions, config.version), *name});
      out.rules[index(rule.direction)].push_back(
          {{p, r}, &rule, {policy.tier, policy.priority, rule.order}, ir::eval::resolve_peers(rule, context),
           rule.action == ir::Action::Allow && std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) { return !item.l7.server_names.empty(); })});
    }
    for (const std::size_t d : {0U, 1U}) {
      const bool written = d == 0 ? policy.default_deny_ingress : policy.default_deny_egress;
      out.default_denies[d] = !out.rules[d].empty() && policy.tier == ir::Tier::Normal && (written || !config.non_default_deny_policies);
    }
  }
  for (const ir::Endpoint& endpoint : world.cluster.endpoints) {
    if (endpoint.host_network) continue;
    for (const ir::NamedPort& port : endpoint.named_ports)
      for (const ir::Protocol protocol : ir::eval::protocols_of(port.protocol)) {
        const auto [at, fresh] = known_ports.emplace(std::pair(port.name, protocol), port.port);
        if (!fresh && at->second != port.port) at->second = 0;
      }
  }
}

std::vector<const PreparedPolicy*> PreparedRules::of_namespace(const std::optional<std::string>& ns) const {
  std::vector<const PreparedPolicy*> out;
  if (!ns) {
    for (const PreparedPolicy& policy : policies) out.push_back(&policy);
    return out;
  }
  std::vector<std::uint32_t> indices;
  const auto own = by_namespace_.find(*ns);
  if (own == by_namespace_.end()) indices = clusterwide_;
  else std::merge(own->second.begin(), own->second.end(), clusterwide_.begin(), clusterwide_.end(), std::back_inserter(indices));
  for (const std::uint32_t p : indices) out.push_back(&policies[p]);
  return out;
}

}  // namespace netpolc::verify::symbolic
