#include "ir/decide/invariants.h"

#include <algorithm>
#include <set>

namespace netpolc::ir {
namespace {

constexpr Protocol kCovered[] = {Protocol::Any, Protocol::Tcp, Protocol::Udp, Protocol::Sctp, Protocol::Icmp, Protocol::Icmpv6};

// Where authentication is asked for, allows of one bit add up: there only a deny settles a bit.
bool asks_authentication(const DirectionTable& table) {
  const auto asks = [](const TableEntry& e) { return e.auth != AuthMode::Unset || e.specificity != 0 || e.priority != 0; };
  return std::any_of(table.classes.begin(), table.classes.end(), [&](const L4Class& l4) { return std::any_of(l4.entries.begin(), l4.entries.end(), asks); });
}

// Denies, redirects, allows: the order within a level.
int group(const TableEntry& entry) { return entry.action == Action::Deny ? 0 : entry.l7 != L7Parser::None ? 1 : 2; }

std::optional<std::string> entries_violated(const DirectionTable& table, const L4Class& l4, bool authenticates) {
  const TableEntry* before = nullptr;
  std::set<std::uint32_t> settled;  // bits
  for (const TableEntry& entry : l4.entries) {
    if (entry.bit >= table.bits.size()) return "an entry names a bit that does not exist";
    if (entry.rule >= table.rules.size()) return "an entry names a rule that does not exist";
    if (entry.action == Action::Pass) return "an entry passes";
    if (entry.priority != 0 && entry.l7 == L7Parser::None) return "an entry without a redirect has a redirect's precedence";
    if (entry.priority == 0 && entry.l7 != L7Parser::None && authenticates) return "a redirect has no precedence";
    if (before != nullptr && before->level > entry.level) return "entries are not in the order of their levels";
    if (before != nullptr && before->level == entry.level && group(*before) > group(entry)) return "an entry comes after one that it wins over";
    if (settled.contains(0) || settled.contains(entry.bit)) return "an entry can never decide";
    if (entry.action == Action::Deny || !authenticates) settled.insert(entry.bit);
    before = &entry;
  }
  return std::nullopt;
}

// A protocol that only extended rules name (VRRP, …) has classes of its own, in full like the others.
std::optional<std::string> classes_violated(const DirectionTable& table) {
  const bool authenticates = asks_authentication(table);
  std::vector<Protocol> seen;
  for (std::size_t i = 0; i < table.classes.size();) {
    const Protocol protocol = table.classes[i].protocol;
    if (!seen.empty() && seen.back() >= protocol) return "classes are not sorted by protocol";
    seen.push_back(protocol);
    std::uint32_t next = 0;
    for (std::size_t first = i; i < table.classes.size() && table.classes[i].protocol == protocol; ++i) {
      const L4Class& l4 = table.classes[i];
      if (l4.first != next || l4.last < l4.first) return "the classes of a protocol have a gap or overlap";
      if (i > first && table.classes[i - 1].entries == l4.entries) return "neighbouring classes have the same entries";
      if (auto broken = entries_violated(table, l4, authenticates)) return broken;
      next = l4.last + 1U;
    }
    if (next != 65536) return "the classes of a protocol end too early";
  }
  for (const Protocol protocol : kCovered)
    if (std::find(seen.begin(), seen.end(), protocol) == seen.end()) return "a protocol has no classes";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> violated(const DirectionTable& table) {
  if (table.rules.size() != table.rule_texts.size()) return "not every rule has its text";
  if (table.enforcement == Enforcement::None) return table.classes.empty() ? std::nullopt : std::optional<std::string>("classes without enforcement");
  if (table.bits.empty() || !table.bits[0].identities.empty()) return "bit 0 is not everyone";
  for (const PeerBit& bit : table.bits)
    if (std::adjacent_find(bit.identities.begin(), bit.identities.end(), std::greater_equal<>()) != bit.identities.end()) return "the identities of a bit are not sorted and unique";
  return classes_violated(table);
}

std::optional<std::string> violated(const DecisionTable& table) {
  if (table.incomputable) return std::nullopt;
  if (auto broken = violated(table.ingress)) return "ingress: " + *broken;
  if (auto broken = violated(table.egress)) return "egress: " + *broken;
  return std::nullopt;
}

}  // namespace netpolc::ir
