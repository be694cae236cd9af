#include "verify/diff/diff.h"

#include <algorithm>
#include <set>

#include "verify/diff/lines.h"
#include "verify/diff/requests.h"

namespace netpolc::verify {
namespace {

// Addresses of the world that no network outside routes.
constexpr const char* kPrivate[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128"};

using namespace diffs;

constexpr ir::Direction kDirections[] = {ir::Direction::Ingress, ir::Direction::Egress};

// ---- endpoints alone ----------------------------------------------------------------------------------

std::string reason(Set& set, const Party& party) {
  const ir::Incomputable* why = set.ports.incomputable(party);
  return why == nullptr ? "" : why->reason.empty() ? "it cannot be computed" : why->reason;
}

// Sorts out whose policy can't be computed, in either set.
DiffEndIds computable(Sets& both, const AllEnds& ends, Diff& out) {
  DiffEndIds ids;
  for (DiffEndId id = 0; id < ends.shared.size(); ++id) {
    UndecidedEnd one{id, reason(both.before, ends.shared[id].before), reason(both.after, ends.shared[id].after)};
    if (one.before.empty() && one.after.empty()) ids.push_back(id);
    else out.undecided.push_back(std::move(one));
  }
  return ids;
}

struct Enforced {
  ir::Enforcement how = ir::Enforcement::None;
  std::optional<SubjectId> subject;  // one that is enforced so
};
// Of several (hosts of nodes) the strictest.
Enforced enforced(Set& set, const Party& party, ir::Direction direction) {
  Enforced out;
  const auto tables = set.ports.tables(party);
  if (tables.empty()) return out;
  for (const End& end : party.ends)
    for (const auto& face : set.judge.encounters().faces(end)) {
      if (!face.subject) continue;
      const ir::DecisionTable& table = *tables.front();
      const bool simple = tables.size() == 1 && !table.incomputable;
      const ir::Enforcement how = !simple ? set.judge.policy(*face.subject).enforcement(direction) : direction == ir::Direction::Ingress ? table.ingress.enforcement : table.egress.enforcement;
      if (how >= out.how) out = {how, face.subject};
    }
  return out;
}

// Asked for a peer that nobody knows and a protocol that few allow.
std::vector<ir::RuleRef> switched_on_by(Set& set, const Enforced& enforced, ir::Direction direction) {
  if (enforced.how != ir::Enforcement::DefaultDeny) return {};
  ir::PeerFacts nobody;
  nobody.unknown = true;
  for (const ir::Flow flow : {ir::Flow{ir::Protocol::Ah, 0}, ir::Flow{ir::Protocol::Any, 0}, ir::Flow{ir::Protocol::Sctp, 1}}) {
    auto verdict = set.judge.policy(*enforced.subject).judge(direction, nobody, flow);
    if (verdict.verdict == ir::Verdict::DefaultDeny) return std::move(verdict.rules);
  }
  return {};
}

void compare_enforcement(Sets& both, const AllEnds& ends, const DiffEndIds& ids, Diff& out) {
  for (const DiffEndId id : ids)
    for (const ir::Direction direction : kDirections) {
      const Enforced before = enforced(both.before, ends.shared[id].before, direction), after = enforced(both.after, ends.shared[id].after, direction);
      if ((before.how == ir::Enforcement::DefaultDeny) == (after.how == ir::Enforcement::DefaultDeny)) continue;
      out.enforcement.push_back({id, direction, before.how, after.how, switched_on_by(both.before, before, direction), switched_on_by(both.after, after, direction)});
    }
}

void add_arrivals(Sets& both, const AllEnds& ends, Diff& out) {
  const Party world{"entity:world", *both.after.judge.directory().resolve("entity:world", std::nullopt)};
  for (const Single& one : ends.singles) {
    Arrival arrival{static_cast<DiffEndId>(out.ends.size()), one.came};
    out.ends.push_back(one.end);
    Set& set = one.came ? both.after : both.before;
    if (const std::string why = reason(set, one.party); !why.empty()) out.undecided.push_back({arrival.end, one.came ? "" : why, one.came ? why : ""});
    else if (one.came && both.after.ports.decided(world, one.party)) arrival.from_internet = both.after.common(both.after.ports.between(world, one.party).possible);
    out.arrivals.push_back(arrival);
  }
}

// Those that are in no line about traffic, each once.
void count_request_pairs(Diff& out) {
  std::set<std::pair<DiffEndId, DiffEndId>> decided, undecided;
  for (const RequestsChange& one : out.requests)
    for (const DiffEndId peer : one.peers) {
      const std::pair pair = one.direction == ir::Direction::Ingress ? std::pair(peer, one.end) : std::pair(one.end, peer);
      const auto has = [](const DiffEndIds& ids, DiffEndId id) { return std::binary_search(ids.begin(), ids.end(), id); };
      if (std::any_of(out.traffic.begin(), out.traffic.end(), [&](const TrafficChange& line) { return has(line.from, pair.first) && has(line.to, pair.second); })) continue;
      (one.opened || one.closed ? decided : undecided).insert(pair);
    }
  out.request_pairs = decided.size();
  out.undecided_request_pairs = static_cast<std::uint64_t>(std::count_if(undecided.begin(), undecided.end(), [&](const auto& pair) { return !decided.contains(pair); }));
}

// ---- why -----------------------------------------------------------------------------------------------

// A flow that people know, of what opened, closed, or goes another way.
ir::Flow example(const TrafficChange& line, const AccessSets& sets) {
  const Access& all = sets[line.opened != nothing ? line.opened : line.closed];
  const auto tcp = std::find_if(all.begin(), all.end(), [](const PortSpan& span) { return span.protocol == ir::Protocol::Tcp; });
  const PortSpan& span = tcp != all.end() ? *tcp : all.front();
  const bool ports = span.protocol >= ir::Protocol::Tcp && span.protocol <= ir::Protocol::Sctp;
  return {span.protocol, ports && span.first == 0 && span.last > 0 ? std::uint16_t{1} : span.first};
}

DiffSides judged(Set& set, const Meeting& meeting, ir::Flow flow) {
  DiffSides out;
  if (meeting.source) out.egress = set.judge.verdict(*meeting.source, ir::Direction::Egress, meeting.destination_seen, flow);
  if (meeting.destination) out.ingress = set.judge.verdict(*meeting.destination, ir::Direction::Ingress, meeting.source_seen, flow);
  return out;
}

void explain(TrafficChange& line, Sets& both, const AllEnds& ends, const AccessSets& sets) {
  line.example_from = line.from.front();
  line.example_to = line.to.front();
  if (line.example_from == line.example_to && line.to.size() > 1) line.example_to = line.to[1];
  else if (line.example_from == line.example_to && line.from.size() > 1) line.example_from = line.from[1];
  line.flow = example(line, sets);
  const Meetings meetings = differing(both, sets, ends.shared[line.example_from], ends.shared[line.example_to], line.flow);
  line.why_before = judged(both.before, meetings.before, line.flow);
  line.why_after = judged(both.after, meetings.after, line.flow);
}

bool exposes(const TrafficChange& line, const std::vector<DiffEnd>& ends, AccessSets& sets) {
  const auto any = [&](const DiffEndIds& ids, auto&& is) { return std::any_of(ids.begin(), ids.end(), [&](DiffEndId id) { return is(ends[id]); }); };
  return sets.without(line.after.possible, line.before.possible) != nothing && any(line.from, [](const DiffEnd& end) { return end.internet; }) &&
         any(line.to, [](const DiffEnd& end) { return end.kind == DiffEnd::Kind::Workload; });
}

}  // namespace

bool Diff::differs() const {
  return !traffic.empty() || !enforcement.empty() || !arrivals.empty() || std::any_of(requests.begin(), requests.end(), [](const RequestsChange& one) { return one.opened || one.closed; });
}

bool Diff::is_undecided() const {
  return !undecided.empty() || std::any_of(requests.begin(), requests.end(), [](const RequestsChange& one) { return one.kind == RequestsChange::Kind::Undecided; });
}

Diff diff(const DiffWorld& before, const DiffWorld& after) {
  Diff out;
  const StandIns names = stand_ins(before, after);
  Sets both{{before, names.resolutions, out.sets}, {after, names.resolutions, out.sets}};
  const AllEnds ends = all_ends(both, names);
  for (const Shared& end : ends.shared) out.ends.push_back(end.end);
  const DiffEndIds ids = computable(both, ends, out);
  const Compared compared = compare(both, ends, ids);
  out.pairs = compared.counted;
  out.changed_pairs = compared.changed;
  out.traffic = lines(compared, ends, both, out.sets);
  for (TrafficChange& line : out.traffic) {
    explain(line, both, ends, out.sets);
    line.exposes = exposes(line, out.ends, out.sets);
  }
  compare_enforcement(both, ends, ids, out);
  out.requests = requests(both, out.sets, ends, ids);
  count_request_pairs(out);
  out.policies_before = both.before.ports.distinct_policies();
  out.policies_after = both.after.ports.distinct_policies();
  add_arrivals(both, ends, out);
  return out;
}

bool is_routed(const IpPrefix& prefix) {
  return std::none_of(std::begin(kPrivate), std::end(kPrivate), [&](const char* text) { return IpPrefix::parse(text)->contains(prefix); });
}

}  // namespace netpolc::verify
