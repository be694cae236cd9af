#include "verify/diff/requests.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "verify/diff/compare.h"
#include "verify/diff/request_search.h"

namespace netpolc::verify::diffs {
namespace {

using Texts = std::map<std::string, ir::RuleRef>;

constexpr std::size_t kMostQuestions = 2000;  // to the solver

const ir::DirectionTable& of(const ir::DecisionTable& table, ir::Direction direction) { return direction == ir::Direction::Ingress ? table.ingress : table.egress; }
const ir::Rule& rule_of(const Set& set, ir::RuleRef ref) { return set.policies().policies[ref.policy].rules[ref.rule]; }

bool redirects(const ir::Rule& rule) {
  return std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) { return item.l7.redirects(); });
}

// Requests are of visible ASCII to the search (verify/symbolic/request.h); an expression that names other bytes may be about others.
bool beyond_ascii(const std::string& expression) {
  const bool other = std::any_of(expression.begin(), expression.end(), [](unsigned char c) { return c < 0x20 || c > 0x7E; });
  return other || expression.find("\\x") != std::string::npos || expression.find("\\p") != std::string::npos || expression.find("\\P") != std::string::npos || expression.find("\\C") != std::string::npos;
}
bool beyond_ascii(const Set& set, const std::vector<ir::RuleRef>& rules) {
  const auto of_http = [](const ir::HttpRule& one) { return beyond_ascii(one.method) || beyond_ascii(one.path) || beyond_ascii(one.host); };
  const auto of_ports = [&](const ir::PortRule& item) { return std::any_of(item.l7.http.begin(), item.l7.http.end(), of_http); };
  return std::any_of(rules.begin(), rules.end(), [&](ir::RuleRef ref) {
    const ir::Rule& rule = rule_of(set, ref);
    return std::any_of(rule.ports.begin(), rule.ports.end(), of_ports);
  });
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

bool any_rule(const Sets& both, bool (*is)(const ir::Rule&)) {
  const auto in = [&](const Set& set) {
    const auto& all = set.policies().policies;
    return std::any_of(all.begin(), all.end(), [&](const ir::Policy& policy) { return std::any_of(policy.rules.begin(), policy.rules.end(), is); });
  };
  return in(both.before) || in(both.after);
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

bool some_name_ports(const Set& set, const ir::DirectionTable& table) {
  return std::any_of(table.rules.begin(), table.rules.end(), [&](ir::RuleRef ref) { return ref != ir::synthesized_rule && names_ports(rule_of(set, ref)); });
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

// What is said of traffic that gets to a proxy, and what the proxy reads.
struct Proxy {
  const char* name;
  RequestRange::Kind kind;
};
constexpr Proxy kProxies[] = {{"http", RequestRange::Kind::Http}, {"dns", RequestRange::Kind::Dns}, {"tls", RequestRange::Kind::Tls}};

// To one proxy before and to one after.
struct Proxied {
  PortSpan span;  // unmarked
  std::string before, after;
};
std::vector<Proxied> proxied_in_both(const Access& a, const Access& b, const AccessSets& sets) {
  std::vector<Proxied> out;
  for (const PortSpan& one : a)
    for (const PortSpan& other : b) {
      if (one.protocol != other.protocol || one.first > other.last || other.first > one.last) continue;
      const std::string &was = sets.marks(one.marks).l7, &is = sets.marks(other.marks).l7;
      if (!was.empty() && !is.empty()) out.push_back({{one.protocol, std::max(one.first, other.first), std::min(one.last, other.last), unmarked}, was, is});
    }
  return out;
}

std::string label_text(const ir::PeerFacts& facts) {
  std::string out = facts.address ? facts.address->to_string() : "";
  for (const ir::Label& label : facts.labels) out += '\1' + label.to_string();
  return out;
}

// What is said of one peer's traffic, or of several peers'.
struct Said {
  std::optional<ir::Request> opened, closed;
  std::string why;
  auto operator<=>(const Said&) const = default;
  bool differs() const { return opened || closed || !why.empty(); }
};
Said worse(const Said& one, const Said& other) { return {one.opened ? one.opened : other.opened, one.closed ? one.closed : other.closed, one.why.empty() ? other.why : one.why}; }

class Requests {
 public:
  Requests(Sets& both, AccessSets& sets, const AllEnds& ends, const DiffEndIds& computable)
      : both_(both), sets_(sets), ends_(ends), ids_(computable), same_port_names_(same_port_names(both.before.cluster(), both.after.cluster())),
        names_differ_(both.before.cluster().config.version != both.after.cluster().config.version && any_rule(both, depends_on_version)) {}

  std::vector<RequestsChange> all() {
    std::vector<RequestsChange> out;
    for (const DiffEndId id : ids_)
      for (const auto direction : {ir::Direction::Ingress, ir::Direction::Egress})
        if (auto found = change(id, direction)) compare(*found, out);
    return out;
  }

 private:
  std::optional<RequestsChange> change(DiffEndId id, ir::Direction direction) {
    const Shared& end = ends_.shared[id];
    const auto before_tables = both_.before.ports.tables(end.before), after_tables = both_.after.ports.tables(end.after);
    if (!some_redirect(both_.before, before_tables, direction) || !some_redirect(both_.after, after_tables, direction)) return std::nullopt;
    const Texts before = texts(both_.before, before_tables, direction), after = texts(both_.after, after_tables, direction);
    RequestsChange out;
    out.end = id;
    out.direction = direction;
    out.rules_before = missing(before, after);
    out.rules_after = missing(after, before);
    const auto none = [&] { return out.rules_before.empty() && out.rules_after.empty(); };
    const bool meaning = version_matters(before) || port_names_matter(before) || !same_enforcement(before_tables, after_tables, direction) ||
                         !same_peers(before_tables, after_tables, direction);
    if (none() && !meaning) return std::nullopt;
    const Access proxied = proxied_with_somebody(end, direction);
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
  Access proxied_with_somebody(const Shared& end, ir::Direction direction) {
    const auto before = both_.before.ports.plain(end.before), after = both_.after.ports.plain(end.after);
    if (!before || !after || !before->judged || !after->judged) return sets_[everything];
    const SideAccess &was = direction == ir::Direction::Ingress ? *before->ingress : *before->egress, &is = direction == ir::Direction::Ingress ? *after->ingress : *after->egress;
    std::set<std::pair<AccessId, AccessId>> seen;
    Access out;
    for (const DiffEndId id : ids_) {
      const auto peer_before = both_.before.ports.plain(ends_.shared[id].before), peer_after = both_.after.ports.plain(ends_.shared[id].after);
      if (!peer_before || !peer_after) return sets_[everything];
      const std::pair pair{both_.before.common(was.of(peer_before->identity)), both_.after.common(is.of(peer_after->identity))};
      if (!seen.insert(pair).second) continue;
      for (const Proxied& one : proxied_in_both(sets_[pair.first], sets_[pair.second], sets_)) out.push_back(one.span);
    }
    return out;
  }

  // ---- what passes ------------------------------------------------------------------------------------

  // A line for each answer, and the peers and ports that it is true of.
  void compare(const RequestsChange& told, std::vector<RequestsChange>& out) {
    std::map<std::pair<Said, AccessId>, DiffEndIds> lines;
    for (const DiffEndId peer : ids_) {
      if (peer == told.end && !meets_itself(both_, ends_.shared[peer])) continue;
      if (ends_.shared[told.direction == ir::Direction::Ingress ? peer : told.end].end.kind == DiffEnd::Kind::Name) continue;
      std::map<Said, Access> by_answer;
      for (const auto& [said, span] : answers(told, peer)) by_answer[said].push_back(span);
      for (auto& [said, spans] : by_answer) {
        std::sort(spans.begin(), spans.end());
        lines[{said, sets_.intern(spans)}].push_back(peer);
      }
    }
    for (const auto& [key, peers] : lines) out.push_back(line(told, key.first, key.second, peers));
  }

  RequestsChange line(const RequestsChange& told, const Said& said, AccessId traffic, const DiffEndIds& peers) {
    RequestsChange out = told;
    out.peers = peers;
    out.traffic = traffic;
    out.why = said.why;
    using Kind = RequestsChange::Kind;
    out.kind = !said.why.empty() ? Kind::Undecided : said.opened && said.closed ? Kind::Changed : said.opened ? Kind::Widened : Kind::Narrowed;
    if (said.opened) out.opened = example(told, *said.opened, traffic, peers.front());
    if (said.closed) out.closed = example(told, *said.closed, traffic, peers.front());
    return out;
  }

  RequestExample example(const RequestsChange& told, const ir::Request& request, AccessId traffic, DiffEndId peer) {
    const PortSpan& span = sets_[traffic].front();
    RequestExample out{request, peer, {span.protocol, span.first}, {}, {}};
    RequestQuestion question;
    question.direction = told.direction;
    question.flow = out.flow;
    for (const auto& [before, after] : meetings(told, peer)) {
      out.before = search().verdict(both_.before, before, question, request);
      out.after = search().verdict(both_.after, after, question, request);
      if (out.before.word != out.after.word) break;
    }
    return out;
  }

  using Answers = std::vector<std::pair<Said, PortSpan>>;
  // Of traffic with one peer that gets to proxies in both sets, and is let pass by the peer's own policy.
  Answers answers(const RequestsChange& told, DiffEndId peer) {
    const Shared &subject = ends_.shared[told.end], &other = ends_.shared[peer];
    const bool ingress = told.direction == ir::Direction::Ingress;
    const auto passing = [&](Set& set, Party Shared::*party) {
      const Shared &from = ingress ? other : subject, &to = ingress ? subject : other;
      return set.common(set.ports.between(from.*party, to.*party).possible);
    };
    const AccessId passed = passing(both_.before, &Shared::before), passes = passing(both_.after, &Shared::after);
    if (passed == nothing || passes == nothing) return {};
    const bool subject_plain = plain(subject), peer_plain = plain(other);
    // Those that tables don't tell apart are asked about once.
    const auto key = subject_plain && peer_plain ? std::optional(group(told, peer, passed, passes)) : std::nullopt;
    if (key)
      if (const auto found = known_.find(*key); found != known_.end()) return found->second;
    Answers out = judged(told, peer, passed, passes);
    if (key) known_.emplace(*key, out);
    return out;
  }

  Answers judged(const RequestsChange& told, DiffEndId peer, AccessId passed, AccessId passes) {
    const auto pairs = meetings(told, peer);
    Answers out;
    if (pairs.empty()) {
      for (const Proxied& one : proxied_in_both(sets_[passed], sets_[passes], sets_)) out.push_back({{{}, {}, "they are told apart by nodes, and the nodes are others"}, one.span});
      return out;
    }
    std::map<PortSpan, Said> all;
    for (const auto& [before, after] : pairs) {
      const AccessId was = both_.before.common(both_.before.ports.side(before.subject, told.direction, before.peer)), is = both_.after.common(both_.after.ports.side(after.subject, told.direction, after.peer));
      for (const Proxied& one : proxied_in_both(sets_[sets_.both(was, sets_.plain(passed))], sets_[sets_.both(is, sets_.plain(passes))], sets_))
        for (const PortSpan& piece : pieces(one.span)) {
          Said& said = all[piece];
          said = worse(said, ask(told, before, after, one, piece));
        }
    }
    for (const auto& [piece, said] : all)
      if (said.differs()) out.emplace_back(said, piece);
    return out;
  }

  Said ask(const RequestsChange& told, const RequestSide& before, const RequestSide& after, const Proxied& proxied, const PortSpan& piece) {
    const auto* proxy = std::find_if(std::begin(kProxies), std::end(kProxies), [&](const Proxy& one) { return proxied.before == one.name; });
    if (proxied.before != proxied.after) return {{}, {}, "another proxy is asked: " + proxied.before + " before, " + proxied.after + " after"};
    if (proxy == std::end(kProxies)) return {{}, {}, "what a proxy for " + proxied.before + " lets through is not modelled"};
    if (proxy->kind != RequestRange::Kind::Http && names_differ_) return {{}, {}, "the two versions of Cilium don't read patterns of names alike"};
    if (beyond_ascii(both_.before, told.rules_before) || beyond_ascii(both_.after, told.rules_after)) return {{}, {}, "requests beyond visible ASCII are not compared"};
    if (++asked_ > kMostQuestions) return {{}, {}, "more than " + std::to_string(kMostQuestions) + " pairs of lists would have to be compared"};
    RequestQuestion question{"requests of " + ends_.shared[told.end].end.name, told.direction, before, after, {piece.protocol, piece.first}, proxy->kind};
    RequestAnswer answer = search().compare(question);
    return {std::move(answer.opened), std::move(answer.closed), std::move(answer.why)};
  }

  // Cut where a rule or a port's name begins or ends.
  Access pieces(const PortSpan& span) {
    if (cuts_.empty())
      for (const Set* set : {&both_.before, &both_.after})
        for (const Stretch& one : stretches(set->policies(), set->cluster())) cuts_.insert({one.first.protocol, one.first.number});
    Access out{span};
    for (auto cut = cuts_.upper_bound({span.protocol, span.first}); cut != cuts_.end() && cut->protocol == span.protocol && cut->number <= span.last; ++cut) {
      PortSpan rest = out.back();
      out.back().last = static_cast<std::uint16_t>(cut->number - 1);
      rest.first = cut->number;
      out.push_back(rest);
    }
    return out;
  }

  bool plain(const Shared& end) { return both_.before.ports.plain(end.before) && both_.after.ports.plain(end.after); }

  // How either set has the two of them. Empty: nobody can say which case of the one is which of the other.
  std::vector<std::pair<RequestSide, RequestSide>> meetings(const RequestsChange& told, DiffEndId peer) {
    auto before = sides(both_.before, &Shared::before, told, peer), after = sides(both_.after, &Shared::after, told, peer);
    std::vector<std::pair<RequestSide, RequestSide>> out;
    if (before.size() == 1 && after.size() == 1) return {{before.begin()->second, after.begin()->second}};
    for (const auto& [name, side] : before) {
      const auto found = after.find(name);
      if (found == after.end() || before.size() != after.size()) return {};
      out.emplace_back(side, found->second);
    }
    return out;
  }

  // Of the replicas of one end, which are judged alike, one.
  std::map<std::string, RequestSide> sides(Set& set, Party Shared::*party, const RequestsChange& told, DiffEndId peer) {
    const Party &subject = ends_.shared[told.end].*party, &other = ends_.shared[peer].*party;
    const bool ingress = told.direction == ir::Direction::Ingress;
    auto& encounters = set.judge.encounters();
    std::map<std::string, RequestSide> out;
    const bool one_case = set.ports.plain(subject) && set.ports.plain(other);
    for (const End& own : subject.ends)
      for (const End& end : other.ends) {
        for (const Meeting& meeting : ingress ? encounters.meet(end, own) : encounters.meet(own, end)) {
          const auto& who = ingress ? meeting.destination : meeting.source;
          if (!who) continue;
          const FactsId seen = ingress ? meeting.destination_seen : meeting.source_seen, sees = ingress ? meeting.source_seen : meeting.destination_seen;
          out.emplace(label_text(encounters.facts(seen)) + '\2' + label_text(encounters.facts(sees)), RequestSide{*who, seen, sees});
          if (one_case) return out;
        }
      }
    return out;
  }

  // Equal: tables say the same of both, and so do their rules.
  using Group = std::tuple<const ir::DecisionTable*, const ir::DecisionTable*, ir::Direction, std::vector<std::uint32_t>, std::vector<std::uint32_t>, AccessId, AccessId, std::uint32_t>;
  Group group(const RequestsChange& told, DiffEndId peer, AccessId passed, AccessId passes) {
    const Shared &subject = ends_.shared[told.end], &other = ends_.shared[peer];
    const auto *before = both_.before.ports.tables(subject.before).front(), *after = both_.after.ports.tables(subject.after).front();
    const std::uint32_t was = both_.before.ports.plain(other.before)->identity, is = both_.after.ports.plain(other.after)->identity;
    // What a peer calls a port is told by nothing else than the peer.
    const bool by_name = told.direction == ir::Direction::Egress && (some_name_ports(both_.before, of(*before, told.direction)) || some_name_ports(both_.after, of(*after, told.direction)));
    return {before, after, told.direction, bits_of(of(*before, told.direction), was), bits_of(of(*after, told.direction), is), passed, passes, by_name ? peer + 1 : 0};
  }

  std::vector<std::uint32_t> bits_of(const ir::DirectionTable& table, std::uint32_t identity) {
    auto [at, fresh] = bits_.try_emplace(&table);
    if (fresh)
      for (std::uint32_t bit = 0; bit < table.bits.size(); ++bit)
        for (const std::uint32_t one : table.bits[bit].identities) at->second[one].push_back(bit);
    const auto found = at->second.find(identity);
    return found == at->second.end() ? std::vector<std::uint32_t>{} : found->second;
  }

  RequestSearch& search() {
    if (!search_) search_.emplace(both_);
    return *search_;
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
  AccessSets& sets_;
  const AllEnds& ends_;
  const DiffEndIds& ids_;
  const bool same_port_names_, names_differ_;
  Known before_, after_;
  std::optional<RequestSearch> search_;
  std::set<ir::Flow> cuts_;
  std::map<const ir::DirectionTable*, std::unordered_map<std::uint32_t, std::vector<std::uint32_t>>> bits_;
  std::map<Group, Answers> known_;
  std::size_t asked_ = 0;
};

}  // namespace

std::vector<RequestsChange> requests(Sets& both, AccessSets& sets, const AllEnds& ends, const DiffEndIds& computable) { return Requests(both, sets, ends, computable).all(); }

}  // namespace netpolc::verify::diffs
