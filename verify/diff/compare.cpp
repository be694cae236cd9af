#include "verify/diff/compare.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace netpolc::verify::diffs {
namespace {

using Plain = std::optional<AllPorts::Plain>;

const PortSpan* span_of(const Access& access, ir::Flow flow) {
  const auto found = std::find_if(access.begin(), access.end(), [&](const PortSpan& span) {
    return span.protocol == flow.protocol && span.first <= flow.number && flow.number <= span.last;
  });
  return found == access.end() ? nullptr : &*found;
}

// ---- the cases of one pair ------------------------------------------------------------------------

// What tells the cases of a pair apart: as what the one is judged and seen by the other that stands for several.
std::string name_of(const ir::Subject& subject) {
  std::string out = subject.is_host ? "host" : "";
  for (const ir::Label& label : subject.labels) out += label.to_string() + '\1';
  return out;
}
std::string name_of(const ir::PeerFacts& facts) {
  std::string out = facts.address ? facts.address->to_string() : "";
  for (const ir::Label& label : facts.labels) out += '\1' + label.to_string();
  return out;
}

struct Case {
  AccessId access = nothing;
  Meeting meeting;
};
using CaseKey = std::pair<std::string, std::string>;  // of both ends; "" where an end is plain
using Cases = std::map<CaseKey, Case>;

// `from_varies`, `to_varies`: the end isn't plain.
Cases cases(Set& set, const Party& from, const Party& to, bool from_varies, bool to_varies) {
  Cases out;
  auto& encounters = set.judge.encounters();
  const auto name = [&](FactsId seen, const std::optional<SubjectId>& subject) {
    return name_of(encounters.facts(seen)) + '\2' + (subject ? name_of(encounters.subject(*subject)) : "");
  };
  for (const AllPorts::Case& one : set.ports.cases(from, to)) {
    const Meeting& meeting = one.meeting;
    out.emplace(CaseKey{from_varies ? name(meeting.source_seen, meeting.source) : "", to_varies ? name(meeting.destination_seen, meeting.destination) : ""},
                Case{set.common(one.access), meeting});
  }
  return out;
}

// Looks cases up; an end that has one case has that one, whoever asks: hosts are told apart only where a policy could
// select them, and the other set may have such a policy.
class CaseFinder {
 public:
  explicit CaseFinder(const Cases& cases) : cases_(cases), key_(cases.begin()->first) {
    for (const auto& [key, one] : cases) {
      one_from_ &= key.first == key_.first;
      one_to_ &= key.second == key_.second;
    }
  }
  const Case* find(const CaseKey& key) const {
    const auto found = cases_.find({one_from_ ? key_.first : key.first, one_to_ ? key_.second : key.second});
    return found == cases_.end() ? nullptr : &found->second;
  }

 private:
  const Cases& cases_;
  const CaseKey& key_;
  bool one_from_ = true, one_to_ = true;
};

using CasePairs = std::vector<std::pair<Case, Case>>;
// Which cases are the same in both sets. Empty: nobody can say, as labels of nodes are others.
CasePairs aligned(const Cases& before, const Cases& after) {
  CasePairs out;
  const CaseFinder was(before), is(after);
  for (const Cases* all : {&before, &after})
    for (const auto& [key, one] : *all) {
      const Case *first = was.find(key), *second = is.find(key);
      if (first == nullptr || second == nullptr) return {};
      out.emplace_back(*first, *second);
    }
  return out;
}

// ---- all pairs ----------------------------------------------------------------------------------------

class Comparison {
 public:
  Comparison(Sets& both, const AllEnds& ends, const DiffEndIds& computable) : both_(both), ends_(ends), ids_(computable) {
    out_.whats.emplace_back();
    out_.pairs.emplace_back();
    const bool tunnels = both.before.cluster().config.tunnel_port != both.after.cluster().config.tunnel_port;
    for (const DiffEndId id : ids_) {
      const Shared& end = ends.shared[id];
      const bool plain = !tunnels || end.end.kind == DiffEnd::Kind::Workload;
      before_.push_back(plain ? both.before.ports.plain(end.before) : std::nullopt);
      after_.push_back(plain ? both.after.ports.plain(end.after) : std::nullopt);
      managed_.push_back(both.before.ports.managed(end.before) || both.after.ports.managed(end.after));
    }
  }

  Compared run() {
    compare_special();
    group();
    count();
    for (ClassId c = 0; c < out_.classes.size(); ++c) compare_plain(c);
    for (auto& pairs : out_.pairs) {
      std::sort(pairs.begin(), pairs.end());
      pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
    }
    for (WhatId w = 1; w < out_.pairs.size(); ++w)
      for (const Pair& pair : out_.pairs[w]) out_.changed += pairs_of(pair);
    return std::move(out_);
  }

 private:
  using Index = std::size_t;  // into ids_
  bool plain(Index i) const { return before_[i].has_value() && after_[i].has_value(); }
  const Shared& shared(Index i) const { return ends_.shared[ids_[i]]; }
  // Names have no traffic of their own to send: as sources they are like the addresses around them.
  bool sends(Index i) const { return shared(i).end.kind != DiffEnd::Kind::Name; }
  bool decided(Index from, Index to) const { return (managed_[from] || managed_[to]) && sends(from); }

  DiffAccess access(Set& set, const Party& from, const Party& to) {
    const Traffic traffic = set.ports.between(from, to);
    return {set.common(traffic.allowed), set.common(traffic.possible)};
  }

  WhatId intern(const What& what) {
    if (!what.changed()) return 0;
    const auto [found, fresh] = numbers_.emplace(what, static_cast<WhatId>(out_.whats.size()));
    if (fresh) {
      out_.whats.push_back(what);
      out_.pairs.emplace_back();
    }
    return found->second;
  }

  // Any two ends.
  WhatId between(Index i, Index j) {
    const Shared &from = shared(i), &to = shared(j);
    What what{access(both_.before, from.before, to.before), access(both_.after, from.after, to.after)};
    if (plain(i) && plain(j)) return intern(what);
    const Cases before = cases(both_.before, from.before, to.before, !plain(i), !plain(j));
    const Cases after = cases(both_.after, from.after, to.after, !plain(i), !plain(j));
    if (what.before == what.after)
      for (const auto& [was, is] : aligned(before, after))
        if (was.access != is.access) return intern({{was.access, was.access}, {is.access, is.access}, true});
    return intern(what);
  }

  // Ends that tables alone don't judge, with everybody.
  void compare_special() {
    with_special_.resize(ids_.size());
    for (Index s = 0; s < ids_.size(); ++s) {
      if (plain(s)) continue;
      for (Index i = 0; i < ids_.size(); ++i) {
        if (i == s && !meets_itself(both_, shared(i))) continue;
        const WhatId out = decided(s, i) ? between(s, i) : 0, in = decided(i, s) ? between(i, s) : 0;
        if (out != 0 || in != 0) with_special_[i].push_back({static_cast<std::uint32_t>(s), out, in});
      }
    }
  }

  // By the classes of both sets, and by what differs with ends that are none.
  void group() {
    const auto parties = [&](auto member) {
      Parties out;
      for (const DiffEndId id : ids_) out.push_back(ends_.shared[id].*member);
      return out;
    };
    const auto before = both_.before.ports.classes(parties(&Shared::before)), after = both_.after.ports.classes(parties(&Shared::after));
    using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::vector<Special>>;
    std::map<Key, ClassId> numbers;
    class_of_.resize(ids_.size());
    for (Index i = 0; i < ids_.size(); ++i) {
      const std::uint32_t alone = plain(i) && shared(i).end.kind == DiffEnd::Kind::Workload ? 0 : static_cast<std::uint32_t>(i) + 1;
      const auto [found, fresh] = numbers.emplace(Key{before[i], after[i], alone, with_special_[i]}, static_cast<ClassId>(out_.classes.size()));
      if (fresh) {
        out_.classes.emplace_back();
        members_.emplace_back();
      }
      class_of_[i] = found->second;
      out_.classes[found->second].push_back(ids_[i]);
      members_[found->second].push_back(i);
    }
    for (ClassId c = 0; c < members_.size(); ++c) {
      const Index i = members_[c].front();
      for (const Special& one : with_special_[i]) {
        const ClassId s = class_of_[one.special];
        if (one.sent != 0) add(one.sent, {s, c});
        if (one.received != 0) add(one.received, {c, s});
      }
      if (!plain(i)) continue;
      identities_before_[before_[i]->identity].push_back(c);
      identities_after_[after_[i]->identity].push_back(c);
      plain_.push_back(c);
    }
  }

  void add(WhatId what, Pair pair) { out_.pairs[what].push_back(pair); }

  // Whom one of c's tables treats otherwise than before.
  std::vector<ClassId> treated_otherwise(const SideAccess* before, const SideAccess* after, AccessId others_before, AccessId others_after) {
    std::vector<ClassId> asked;
    if (others_before != others_after) {
      asked = plain_;
    } else {
      const auto named = [&](const SideAccess* set, const auto& identities) {
        if (set == nullptr) return;
        for (const auto& one : set->named())
          if (const auto found = identities.find(one.identity); found != identities.end()) asked.insert(asked.end(), found->second.begin(), found->second.end());
      };
      named(before, identities_before_);
      named(after, identities_after_);
    }
    std::erase_if(asked, [&](ClassId peer) {
      const Index p = members_[peer].front();
      const AccessId was = before == nullptr ? everything : before->of(before_[p]->identity), is = after == nullptr ? everything : after->of(after_[p]->identity);
      return both_.before.common(was) == both_.after.common(is);
    });
    return asked;
  }

  void compare_plain(ClassId c) {
    const Index i = members_[c].front();
    if (!plain(i) || (!before_[i]->judged && !after_[i]->judged)) return;
    const auto others = [](Set& set, const SideAccess* one) { return one == nullptr ? AccessId{everything} : set.common(one->others()); };
    for (const auto member : {&AllPorts::Plain::egress, &AllPorts::Plain::ingress}) {
      const SideAccess *before = (*before_[i]).*member, *after = (*after_[i]).*member;
      for (const ClassId peer : treated_otherwise(before, after, others(both_.before, before), others(both_.after, after))) {
        const Pair pair = member == &AllPorts::Plain::egress ? Pair{c, peer} : Pair{peer, c};
        const Index from = members_[pair.from].front(), to = members_[pair.to].back();
        if (!sends(from)) continue;
        if (const WhatId what = between(from, to); what != 0) add(what, pair);
      }
    }
  }

  std::uint64_t pairs_of(const Pair& pair) const {
    const std::uint64_t all = std::uint64_t{members_[pair.from].size()} * members_[pair.to].size();
    if (pair.from != pair.to) return all;
    return all - static_cast<std::uint64_t>(std::count_if(members_[pair.from].begin(), members_[pair.from].end(), [&](Index i) { return !meets_itself(both_, shared(i)); }));
  }

  void count() {
    std::uint64_t managed = 0, sending = 0, sending_managed = 0, themselves = 0;
    for (Index i = 0; i < ids_.size(); ++i) {
      managed += managed_[i];
      sending += sends(i);
      sending_managed += managed_[i] && sends(i);
      themselves += managed_[i] && !meets_itself(both_, shared(i));
    }
    out_.counted = sending_managed * ids_.size() + (sending - sending_managed) * managed - themselves;
  }

  struct Special {
    std::uint32_t special = 0;  // Index
    WhatId sent = 0, received = 0;  // by the special one
    auto operator<=>(const Special&) const = default;
  };

  Sets& both_;
  const AllEnds& ends_;
  const DiffEndIds& ids_;
  std::vector<Plain> before_, after_;
  std::vector<bool> managed_;
  std::vector<std::vector<Special>> with_special_;
  std::vector<ClassId> class_of_;
  std::vector<std::vector<Index>> members_;
  std::vector<ClassId> plain_;
  std::unordered_map<std::uint32_t, std::vector<ClassId>> identities_before_, identities_after_;
  std::map<What, WhatId> numbers_;
  Compared out_;
};

}  // namespace

Compared compare(Sets& both, const AllEnds& ends, const DiffEndIds& computable) { return Comparison(both, ends, computable).run(); }

bool meets_itself(const Sets& both, const Shared& end) {
  if (end.end.kind != DiffEnd::Kind::Workload) return false;
  const auto replicated = [](const Set& set, const Party& party) {
    return std::any_of(party.ends.begin(), party.ends.end(), [&](const End& one) { return set.cluster().endpoints[one.index].kind != "Pod"; });
  };
  return end.before.ends.size() > 1 || replicated(both.before, end.before) || replicated(both.after, end.after);
}

Meetings differing(Sets& both, const AccessSets& sets, const Shared& from, const Shared& to, ir::Flow flow) {
  const auto varies = [&](Party Shared::*party, const Shared& end) { return !(party == &Shared::before ? both.before : both.after).ports.plain(end.*party); };
  const auto either = [&](const Shared& end) { return varies(&Shared::before, end) || varies(&Shared::after, end); };
  const Cases before = cases(both.before, from.before, to.before, either(from), either(to)), after = cases(both.after, from.after, to.after, either(from), either(to));
  for (const auto& [first, second] : aligned(before, after)) {
    const PortSpan *was = span_of(sets[first.access], flow), *is = span_of(sets[second.access], flow);
    if ((was == nullptr) != (is == nullptr) || (was != nullptr && was->marks != is->marks)) return {first.meeting, second.meeting};
  }
  return {before.begin()->second.meeting, after.begin()->second.meeting};
}

}  // namespace netpolc::verify::diffs
