#include "ir/decide/direction.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "ir/decide/classes.h"
#include "ir/decide/merge.h"
#include "ir/decide/tiers.h"

namespace netpolc::ir {
namespace {

// What only authentication asks of an entry: how it is redirected, and, of the masked ports that Cilium makes of a range
// (section 1.6), how many bits each has.
void add_authenticated(RangeEntry entry, std::vector<RangeEntry>& out) {
  entry.entry.priority = entry.priority;
  if (entry.all) return out.push_back(entry);
  const std::uint32_t end = entry.last + 1U;
  for (std::uint32_t at = entry.first; at < end;) {
    std::uint32_t size = 1, bits = 24;
    while (at % (size * 2) == 0 && at + size * 2 <= end) {
      size *= 2;
      --bits;
    }
    entry.first = static_cast<std::uint16_t>(at);
    entry.last = static_cast<std::uint16_t>(at + size - 1);
    entry.entry.specificity = static_cast<std::uint8_t>(bits);
    out.push_back(entry);
    at += size;
  }
}

bool is_tiered(const DirectionInput& input) {
  return std::any_of(input.rules.begin(), input.rules.end(), [](const CompiledRule* rule) { return rule->level.tier != Tier::Normal; });
}

bool denies_explicitly(const DirectionInput& input) {
  return input.enforcement == Enforcement::DefaultDeny &&
         std::any_of(input.rules.begin(), input.rules.end(), [](const CompiledRule* rule) { return rule->action == Action::Pass; });
}

class Builder {
 public:
  Builder(const DirectionInput& input, const Identities& identities, const SelectorIndex& index, Conditions& conditions)
      : input_(input), identities_(identities), index_(index), conditions_(conditions), tiered_(is_tiered(input)) {}

  DirectionTable build(std::optional<Incomputable>& incomputable) {
    DirectionTable table;
    table.enforcement = input_.enforcement;
    table.localhost_exception = input_.localhost_exception;
    table.bits.push_back({conditions_[everyone].text, {}, conditions_[everyone].tree});
    if (input_.enforcement == Enforcement::None) return table;
    list_rules(table);
    collect();
    merge_all(incomputable);
    if (incomputable) return table;
    const auto asks = [](const PeerEntry& e) { return e.range.entry.auth != AuthMode::Unset; };
    const auto asking = std::find_if(entries_.begin(), entries_.end(), asks);
    const bool auth = asking != entries_.end();
    if (auth && tiered_) {  // undefined in Cilium as soon as a rule passes (section 5.7)
      incomputable = {"authentication together with ClusterNetworkPolicies", {table.rules[asking->range.entry.rule]}};
      return table;
    }
    add_defaults(table);
    if (tiered_) {
      if (!resolve_passes(entries_, conditions_)) {
        incomputable = {"too many rules after those that pass: together they do not fit in a table", {first_pass()}};
        return table;
      }
      number_levels();
    }
    number_bits(table);
    std::vector<RangeEntry> ranges;
    for (const PeerEntry& e : entries_) {
      if (auth) add_authenticated(e.range, ranges);
      else ranges.push_back(e.range);
    }
    table.classes = make_classes(std::move(ranges), table.bits.size(), auth);
    return table;
  }

 private:
  struct Item {
    Level level;
    std::uint32_t filter;
    ConditionId peer;
    Contribution what;
    bool part = false;  // of an entity that has an item of its own: here for conflicts only
  };

  const std::vector<Requirement>& requires_of(const CompiledRule& rule) const {
    static const std::vector<Requirement> none;
    if (rule.endpoint_selectors.empty()) return none;
    return rule.action == Action::Allow ? input_.allow_requires : input_.deny_requires;
  }

  void list_rules(DirectionTable& table) const {
    for (const CompiledRule* rule : input_.rules) {
      const auto& extra = requires_of(*rule);
      table.rules.push_back(rule->ref);
      table.rule_texts.push_back(rule->text + (extra.empty() ? "" : " requiring " + to_string(Selector{extra})));
    }
  }

  std::vector<ConditionId> peers_of(const CompiledRule& rule) {
    const auto& extra = requires_of(rule);
    std::vector<ConditionId> peers = rule.peers;
    if (extra.empty()) return peers;
    for (const Selector& selector : rule.endpoint_selectors) std::erase(peers, conditions_.of_selector(selector));
    for (const Selector& selector : rule.endpoint_selectors) {
      Selector both = selector;
      both.requirements.insert(both.requirements.end(), extra.begin(), extra.end());
      normalise(both);
      peers.push_back(conditions_.of_selector(both));
    }
    std::sort(peers.begin(), peers.end());
    peers.erase(std::unique(peers.begin(), peers.end()), peers.end());
    return peers;
  }

  void collect() {
    std::map<Filter, std::uint32_t> ids;
    for (std::uint32_t r = 0; r < input_.rules.size(); ++r) {
      const CompiledRule& rule = *input_.rules[r];
      const auto peers = peers_of(rule);
      for (const RuleFilter& filter : rule.filters) {
        const auto [found, fresh] = ids.emplace(filter.filter, static_cast<std::uint32_t>(filters_.size()));
        if (fresh) filters_.push_back(&filter.filter);
        for (ConditionId peer : peers) {
          items_.push_back({rule.level, found->second, peer, {&rule, filter.l7, r}});
          for (ConditionId part : conditions_.parts(peer)) items_.push_back({rule.level, found->second, part, {&rule, filter.l7, r}, true});
        }
      }
    }
    std::stable_sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
      return std::tuple(a.level, a.filter, a.peer) < std::tuple(b.level, b.filter, b.peer);
    });
  }

  void merge_all(std::optional<Incomputable>& incomputable) {
    std::vector<Contribution> whole, all;  // without and with parts of entities
    for (std::size_t i = 0; i < items_.size() && !incomputable;) {
      whole.clear();
      all.clear();
      const Item& head = items_[i];
      for (; i < items_.size() && items_[i].level == head.level && items_[i].filter == head.filter && items_[i].peer == head.peer; ++i) {
        const Item& item = items_[i];
        if (item.what.l7 && item.what.l7->listener && item.what.l7->listener->unusable)
          incomputable = {"a clusterwide policy names a listener of a namespaced CiliumEnvoyConfig", {item.what.rule->ref}};
        all.push_back(item.what);
        if (!item.part) whole.push_back(item.what);
      }
      const MergeResult result = merge(all.data(), all.data() + all.size());
      if (result.conflict && !incomputable)
        incomputable = {*result.conflict, {input_.rules[result.between.first]->ref, input_.rules[result.between.second]->ref}};
      if (incomputable || whole.empty()) continue;
      const bool same = whole.size() == all.size();
      level_ = head.level;
      place(*filters_[head.filter], head.peer, same ? result.merged : merge(whole.data(), whole.data() + whole.size()).merged);
    }
  }

  // On the level of what is being placed.
  void add(const Filter& filter, std::uint16_t first, std::uint16_t last, ConditionId peer, const Merged& merged) {
    const TableEntry entry{0, merged.action, merged.parser, merged.auth, merged.rule, 0, 0};
    entries_.push_back({{filter.all, filter.protocol, first, last, merged.priority, entry}, peer, tiered_ ? place_of(level_) : Place{}});
  }

  void place(const Filter& filter, ConditionId peer, const Merged& merged) {
    if (filter.name.empty()) return add(filter, filter.first, std::max(filter.first, filter.last), peer, merged);
    if (input_.direction == Direction::Egress && input_.version >= 20) {
      for (const NamedPort& port : index_.identity_ports())
        if (port.name == filter.name && port.protocol == filter.protocol)
          add(filter, port.port, port.port, conditions_.with_port(peer, port), merged);
      return;
    }
    if (const auto number = resolve(filter)) add(filter, *number, std::max(*number, filter.last), peer, merged);
  }

  // One number for the name, or none at all (section 5.9).
  std::optional<std::uint16_t> resolve(const Filter& filter) const {
    std::optional<std::uint16_t> number;
    for (const NamedPort& port : *input_.named_ports) {
      if (port.name != filter.name || port.protocol != filter.protocol || port.port == 0) continue;
      if (number && *number != port.port) return std::nullopt;
      number = port.port;
    }
    return number;
  }

  void add_synthesized(DirectionTable& table, const char* text, ConditionId peer, Action action, std::uint16_t order = 0) {
    const auto rule = static_cast<std::uint32_t>(table.rules.size());
    table.rules.push_back(synthesized_rule);
    table.rule_texts.emplace_back(text);
    level_ = {Tier::Default, 0, order};
    add({true, Protocol::Any, 0, 65535, {}}, 0, 65535, peer, {action, L7Parser::None, 0, AuthMode::Unset, rule});
  }

  // Default deny is no entry at all, but where a rule passes (section 5.10).
  void add_defaults(DirectionTable& table) {
    if (input_.enforcement == Enforcement::DefaultAllow)
      return add_synthesized(table, "allow everyone on all traffic: no policy asks for default deny", everyone, Action::Allow);
    if (!denies_explicitly(input_)) return;
    if (input_.localhost_exception)
      add_synthesized(table, "allow from the own node on all traffic", conditions_.of(EntityPeer{Entity::Host}, false).front(), Action::Allow);
    add_synthesized(table, "deny everyone on all traffic: default deny", everyone, Action::Deny, 1);
  }

  RuleRef first_pass() const {
    return (*std::find_if(input_.rules.begin(), input_.rules.end(), [](const CompiledRule* rule) { return rule->action == Action::Pass; }))->ref;
  }

  // Equal places, equal levels.
  void number_levels() {
    std::vector<Place> places;
    for (const PeerEntry& e : entries_) places.push_back(e.place);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    for (PeerEntry& e : entries_)
      e.range.entry.level = static_cast<std::uint32_t>(std::lower_bound(places.begin(), places.end(), e.place) - places.begin());
  }

  void number_bits(DirectionTable& table) {
    std::vector<ConditionId> used;
    for (const PeerEntry& e : entries_) used.push_back(e.peer);
    std::sort(used.begin(), used.end());
    used.erase(std::unique(used.begin(), used.end()), used.end());
    std::erase(used, everyone);
    std::sort(used.begin(), used.end(), [&](ConditionId a, ConditionId b) { return conditions_[a].text < conditions_[b].text; });
    std::map<ConditionId, std::uint32_t> number{{everyone, 0}};
    for (ConditionId id : used) {
      number.emplace(id, static_cast<std::uint32_t>(table.bits.size()));
      PeerBit bit{conditions_[id].text, {}, conditions_[id].tree};
      conditions_[id].bits.each([&](std::size_t i) { bit.identities.push_back(identities_.all()[i].id); });
      table.bits.push_back(std::move(bit));
    }
    for (PeerEntry& e : entries_) e.range.entry.bit = number.at(e.peer);
  }

  const DirectionInput& input_;
  const Identities& identities_;
  const SelectorIndex& index_;
  Conditions& conditions_;
  std::vector<const Filter*> filters_;
  std::vector<Item> items_;
  std::vector<PeerEntry> entries_;
  bool tiered_;
  Level level_;
};

}  // namespace

std::size_t synthesized_rules(const DirectionInput& input) {
  if (input.enforcement == Enforcement::DefaultAllow) return 1;
  if (!denies_explicitly(input)) return 0;
  return input.localhost_exception ? 2 : 1;
}

DirectionTable make_direction(const DirectionInput& input, const Identities& identities, const SelectorIndex& index,
                              Conditions& conditions, std::optional<Incomputable>& incomputable) {
  return Builder(input, identities, index, conditions).build(incomputable);
}

}  // namespace netpolc::ir
