#include "verify/diff/requests.h"

#include <algorithm>
#include <map>
#include <set>

namespace netpolc::verify::diffs {
namespace {

using Texts = std::map<std::string, ir::RuleRef>;

const ir::DirectionTable& of(const ir::DecisionTable& table, ir::Direction direction) { return direction == ir::Direction::Ingress ? table.ingress : table.egress; }
const ir::Rule& rule_of(const Set& set, ir::RuleRef ref) { return set.policies().policies[ref.policy].rules[ref.rule]; }

bool redirects(const ir::Rule& rule) {
  return std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) { return item.l7.redirects(); });
}

// Names that mean other names in other versions (semantics reference, sections 7.3 and 7.4).
bool depends_on_version(const ir::Rule& rule) {
  return std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) {
    return !item.l7.server_names.empty() || std::any_of(item.l7.dns.begin(), item.l7.dns.end(), [](const ir::DnsRule& one) { return one.match_pattern.starts_with("**"); });
  });
}

bool names_ports(const ir::Rule& rule) {
  return std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) {
    return std::any_of(item.ports.begin(), item.ports.end(), [](const ir::PortMatch& match) { return !match.name.empty(); });
  });
}

// Whether all pods call their ports the same (section 5.9).
bool same_port_names(const ir::Cluster& before, const ir::Cluster& after) {
  return std::equal(before.endpoints.begin(), before.endpoints.end(), after.endpoints.begin(), after.endpoints.end(),
                    [](const ir::Endpoint& a, const ir::Endpoint& b) { return a.ns == b.ns && a.name == b.name && a.named_ports == b.named_ports; });
}

// Of rules that let pass: those of proxies, and those that let every request pass (section 5.8).
Texts texts(const Set& set, const std::vector<const ir::DecisionTable*>& tables, ir::Direction direction) {
  Texts out;
  for (const ir::DecisionTable* table : tables) {
    const auto& one = of(*table, direction);
    for (std::size_t r = 0; r < one.rules.size(); ++r)
      if (one.rules[r] != ir::synthesized_rule && rule_of(set, one.rules[r]).action != ir::Action::Deny) out.emplace(one.rule_texts[r], one.rules[r]);
  }
  return out;
}

bool some_redirect(const Set& set, const std::vector<const ir::DecisionTable*>& tables, ir::Direction direction) {
  return std::any_of(tables.begin(), tables.end(), [&](const ir::DecisionTable* table) {
    const auto& rules = of(*table, direction).rules;
    return std::any_of(rules.begin(), rules.end(), [&](ir::RuleRef ref) { return ref != ir::synthesized_rule && redirects(rule_of(set, ref)); });
  });
}

// Whether the rule could be for some of the traffic.
bool meets(const ir::Rule& rule, const Access& traffic) {
  const auto covers = [](const ir::PortMatch& match, const PortSpan& span) {
    const bool any = match.protocol == ir::Protocol::Any && span.protocol >= ir::Protocol::Tcp && span.protocol <= ir::Protocol::Sctp;
    if (!any && match.protocol != span.protocol) return false;
    return !match.name.empty() || match.first == 0 || (match.first <= span.last && span.first <= std::max(match.first, match.last));
  };
  return rule.any_l4 || std::any_of(rule.ports.begin(), rule.ports.end(), [&](const ir::PortRule& item) {
    return std::any_of(item.ports.begin(), item.ports.end(), [&](const ir::PortMatch& match) {
      return std::any_of(traffic.begin(), traffic.end(), [&](const PortSpan& span) { return covers(match, span); });
    });
  });
}

std::vector<ir::RuleRef> missing(const Texts& from, const Texts& in) {
  std::vector<ir::RuleRef> out;
  for (const auto& [text, ref] : from)
    if (in.count(text) == 0) out.push_back(ref);
  return out;
}

void keep_what_meets(std::vector<ir::RuleRef>& rules, const Set& set, const Access& traffic) {
  std::erase_if(rules, [&](ir::RuleRef ref) { return !meets(rule_of(set, ref), traffic); });
}

void add_proxied_in_both(const Access& a, const Access& b, const AccessSets& sets, Access& out) {
  for (const PortSpan& one : a)
    for (const PortSpan& other : b)
      if (one.protocol == other.protocol && one.first <= other.last && other.first <= one.last && !sets.marks(one.marks).l7.empty() && !sets.marks(other.marks).l7.empty())
        out.push_back({one.protocol, std::max(one.first, other.first), std::min(one.last, other.last), unmarked});
}

class Requests {
 public:
  Requests(Sets& both, const AccessSets& sets, const AllEnds& ends, const DiffEndIds& computable)
      : both_(both), sets_(sets), ends_(ends), ids_(computable), same_port_names_(same_port_names(both.before.cluster(), both.after.cluster())) {}

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
    if (!some_redirect(both_.before, before_tables, direction) || !some_redirect(both_.after, after_tables, direction)) return std::nullopt;
    const Texts before = texts(both_.before, before_tables, direction), after = texts(both_.after, after_tables, direction);
    RequestsChange out{id, direction, missing(before, after), missing(after, before)};
    const auto none = [&] { return out.rules_before.empty() && out.rules_after.empty(); };
    const bool meaning = version_matters(before) || port_names_matter(before) || !same_enforcement(before_tables, after_tables, direction) ||
                         !same_peers(before_tables, after_tables, direction);
    if (none() && !meaning) return std::nullopt;
    const Access proxied = proxied_in_both(end, direction);
    keep_what_meets(out.rules_before, both_.before, proxied);
    keep_what_meets(out.rules_after, both_.after, proxied);
    if (proxied.empty() || (none() && !meaning)) return std::nullopt;
    return out;
  }

  // What no rule asks for passes where no policy turns on default deny (section 4.4).
  static bool same_enforcement(const std::vector<const ir::DecisionTable*>& before, const std::vector<const ir::DecisionTable*>& after, ir::Direction direction) {
    return std::equal(before.begin(), before.end(), after.begin(), after.end(), [&](const auto* a, const auto* b) { return of(*a, direction).enforcement == of(*b, direction).enforcement; });
  }

  bool port_names_matter(const Texts& rules) const {
    return !same_port_names_ && std::any_of(rules.begin(), rules.end(), [&](const auto& rule) { return names_ports(rule_of(both_.before, rule.second)); });
  }

  bool version_matters(const Texts& rules) const {
    const ir::CiliumVersion was = both_.before.cluster().config.version, is = both_.after.cluster().config.version;
    if ((was < 17) != (is < 17)) return true;  // sections 4.4 and 4.5
    return was != is &&
           std::any_of(rules.begin(), rules.end(), [&](const auto& rule) { return depends_on_version(rule_of(both_.before, rule.second)); });
  }

  // Which of the ends each condition of the tables means.
  using Peers = std::map<std::string, std::set<DiffEndId>>;
  Peers peers(Set& set, Party Shared::*member, const std::vector<const ir::DecisionTable*>& tables, ir::Direction direction) {
    auto& known = identities(set, member);
    Peers out;
    for (const ir::DecisionTable* table : tables)
      for (const ir::PeerBit& bit : of(*table, direction).bits) {
        auto& meant = out[bit.text];
        for (const std::uint32_t identity : bit.identities)
          if (const auto found = known.find(identity); found != known.end()) meant.insert(found->second.begin(), found->second.end());
      }
    return out;
  }
  bool same_peers(const std::vector<const ir::DecisionTable*>& before, const std::vector<const ir::DecisionTable*>& after, ir::Direction direction) {
    const Peers was = peers(both_.before, &Shared::before, before, direction), is = peers(both_.after, &Shared::after, after, direction);
    return std::all_of(was.begin(), was.end(), [&](const auto& one) {
      const auto other = is.find(one.first);
      return other == is.end() || other->second == one.second;
    });
  }

  // Of some peer, on the way to a proxy in both. Everything where tables don't say.
  Access proxied_in_both(const Shared& end, ir::Direction direction) {
    const auto before = both_.before.ports.plain(end.before), after = both_.after.ports.plain(end.after);
    if (!before || !after || !before->judged || !after->judged) return sets_[everything];
    const SideAccess &was = direction == ir::Direction::Ingress ? *before->ingress : *before->egress, &is = direction == ir::Direction::Ingress ? *after->ingress : *after->egress;
    std::set<std::pair<AccessId, AccessId>> seen;
    Access out;
    for (const DiffEndId id : ids_) {
      const auto peer_before = both_.before.ports.plain(ends_.shared[id].before), peer_after = both_.after.ports.plain(ends_.shared[id].after);
      if (!peer_before || !peer_after) return sets_[everything];
      const std::pair pair{both_.before.common(was.of(peer_before->identity)), both_.after.common(is.of(peer_after->identity))};
      if (seen.insert(pair).second) add_proxied_in_both(sets_[pair.first], sets_[pair.second], sets_, out);
    }
    return out;
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
  const bool same_port_names_;
  Known before_, after_;
};

}  // namespace

std::vector<RequestsChange> requests(Sets& both, const AccessSets& sets, const AllEnds& ends, const DiffEndIds& computable) { return Requests(both, sets, ends, computable).all(); }

}  // namespace netpolc::verify::diffs
