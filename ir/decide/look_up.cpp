// A verdict from a table, and a table as text.
#include <algorithm>

#include "ir/decide/compiled_rule.h"
#include "ir/decide/table.h"

namespace netpolc::ir {
namespace {

constexpr std::uint32_t host_identity = 1;

const L4Class* class_of(const DirectionTable& table, Flow flow) {
  const auto find = [&](Protocol protocol, std::uint16_t number) -> const L4Class* {
    auto after = std::upper_bound(table.classes.begin(), table.classes.end(), std::pair(protocol, number),
                                  [](const auto& key, const L4Class& c) { return key < std::pair(c.protocol, c.first); });
    if (after == table.classes.begin()) return nullptr;
    const L4Class& found = *std::prev(after);
    return found.protocol == protocol && number <= found.last ? &found : nullptr;
  };
  if (const L4Class* own = find(flow.protocol, flow.number)) return own;
  return find(Protocol::Any, 0);
}

bool holds(const PeerBit& bit, std::uint32_t index, std::uint32_t identity) {
  return index == 0 || std::binary_search(bit.identities.begin(), bit.identities.end(), identity);
}

// One of the two candidates of section 5.4: of the peer's own entries, or of those for everyone.
struct Candidate {
  const TableEntry* chosen = nullptr;
  AuthMode auth = AuthMode::Unset;
};
Candidate candidate(const std::vector<const TableEntry*>& matched, bool for_everyone) {
  Candidate out;
  // Redirects come first, so only a narrower entry of the same precedence replaces the first one.
  for (const TableEntry* entry : matched) {
    if ((entry->bit == 0) != for_everyone) continue;
    if (!out.chosen || (entry->priority == out.chosen->priority && entry->specificity > out.chosen->specificity)) out.chosen = entry;
  }
  if (!out.chosen) return out;
  // Its own mode, or that of the narrowest entry that covers it.
  const TableEntry* covering = nullptr;
  for (const TableEntry* entry : matched) {
    if ((entry->bit == 0) != for_everyone || entry->auth == AuthMode::Unset || entry->specificity > out.chosen->specificity) continue;
    if (!covering || std::pair(entry->specificity, entry->auth) > std::pair(covering->specificity, covering->auth)) covering = entry;
  }
  if (covering) out.auth = covering->auth;
  return out;
}

// Section 5.7: explicit, inherited from a broader entry of the identity, or the other candidate's.
AuthMode authentication(const std::vector<const TableEntry*>& matched) {
  Candidate own = candidate(matched, false), all = candidate(matched, true);
  if (!own.chosen || !all.chosen) return own.chosen ? own.auth : all.auth;
  const bool equal = own.chosen->priority == all.chosen->priority;
  const bool all_first = equal ? all.chosen->specificity > own.chosen->specificity : wins_over(*all.chosen, *own.chosen);
  if (all_first) std::swap(own, all);
  if (!equal || own.chosen->auth != AuthMode::Unset) return own.auth;
  return std::max(own.auth, all.auth);
}

}  // namespace

SideVerdict look_up(const DirectionTable& table, std::uint32_t identity, Flow flow) {
  SideVerdict out;
  out.enforcement = table.enforcement;
  const L4Class* found = class_of(table, flow);
  std::vector<const TableEntry*> matched;
  if (found)
    for (const TableEntry& entry : found->entries)
      if (holds(table.bits[entry.bit], entry.bit, identity)) matched.push_back(&entry);
  if (table.enforcement == Enforcement::None) return out;
  if (matched.empty()) {
    const bool local = table.localhost_exception && identity == host_identity;
    out.verdict = local ? Verdict::Allow : Verdict::DefaultDeny;
    out.localhost_exception = local;
    return out;
  }
  const TableEntry& first = *matched.front();
  for (const TableEntry* entry : matched)
    if (entry->level == first.level && entry->action == first.action && entry->l7 == first.l7 && table.rules[entry->rule] != synthesized_rule)
      out.rules.push_back(table.rules[entry->rule]);
  std::sort(out.rules.begin(), out.rules.end());
  out.rules.erase(std::unique(out.rules.begin(), out.rules.end()), out.rules.end());
  if (first.action == Action::Deny) {
    out.verdict = Verdict::Deny;
    return out;
  }
  out.verdict = first.l7 != L7Parser::None ? Verdict::AllowL7 : Verdict::Allow;
  // Default deny that is a rule has the own node's exception as one before it.
  out.localhost_exception = table.rules[first.rule] == synthesized_rule && table.enforcement == Enforcement::DefaultDeny;
  out.l7 = first.l7;
  const AuthMode auth = authentication(matched);
  if (auth != AuthMode::Disabled) out.auth = auth;
  return out;
}

namespace {

std::string entry_text(const TableEntry& entry) {
  static constexpr const char* parsers[] = {"", "http", "dns", "kafka", "l7", "tls", "listener"};
  static constexpr const char* auths[] = {"", " auth disabled", " auth required", " auth always-fail"};
  std::string out = entry.action == Action::Deny ? "deny" : "allow";
  if (entry.l7 != L7Parser::None) out += std::string(" via ") + parsers[static_cast<int>(entry.l7)];
  return out + " bit " + std::to_string(entry.bit) + auths[static_cast<int>(entry.auth)] + " (rule " + std::to_string(entry.rule) + ")";
}

std::string numbers_text(const L4Class& c) {
  if (c.first == 0 && c.last == 65535) return "*";
  return std::to_string(c.first) + (c.first == c.last ? "" : "-" + std::to_string(c.last));
}

std::string direction_text(const char* name, const DirectionTable& table) {
  static constexpr const char* states[] = {"not enforced", "default allow", "default deny"};
  std::string out = std::string(name) + ": " + states[static_cast<int>(table.enforcement)];
  if (table.localhost_exception) out += ", the own node is let in";
  out += "\n";
  if (table.enforcement == Enforcement::None) return out;
  for (std::size_t b = 0; b < table.bits.size(); ++b) {
    out += "  bit " + std::to_string(b) + "  " + table.bits[b].text;
    if (b > 0) out += "  [" + std::to_string(table.bits[b].identities.size()) + "]";
    out += "\n";
  }
  for (std::size_t r = 0; r < table.rule_texts.size(); ++r) out += "  rule " + std::to_string(r) + "  " + table.rule_texts[r] + "\n";
  for (const L4Class& c : table.classes) {
    out += std::string("  ") + protocol_name(c.protocol) + " " + numbers_text(c) + ":";
    if (c.entries.empty()) out += " nothing";
    for (std::size_t e = 0; e < c.entries.size(); ++e) out += (e ? ", " : " ") + entry_text(c.entries[e]);
    out += "\n";
  }
  return out;
}

}  // namespace

std::string to_string(const DecisionTable& table) {
  if (table.incomputable) return "cannot be computed: " + table.incomputable->reason + "\n";
  return direction_text("ingress", table.ingress) + direction_text("egress", table.egress);
}

}  // namespace netpolc::ir
