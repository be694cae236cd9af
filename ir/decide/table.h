// ir/decide/table.h — the decision table of one endpoint policy: what code generation and
// all-pairs questions work on.
//
// The peers of a policy are known by *selector bits*: each distinct peer condition of its
// rules is one bit, and a peer is the set of bits that hold for its identity. Bit 0 holds for
// everyone (rules without L3 part, entity all). Each L4 class then says which bits deny and
// which allow, in the order in which they win. A verdict costs one look-up of the
// identity's bits and one of the L4 class, whatever the number of rules or peers.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/decide/condition_tree.h"
#include "ir/identity/identities.h"
#include "ir/verdict.h"

namespace netpolc::ir {

// What one bit stands for. `text` is canonical: equal text, equal meaning.
struct PeerBit {
  std::string text;                       // "everyone", "k8s:app in (web), …", "cidr 10.0.0.0/8 except …", "entity world"
  std::vector<std::uint32_t> identities;  // of the known ones, sorted; empty for bit 0
  ConditionPtr condition = nullptr;       // the same as data, for whoever comes later; set by `decide`
};

// What stands behind entries that are no rule of anybody's: the allow for everyone where all
// policies have enableDefaultDeny off (section 4.4), and default deny where a rule passes (5.10).
inline constexpr RuleRef synthesized_rule{0xffffffff, 0xffffffff};

// An entry that can decide in an L4 class. Entries that cannot change a verdict are left out:
// allows under a deny of the same bit, and plain allows under a redirect or an allow for everyone.
struct TableEntry {
  std::uint32_t bit = 0;
  Action action = Action::Allow;     // never Pass
  L7Parser l7 = L7Parser::None;     // != None: allow-l7
  AuthMode auth = AuthMode::Unset;
  std::uint32_t rule = 0;           // index into DirectionTable::rules: lowest of those that say the same
  // How narrow the entry's L4 part is; only where authentication needs it (section 5.7), else 0.
  std::uint8_t specificity = 0;
  // Of the redirect: smaller wins (section 5.4); 0: none, which any redirect wins over. Only where authentication needs it, else 0.
  std::uint8_t priority = 0;
  // Entries of one level are judged together: all of it that say the same decided together.
  std::uint32_t level = 0;
  auto operator<=>(const TableEntry&) const = default;
};
// Of two allows of one level, by their redirects.
inline bool wins_over(const TableEntry& one, const TableEntry& other) {
  return one.priority != other.priority && one.priority != 0 && (other.priority == 0 || one.priority < other.priority);
}

// Disjoint classes: for one protocol, the numbers [first, last] have the same entries.
// Every protocol in {Tcp,Udp,Sctp,Icmp,Icmpv6} is covered in full; `Any` stands for all other
// IP protocols (first 0, last 65535). Sorted by (protocol, first). Entries: by level; within
// one denies first, then redirects by precedence, then allows; each group by bit. The first that
// holds decides.
struct L4Class {
  Protocol protocol = Protocol::Any;
  std::uint16_t first = 0, last = 65535;
  std::vector<TableEntry> entries;
};

struct DirectionTable {
  Enforcement enforcement = Enforcement::None;
  bool localhost_exception = false;  // ingress from reserved:host that nothing denies is allowed
  std::vector<PeerBit> bits;         // bits[0] = everyone
  std::vector<L4Class> classes;      // empty when enforcement is None
  std::vector<RuleRef> rules;        // sorted by meaning (text of the rule), so that equal policies number alike
  std::vector<std::string> rule_texts;  // canonical meaning of rules[i], no names of policies
};

struct DecisionTable {
  DirectionTable ingress, egress;
  std::optional<Incomputable> incomputable;
};

// Endpoints of `Cluster::endpoints` (managed ones, and hosts when the host firewall is on) by table.
struct DecidedEndpoint {
  std::uint32_t endpoint = 0;  // index into Cluster::endpoints, or into nodes when is_host
  bool is_host = false;
  std::uint32_t table = 0;     // index into Decisions::tables
  // The rules of this endpoint's own policies behind rules[i] of the shared table.
  std::vector<RuleRef> ingress_rules, egress_rules;
};
struct Decisions {
  std::vector<DecisionTable> tables;  // distinct
  std::vector<DecidedEndpoint> endpoints;
};

// Cost follows distinct label sets and rules, not pods. Pure.
Decisions decide(const PolicySet& policies, const Cluster& cluster, const Resolutions& resolutions, const Identities& identities);

// The verdict of the table for a known identity; `rules` holds indices mapped through `rules`.
SideVerdict look_up(const DirectionTable& table, std::uint32_t identity, Flow flow);
// Text form, for people and `--emit ir`.
std::string to_string(const DecisionTable& table);

}  // namespace netpolc::ir
