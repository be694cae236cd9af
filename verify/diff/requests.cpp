#include "verify/diff/requests.h"

#include <algorithm>
#include <map>
#include <set>

namespace netpolc::verify::diffs {
namespace {

using Texts = std::map<std::string, ir::RuleRef>;  // of rules that a proxy reads

const ir::DirectionTable& of(const ir::DecisionTable& table, ir::Direction direction) { return direction == ir::Direction::Ingress ? table.ingress : table.egress; }

bool redirects(const Set& set, ir::RuleRef ref) {
  if (ref == ir::synthesized_rule) return false;
  const auto& ports = set.policies().policies[ref.policy].rules[ref.rule].ports;
  return std::any_of(ports.begin(), ports.end(), [](const ir::PortRule& item) { return item.l7.redirects(); });
}

// Names that mean other names in other versions (semantics reference, sections 7.3 and 7.4).
bool depends_on_version(const Set& set, ir::RuleRef ref) {
  const auto& ports = set.policies().policies[ref.policy].rules[ref.rule].ports;
  return std::any_of(ports.begin(), ports.end(), [](const ir::PortRule& item) {
    return !item.l7.server_names.empty() || std::any_of(item.l7.dns.begin(), item.l7.dns.end(), [](const ir::DnsRule& rule) { return rule.match_pattern.starts_with("**"); });
  });
}

Texts texts(const Set& set, const std::vector<const ir::DecisionTable*>& tables, ir::Direction direction) {
  Texts out;
  for (const ir::DecisionTable* table : tables) {
    const auto& one = of(*table, direction);
    for (std::size_t r = 0; r < one.rules.size(); ++r)
      if (redirects(set, one.rules[r])) out.emplace(one.rule_texts[r], one.rules[r]);
  }
  return out;
}

std::vector<ir::RuleRef> missing(const Texts& from, const Texts& in) {
  std::vector<ir::RuleRef> out;
  for (const auto& [text, ref] : from)
    if (in.count(text) == 0) out.push_back(ref);
  return out;
}

bool some_proxied_in_both(const Access& a, const Access& b, const AccessSets& sets) {
  for (const PortSpan& one : a)
    for (const PortSpan& other : b)
      if (one.protocol == other.protocol && one.first <= other.last && other.first <= one.last && !sets.marks(one.marks).l7.empty() && !sets.marks(other.marks).l7.empty()) return true;
  return false;
}

class Requests {
 public:
  Requests(Sets& both, const AccessSets& sets, const AllEnds& ends, const DiffEndIds& computable) : both_(both), sets_(sets), ends_(ends), ids_(computable) {}

  std::vector<RequestsChange> all() {
    std::vector<RequestsChange> out;
    for (const DiffEndId id : ids_)
      for (const auto direction : {ir::Direction::Ingress, ir::Direction::Egress})
        if (auto found = change(id, direction)) out.push_back(std::move(*found));
    return out;
  }

 private:
  std::optional<RequestsChange> change(DiffEndId id, ir::Direction direction) {
    const Shared& end = ends_.shared[id];
    const auto before_tables = both_.before.ports.tables(end.before), after_tables = both_.after.ports.tables(end.after);
    const Texts before = texts(both_.before, before_tables, direction), after = texts(both_.after, after_tables, direction);
    if (before.empty() || after.empty()) return std::nullopt;
    RequestsChange out{id, direction, missing(before, after), missing(after, before)};
    if (out.rules_before.empty() && out.rules_after.empty() && !version_matters(before) && same_peers(before_tables, after_tables, direction)) return std::nullopt;
    return both_ask(end, direction) ? std::optional(std::move(out)) : std::nullopt;
  }

  bool version_matters(const Texts& rules) const {
    return both_.before.cluster().config.version != both_.after.cluster().config.version &&
           std::any_of(rules.begin(), rules.end(), [&](const auto& rule) { return depends_on_version(both_.before, rule.second); });
  }

  // Which of the ends each condition of the tables means.
  using Peers = std::map<std::string, std::set<DiffEndId>>;
  Peers peers(Set& set, Party Shared::*member, const std::vector<const ir::DecisionTable*>& tables, ir::Direction direction) {
    auto& known = identities(set, member);
    Peers out;
    for (const ir::DecisionTable* table : tables)
      for (const ir::PeerBit& bit : of(*table, direction).bits)
        for (const std::uint32_t identity : bit.identities)
          if (const auto found = known.find(identity); found != known.end()) out[bit.text].insert(found->second.begin(), found->second.end());
    return out;
  }
  bool same_peers(const std::vector<const ir::DecisionTable*>& before, const std::vector<const ir::DecisionTable*>& after, ir::Direction direction) {
    const Peers was = peers(both_.before, &Shared::before, before, direction), is = peers(both_.after, &Shared::after, after, direction);
    return std::all_of(was.begin(), was.end(), [&](const auto& one) {
      const auto other = is.find(one.first);
      return other == is.end() || other->second == one.second;
    });
  }

  // Whether some peer's traffic gets to a proxy in both.
  bool both_ask(const Shared& end, ir::Direction direction) {
    const auto before = both_.before.ports.plain(end.before), after = both_.after.ports.plain(end.after);
    if (!before || !after || !before->judged || !after->judged) return true;
    const SideAccess &was = direction == ir::Direction::Ingress ? *before->ingress : *before->egress, &is = direction == ir::Direction::Ingress ? *after->ingress : *after->egress;
    std::set<std::pair<AccessId, AccessId>> seen;
    for (const DiffEndId id : ids_) {
      const auto peer_before = both_.before.ports.plain(ends_.shared[id].before), peer_after = both_.after.ports.plain(ends_.shared[id].after);
      if (!peer_before || !peer_after) return true;
      const std::pair pair{both_.before.common(was.of(peer_before->identity)), both_.after.common(is.of(peer_after->identity))};
      if (seen.insert(pair).second && some_proxied_in_both(sets_[pair.first], sets_[pair.second], sets_)) return true;
    }
    return false;
  }

  using Known = std::unordered_map<std::uint32_t, DiffEndIds>;
  const Known& identities(Set& set, Party Shared::*member) {
    auto& kept = &set == &both_.before ? before_ : after_;
    if (!kept.empty()) return kept;
    for (const DiffEndId id : ids_)
      if (const auto plain = set.ports.plain(ends_.shared[id].*member)) kept[plain->identity].push_back(id);
    return kept;
  }

  Sets& both_;
  const AccessSets& sets_;
  const AllEnds& ends_;
  const DiffEndIds& ids_;
  Known before_, after_;
};

}  // namespace

std::vector<RequestsChange> requests(Sets& both, const AccessSets& sets, const AllEnds& ends, const DiffEndIds& computable) { return Requests(both, sets, ends, computable).all(); }

}  // namespace netpolc::verify::diffs
