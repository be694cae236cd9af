// Rules about what is denied because a policy is there at all (semantics reference, section 4.2).
#include <algorithm>

#include "compiler/lint/edits.h"
#include "compiler/lint/rule.h"

namespace netpolc::lint {
namespace {

const char* word(ir::Direction direction) { return direction == ir::Direction::Ingress ? "ingress" : "egress"; }

bool denies_by_default(const ir::Policy& policy, ir::Direction direction) {
  return direction == ir::Direction::Ingress ? policy.default_deny_ingress : policy.default_deny_egress;
}

bool has(const ir::Policy& policy, ir::Direction direction, bool denying) {
  return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& rule) { return rule.direction == direction && (rule.action == ir::Action::Deny) == denying; });
}

// Then nothing else is left to be denied.
bool denies_everything(const ir::Policy& policy, ir::Direction direction) {
  return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& rule) {
    return rule.direction == direction && rule.action == ir::Action::Deny && rule.any_l4 &&
           std::find(rule.peers.begin(), rule.peers.end(), ir::Peer(ir::EntityPeer{ir::Entity::All})) != rule.peers.end();
  });
}

// `enableDefaultDeny: {egress: true}` beside deny rules: the author wants it so.
bool asked_for(const Facts& facts, const ir::Policy& policy, const char* direction) {
  const frontend::Node* spec = facts.places().node_at(policy.where);
  const frontend::Node* chosen = spec != nullptr && spec->is_mapping() ? spec->find("enableDefaultDeny") : nullptr;
  return chosen != nullptr && chosen->is_mapping() && chosen->find(direction) != nullptr;
}

// `enableDefaultDeny` before the deny rules, where there is none yet.
std::optional<FixIt> without_default_deny(const Facts& facts, const ir::Policy& policy, const std::string& direction) {
  const frontend::Node* spec = facts.places().node_at(policy.where);
  if (spec == nullptr || !spec->is_mapping() || spec->find("enableDefaultDeny") != nullptr) return std::nullopt;
  for (const auto& [key, list] : spec->entries)
    if (key.text == direction + "Deny" && spec->span.begin <= key.span.begin && key.span.end <= spec->span.end)  // else it is merged, and written elsewhere
      return entry_before(facts, *spec, key, "enableDefaultDeny: {" + direction + ": false}");
  return std::nullopt;
}

std::string endpoints(std::size_t count) { return count == 1 ? "1 endpoint" : std::to_string(count) + " endpoints"; }

void find_in(const Facts& facts, ir::Direction direction, Findings& out) {
  if (facts.cluster().config.mode != ir::PolicyMode::Default) return;  // then the policy turns nothing on
  Bits allowed = facts.nobody();  // by some rule, whatever to
  for (std::size_t p = 0; p < facts.policies().size(); ++p)
    if (has(facts.policies()[p], direction, false)) allowed |= facts.subjects(p);
  for (std::size_t p = 0; p < facts.policies().size(); ++p) {
    const ir::Policy& policy = facts.policies()[p];
    if (policy.tier != ir::Tier::Normal || policy.subject_is_node || !denies_by_default(policy, direction)) continue;
    if (!has(policy, direction, true) || has(policy, direction, false) || denies_everything(policy, direction)) continue;
    const Bits cut_off = without(facts.subjects(p), allowed);
    if (!any(cut_off) || asked_for(facts, policy, word(direction))) continue;
    const std::size_t all = facts.count(facts.subjects(p)), cut = facts.count(cut_off);
    const std::string name = word(direction);
    const std::string whom = all == cut ? (all == 1 ? "it" : "all of them") : std::to_string(cut) + " of them";
    Diagnostic found{.kind = DiagKind::DenyOnlyCutsOff,
                   .where = facts.places().key(policy.where, name + "Deny"),
                   .message = "this policy only denies, yet it selects " + endpoints(all) + "; all other " + name + " of " + whom + " is denied as well",
                   .label = "turns on default deny; `enableDefaultDeny." + name + ": false` keeps it off",
                   .notes = {{std::nullopt, "no policy allows any " + name + " of " + facts.example(cut_off)}},
                   .severity = Severity::Error};
    found.fix = without_default_deny(facts, policy, name);
    out.push_back(std::move(found));
  }
}

void find_deny_only(const Facts& facts, Findings& out) {
  find_in(facts, ir::Direction::Ingress, out);
  find_in(facts, ir::Direction::Egress, out);
}

// In a NetworkPolicy `{}` is everybody; in Cilium's own policies it is nobody.
bool is_empty_entry(const ir::Policy& policy, const ir::Rule& rule) {
  const bool cilium = policy.kind == ir::PolicyKind::CiliumNetworkPolicy || policy.kind == ir::PolicyKind::CiliumClusterwideNetworkPolicy;
  return cilium && rule.peer_kind == ir::PeerKind::Unspecified && rule.any_l4;
}

// Alone in its list it says that all is denied, and is how one writes that.
bool is_alone(const ir::Policy& policy, ir::Direction direction) {
  return std::all_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& rule) {
    return rule.direction != direction || rule.action != ir::Action::Allow || is_empty_entry(policy, rule);
  });
}

// It changes nothing to leave it out, beside others.
std::optional<FixIt> without_entry(const Facts& facts, const ir::Policy& policy, const ir::Rule& rule) {
  const frontend::Node* spec = facts.places().node_at(policy.where);
  if (spec == nullptr || !spec->is_mapping()) return std::nullopt;
  for (const auto& [key, list] : spec->entries)
    for (std::size_t i = 0; list.is_sequence() && i < list.items.size(); ++i)
      if (list.items[i].span == rule.where) return without_item(facts, list, i);
  return std::nullopt;
}

void find_empty_entry(const Facts& facts, Findings& out) {
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules) {
      if (!is_empty_entry(policy, rule)) continue;
      const bool deny = rule.action == ir::Action::Deny;
      if (!deny && is_alone(policy, rule.direction)) continue;
      Diagnostic found{.kind = DiagKind::EmptyEntry,
                     .where = rule.where,
                     .message = std::string("this entry names neither peers nor ports: it ") + (deny ? "denies" : "allows") + " nothing",
                     .label = "name `" + std::string(rule.direction == ir::Direction::Ingress ? "fromEntities" : "toEntities") + ": [all]` to mean everyone",
                     .severity = Severity::Warning};
      found.fix = without_entry(facts, policy, rule);
      out.push_back(std::move(found));
    }
}

}  // namespace

std::vector<Rule> default_deny_rules() {
  return {{DiagKind::DenyOnlyCutsOff, Severity::Error, Needs::Workloads, find_deny_only,
           "A policy that selects an endpoint switches its default in that direction to deny, even where all its rules deny. If no "
           "other policy allows anything, the endpoint loses all traffic: one rule against the metadata service has taken DNS away from "
           "whole clusters. Set `enableDefaultDeny` to false for the direction, or allow what is meant to pass. Without workloads NP167 "
           "says it, and not of whom.",
           R"(apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata:
  name: deny-metadata
spec:
  endpointSelector: {}
  egressDeny:
  - toCIDR: [169.254.169.254/32]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata:
  name: deny-metadata
spec:
  endpointSelector: {}
  enableDefaultDeny:
    egress: false
  egressDeny:
  - toCIDR: [169.254.169.254/32]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)"},
          {DiagKind::EmptyEntry, Severity::Warning, Needs::Policies, find_empty_entry,
           "In a NetworkPolicy an empty entry, `{}`, allows everyone. In Cilium's own policies it matches nobody: beside other "
           "entries it adds nothing, and among deny rules it denies nothing. (Alone, `ingress: [{}]` is how one writes that all is "
           "denied, and nothing is said.) To mean everyone write `fromEntities: [all]` or `toEntities: [all]`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - {}
  - fromEndpoints: [{matchLabels: {app: checkout}}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  ingress:
  - {}
)"}};
}

}  // namespace netpolc::lint
