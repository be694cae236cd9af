#include "verify/symbolic/matters.h"

#include <algorithm>
#include <compare>

namespace netpolc::verify::symbolic {
namespace {

// A rule with what its policy says of whom it is for, but for names and places. Without a rule: what policies select.
struct Said {
  bool clusterwide, of_nodes;
  std::string ns;
  ir::Selector subject;
  bool default_deny;
  std::optional<Level> level;
  ir::Action action;
  std::vector<std::pair<std::string, bool>> peers;
  std::vector<ir::Selector> requires_all;
  bool any_l4;
  std::vector<std::pair<std::vector<ir::PortMatch>, ir::L7>> ports;
  auto operator<=>(const Said&) const = default;
};

Said said(const PreparedPolicy& policy, std::size_t direction, const PreparedRule* rule) {
  const ir::Policy& from = *policy.policy;
  Said out{is_clusterwide(from), from.subject_is_node, from.ns, from.subject, rule == nullptr && policy.default_denies[direction], {}, {}, {}, {}, true, {}};
  if (rule == nullptr) return out;
  out.level = rule->level;
  out.action = rule->rule->action;
  for (const auto& peer : rule->peers) out.peers.emplace_back(peer.key, peer.endpoints);
  std::sort(out.peers.begin(), out.peers.end());
  out.peers.erase(std::unique(out.peers.begin(), out.peers.end()), out.peers.end());
  out.requires_all = rule->rule->requires_all;
  out.any_l4 = rule->rule->any_l4;
  for (const ir::PortRule& item : rule->rule->ports) out.ports.emplace_back(item.ports, item.l7);
  return out;
}

bool is_of(const ir::Policy& policy, const std::optional<std::string>& ns) { return !ns || is_clusterwide(policy) || policy.ns == *ns; }

}  // namespace

Matters::Matters(std::vector<RuleSet> sets, const FlowRange& traffic) : sets_(std::move(sets)), traffic_(traffic) {
  if (sets_.size() == 2) compare();
}

void Matters::compare() {
  for (const std::size_t direction : {0U, 1U}) {
    std::map<Said, Differing> all[2];
    for (const std::size_t set : {0U, 1U})
      for (const PreparedPolicy& policy : sets_[set].rules.policies) {
        if (policy.rules[direction].empty()) continue;
        all[set].emplace(said(policy, direction, nullptr), Differing{&policy, nullptr, set});
        for (const PreparedRule& rule : policy.rules[direction]) all[set].emplace(said(policy, direction, &rule), Differing{&policy, &rule, set});
      }
    for (const std::size_t set : {0U, 1U})
      for (const auto& [what, where] : all[set])
        if (!all[1 - set].contains(what)) differing_[direction].push_back(where);
  }
}

const Matters::View& Matters::view(const ir::PeerFacts& peer) {
  const auto [found, fresh] = views_.try_emplace(&peer);
  if (fresh) {
    for (const RuleSet& set : sets_) found->second.labels.push_back(peer.address ? set.rules.address_labels.of(peer) : peer.labels);
    found->second.external = ir::eval::is_external(peer);
  }
  return found->second;
}

bool Matters::is(std::size_t set, const ir::eval::Matcher& matcher, const ir::PeerFacts& peer) {
  const View& seen = view(peer);
  return ir::eval::matches(matcher, {peer, seen.labels[set], seen.external}, sets_[set].world.cluster.config, sets_[set].rules.address_labels);
}

// Any of the traffic that is asked about. A name may be any number.
bool Matters::carries(const ir::Rule& rule) const {
  if (rule.any_l4 || !traffic_.protocol) return true;
  for (const ir::PortRule& item : rule.ports)
    for (const ir::PortMatch& match : item.ports) {
      const auto protocols = ir::eval::protocols_of(match.protocol);
      if (std::find(protocols.begin(), protocols.end(), *traffic_.protocol) == protocols.end()) continue;
      const bool every = match.first == 0 && match.last == 0;
      if (!match.name.empty() || every || (match.first <= traffic_.last && match.last >= traffic_.first)) return true;
    }
  return false;
}

const std::vector<Matters::Matchers>& Matters::matchers(ir::Direction direction, const std::optional<std::string>& ns) {
  const auto [found, fresh] = matchers_.try_emplace({direction, ns});
  if (!fresh) return found->second;
  for (const RuleSet& set : sets_) {
    Matchers& out = found->second.emplace_back();
    for (const PreparedPolicy* policy : set.rules.of_namespace(ns))
      for (const PreparedRule& rule : policy->rules[index(direction)])
        if (carries(*rule.rule))
          for (const auto& peer : rule.peers) out.emplace(peer.key, &peer.matcher);
  }
  return found->second;
}

const std::string& Matters::of(ir::Direction direction, const std::optional<std::string>& ns, const ir::PeerFacts& peer) {
  const auto [found, fresh] = known_.try_emplace({direction, ns, &peer});
  std::string& out = found->second;
  if (!fresh) return out;
  const auto& all = matchers(direction, ns);
  for (std::size_t set = 0; set < sets_.size(); ++set) {
    for (const auto& [key, matcher] : all[set]) out += is(set, *matcher, peer) ? '1' : '0';
    // Those of from/toRequires narrow all other rules.
    for (const PreparedPolicy* policy : sets_[set].rules.of_namespace(ns))
      for (const PreparedRule& rule : policy->rules[index(direction)])
        for (const ir::Selector& selector : rule.rule->requires_all) out += is(set, selector, peer) ? '1' : '0';
  }
  if (peer.address) out += peer.address->v6 ? '6' : '4';
  for (const ir::Label& label : peer.labels)
    if (label.source == "reserved" || peer.named_ports) out += label.to_string() + ' ';
  return out;
}

bool Matters::could_differ(ir::Direction direction, const std::optional<std::string>& ns, const ir::PeerFacts* peer) {
  for (const Differing& one : differing_[index(direction)]) {
    if (!is_of(*one.policy->policy, ns)) continue;
    if (one.rule == nullptr || peer == nullptr || !one.rule->rule->requires_all.empty()) return true;
    if (!carries(*one.rule->rule)) continue;
    for (const auto& found : one.rule->peers) {
      const auto* names = std::get_if<ir::eval::AddressList>(&found.matcher);
      if ((names != nullptr && view(*peer).external) || is(one.set, found.matcher, *peer)) return true;
    }
  }
  if (peer == nullptr || !peer->address) return false;
  // What both have may mean different addresses.
  const auto [known, fresh] = seen_alike_.try_emplace({direction, peer}, true);
  if (!fresh) return !known->second;
  const auto& all = matchers(direction, std::nullopt);
  for (const auto& [key, matcher] : all[0])
    if (const auto other = all[1].find(key); other != all[1].end() && is(0, *matcher, *peer) != is(1, *other->second, *peer)) known->second = false;
  return !known->second;
}

}  // namespace netpolc::verify::symbolic
