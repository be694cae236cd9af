#include "ir/decide/denied_outside.h"

#include <algorithm>
#include <map>
#include <utility>

namespace netpolc::ir {
namespace {

bool comes_to_policy(Protocol protocol) {
  return protocol == Protocol::Tcp || protocol == Protocol::Udp || protocol == Protocol::Sctp || protocol == Protocol::Icmp ||
         protocol == Protocol::Icmpv6;
}

// Bits that hold, sorted; bit 0 is left out.
using Holding = std::vector<std::uint32_t>;

std::vector<Holding> holding(const DirectionTable& table, const std::vector<std::uint32_t>& outside) {
  std::vector<Holding> out(outside.size());
  for (std::uint32_t bit = 1; bit < table.bits.size(); ++bit)
    for (auto from = outside.begin(); const std::uint32_t identity : table.bits[bit].identities) {
      from = std::lower_bound(from, outside.end(), identity);
      if (from == outside.end()) break;
      if (*from == identity) out[static_cast<std::size_t>(from - outside.begin())].push_back(bit);
    }
  return out;
}

enum class Answer : std::uint8_t { NotDenied, ByDefault, ByRule };

Answer answer(const DirectionTable& table, const L4Class& numbers, const Holding& bits) {
  for (const TableEntry& entry : numbers.entries)
    if (entry.bit == 0 || std::binary_search(bits.begin(), bits.end(), entry.bit))
      return entry.action == Action::Deny ? Answer::ByRule : Answer::NotDenied;
  return table.enforcement == Enforcement::DefaultDeny ? Answer::ByDefault : Answer::NotDenied;
}

// Neighbours that say the same become one.
void add(std::vector<DeniedRange>& ranges, const DeniedRange& range) {
  if (!ranges.empty()) {
    DeniedRange& last = ranges.back();
    if (last.protocol == range.protocol && last.by_rule == range.by_rule && last.last + 1 == range.first) {
      last.last = range.last;
      return;
    }
  }
  ranges.push_back(range);
}

std::vector<DeniedRange> denied_ranges(const DirectionTable& table, const Holding& bits) {
  std::vector<DeniedRange> out;
  for (const L4Class& numbers : table.classes) {
    if (!comes_to_policy(numbers.protocol)) continue;
    const Answer said = answer(table, numbers, bits);
    if (said != Answer::NotDenied) add(out, {numbers.protocol, numbers.first, numbers.last, said == Answer::ByRule});
  }
  return out;
}

bool denies_all(const DirectionTable& table, const Holding& bits) {
  return table.enforcement != Enforcement::None && std::all_of(table.classes.begin(), table.classes.end(), [&](const L4Class& numbers) {
           return !comes_to_policy(numbers.protocol) || answer(table, numbers, bits) != Answer::NotDenied;
         });
}

// What groups say, by identity, becomes groups again.
using Meaning = std::pair<std::vector<DeniedRange>, bool>;

DeniedOutside grouped(const std::map<Meaning, std::vector<std::uint32_t>>& by_meaning) {
  DeniedOutside out;
  for (const auto& [meaning, identities] : by_meaning)
    if (!meaning.first.empty()) out.push_back({identities, meaning.first, meaning.second});
  for (DeniedGroup& group : out) std::sort(group.identities.begin(), group.identities.end());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<DeniedRange> common(const std::vector<DeniedRange>& one, const std::vector<DeniedRange>& other) {
  std::vector<DeniedRange> out;
  for (auto a = one.begin(), b = other.begin(); a != one.end() && b != other.end();) {
    if (a->protocol == b->protocol && a->first <= b->last && b->first <= a->last)
      add(out, {a->protocol, std::max(a->first, b->first), std::min(a->last, b->last), a->by_rule && b->by_rule});
    if (std::pair(a->protocol, a->last) < std::pair(b->protocol, b->last)) ++a;
    else ++b;
  }
  return out;
}

DeniedOutside denied_by_both(const DeniedOutside& one, const DeniedOutside& other) {
  std::map<std::uint32_t, const DeniedGroup*> group_of;
  for (const DeniedGroup& group : other)
    for (const std::uint32_t identity : group.identities) group_of[identity] = &group;
  std::map<Meaning, std::vector<std::uint32_t>> by_meaning;
  for (const DeniedGroup& group : one) {
    std::map<const DeniedGroup*, Meaning> meanings;  // few meet few
    for (const std::uint32_t identity : group.identities) {
      const auto found = group_of.find(identity);
      if (found == group_of.end()) continue;
      auto [known, fresh] = meanings.try_emplace(found->second);
      if (fresh) known->second = {common(group.ranges, found->second->ranges), group.egress_denied && found->second->egress_denied};
      by_meaning[known->second].push_back(identity);
    }
  }
  return grouped(by_meaning);
}

}  // namespace

std::vector<std::uint32_t> outside_identities(const Identities& identities) {
  std::vector<std::uint32_t> out;
  for (const Identity& identity : identities.all()) {
    const auto reserved = [&](const char* key) {
      return std::any_of(identity.labels.begin(), identity.labels.end(), [&](const Label& label) { return label.source == "reserved" && label.key == key; });
    };
    if ((reserved("world") || reserved("world-ipv4") || reserved("world-ipv6")) && !reserved("kube-apiserver")) out.push_back(identity.id);
  }
  return out;
}

DeniedOutside denied_outside(const DecisionTable& table, const std::vector<std::uint32_t>& outside) {
  if (table.incomputable || table.ingress.enforcement == Enforcement::None) return {};
  const std::vector<Holding> in = holding(table.ingress, outside), out = holding(table.egress, outside);
  std::map<std::pair<Holding, Holding>, std::vector<std::uint32_t>> alike;
  for (std::size_t i = 0; i < outside.size(); ++i) alike[{in[i], out[i]}].push_back(outside[i]);
  std::map<Meaning, std::vector<std::uint32_t>> by_meaning;
  for (const auto& [bits, identities] : alike) {
    auto& all = by_meaning[{denied_ranges(table.ingress, bits.first), denies_all(table.egress, bits.second)}];
    all.insert(all.end(), identities.begin(), identities.end());
  }
  return grouped(by_meaning);
}

DeniedOutside denied_by_all(const std::vector<const DeniedOutside*>& policies) {
  if (policies.empty()) return {};
  DeniedOutside out = *policies.front();
  for (std::size_t i = 1; i < policies.size(); ++i) out = denied_by_both(out, *policies[i]);
  return out;
}

}  // namespace netpolc::ir
