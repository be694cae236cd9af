#include "compiler/import/match_type.h"

#include <algorithm>

namespace netpolc::compiler::import {
namespace {

// How narrowly a rule's ports name the flow: 0 everything, 1 the protocol, 2 the port.
int l4_of(const ir::Rule& rule, ir::Flow flow) {
  if (rule.any_l4) return 0;
  int out = 1;
  for (const ir::PortRule& ports : rule.ports)
    for (const ir::PortMatch& port : ports.ports)
      if (!port.name.empty() || (port.first != 0 && port.first <= flow.number && flow.number <= std::max(port.first, port.last))) out = 2;
  return out;
}

bool names_peers(const ir::Rule& rule) {
  const auto everyone = [](const ir::Peer& peer) {
    const auto* entity = std::get_if<ir::EntityPeer>(&peer);
    return entity != nullptr && entity->entity == ir::Entity::All;
  };
  return rule.peer_kind == ir::PeerKind::Listed && std::none_of(rule.peers.begin(), rule.peers.end(), everyone);
}

}  // namespace

MatchType match_type(const ir::SideVerdict& verdict, const ir::PolicySet& policies, ir::Flow flow) {
  if (verdict.localhost_exception) return MatchType::L3Only;
  if (verdict.verdict == ir::Verdict::DefaultDeny) return MatchType::None;
  std::pair<int, bool> best{-1, false};
  for (const ir::RuleRef& ref : verdict.rules) {
    const auto& rules = policies.policies[ref.policy].rules;
    if (ref.rule < rules.size()) best = std::max(best, std::pair(l4_of(rules[ref.rule], flow), names_peers(rules[ref.rule])));
  }
  const auto [l4, l3] = best;
  if (l4 < 0) return MatchType::All;
  return ir::hubble::match_type(l4, l3);
}

}  // namespace netpolc::compiler::import
