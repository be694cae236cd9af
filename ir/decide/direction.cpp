#include "ir/decide/direction.h"

#include <algorithm>
#include <map>

#include "ir/decide/classes.h"
#include "ir/decide/merge.h"

namespace netpolc::ir {
namespace {

// The masked ports that Cilium makes of a range (section 1.6), each as specific as it has bits.
void add_masked(RangeEntry entry, std::vector<RangeEntry>& out) {
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

class Builder {
 public:
  Builder(const DirectionInput& input, const Identities& identities, const SelectorIndex& index, Conditions& conditions)
      : input_(input), identities_(identities), index_(index), conditions_(conditions) {}

  DirectionTable build(std::optional<Incomputable>& incomputable) {
    DirectionTable table;
    table.enforcement = input_.enforcement;
    table.localhost_exception = input_.localhost_exception;
    table.bits.push_back({conditions_[everyone].text, {}});
    if (input_.enforcement == Enforcement::None) return table;
    list_rules(table);
    collect();
    merge_all(incomputable);
    if (incomputable) return table;
    if (input_.enforcement == Enforcement::DefaultAllow) allow_everyone(table);
    number_bits(table);
    const bool auth = std::any_of(entries_.begin(), entries_.end(), [](const auto& e) { return e.entry.auth != AuthMode::Unset; });
    std::vector<RangeEntry> masked;
    if (auth)
      for (const RangeEntry& e : entries_) add_masked(e, masked);
    table.classes = make_classes(auth ? std::move(masked) : std::move(entries_), table.bits.size(), auth);
    return table;
  }

 private:
  struct Item {
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
          items_.push_back({found->second, peer, {&rule, filter.l7, r}});
          for (ConditionId part : conditions_.parts(peer)) items_.push_back({found->second, part, {&rule, filter.l7, r}, true});
        }
      }
    }
    std::stable_sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
      return std::pair(a.filter, a.peer) < std::pair(b.filter, b.peer);
    });
  }

  void merge_all(std::optional<Incomputable>& incomputable) {
    std::vector<Contribution> whole, all;  // without and with parts of entities
    for (std::size_t i = 0; i < items_.size() && !incomputable;) {
      whole.clear();
      all.clear();
      const Item& head = items_[i];
      for (; i < items_.size() && items_[i].filter == head.filter && items_[i].peer == head.peer; ++i) {
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
      place(*filters_[head.filter], head.peer, same ? result.merged : merge(whole.data(), whole.data() + whole.size()).merged);
    }
  }

  void add(const Filter& filter, std::uint16_t first, std::uint16_t last, ConditionId peer, const Merged& merged) {
    entries_.push_back({filter.all, filter.protocol, first, last, merged.priority,
                        {0, merged.action, merged.parser, merged.auth, merged.rule, 0}});
    peers_.push_back(peer);
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

  void allow_everyone(DirectionTable& table) {
    const auto rule = static_cast<std::uint32_t>(table.rules.size());
    table.rules.push_back(synthesized_rule);
    table.rule_texts.push_back("allow everyone on all traffic: no policy asks for default deny");
    add({true, Protocol::Any, 0, 65535, {}}, 0, 65535, everyone, {Action::Allow, L7Parser::None, 0, AuthMode::Unset, rule});
  }

  void number_bits(DirectionTable& table) {
    std::vector<ConditionId> used = peers_;
    std::sort(used.begin(), used.end());
    used.erase(std::unique(used.begin(), used.end()), used.end());
    std::erase(used, everyone);
    std::sort(used.begin(), used.end(), [&](ConditionId a, ConditionId b) { return conditions_[a].text < conditions_[b].text; });
    std::map<ConditionId, std::uint32_t> number{{everyone, 0}};
    for (ConditionId id : used) {
      number.emplace(id, static_cast<std::uint32_t>(table.bits.size()));
      PeerBit bit{conditions_[id].text, {}};
      conditions_[id].bits.each([&](std::size_t i) { bit.identities.push_back(identities_.all()[i].id); });
      table.bits.push_back(std::move(bit));
    }
    for (std::size_t i = 0; i < entries_.size(); ++i) entries_[i].entry.bit = number.at(peers_[i]);
  }

  const DirectionInput& input_;
  const Identities& identities_;
  const SelectorIndex& index_;
  Conditions& conditions_;
  std::vector<const Filter*> filters_;
  std::vector<Item> items_;
  std::vector<RangeEntry> entries_;
  std::vector<ConditionId> peers_;  // of entries_[i]
};

}  // namespace

DirectionTable make_direction(const DirectionInput& input, const Identities& identities, const SelectorIndex& index,
                              Conditions& conditions, std::optional<Incomputable>& incomputable) {
  return Builder(input, identities, index, conditions).build(incomputable);
}

}  // namespace netpolc::ir
