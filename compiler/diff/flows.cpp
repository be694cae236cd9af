#include "compiler/diff/flows.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include "compiler/replay/report.h"
#include "ir/eval/fqdn.h"

namespace netpolc::compiler {
namespace {

using replay::Change;
using replay::RecordedEnd;
using verify::DiffEndId;
using verify::DiffEndIds;
using Kind = replay::RecordedEnd::Kind;
using Word = replay::SideAnswer::Word;

constexpr std::size_t kNamed = 5;

std::string counted(std::uint64_t n, const char* one, const char* many) { return std::to_string(n) + " " + (n == 1 ? one : many); }

bool has_ports(ir::Protocol protocol) { return protocol >= ir::Protocol::Tcp && protocol <= ir::Protocol::Sctp; }

std::string about(const RecordedEnd& to, ir::Flow flow) {
  if (has_ports(flow.protocol) && flow.protocol != ir::Protocol::Sctp && flow.number == 53) return "dns";
  return to_string(to) + (has_ports(flow.protocol) ? ":" + std::to_string(flow.number) : " " + replay::to_words(flow));
}

bool has(const DiffEndIds& ids, DiffEndId id) { return std::binary_search(ids.begin(), ids.end(), id); }

bool has(const verify::Access& access, ir::Flow flow) {
  return std::any_of(access.begin(), access.end(), [&](const verify::PortSpan& span) { return span.protocol == flow.protocol && span.first <= flow.number && flow.number <= span.last; });
}

// Sums, and sorts when all is there.
class Tally {
 public:
  void add(const std::string& what, std::uint64_t flows) { by_what_[what] += flows; }
  Observed sorted() const {
    Observed out{0, {by_what_.begin(), by_what_.end()}};
    std::stable_sort(out.what.begin(), out.what.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    for (const auto& one : out.what) out.flows += one.second;
    return out;
  }

 private:
  std::map<std::string, std::uint64_t> by_what_;
};
struct Tallies {
  Tally dropped, opened;
  ObservedOnLine sorted() const { return {dropped.sorted(), opened.sorted()}; }
};

class Placing {
 public:
  Placing(const verify::Diff& diff, const replay::Recording& recording, ir::CiliumVersion version, const ir::Resolutions& resolutions)
      : diff_(diff), recording_(recording), version_(version), resolutions_(resolutions), traffic_(diff.traffic.size()), enforcement_(diff.enforcement.size()), requests_(diff.requests.size()) {
    for (DiffEndId id = 0; id < diff.ends.size(); ++id) {
      ids_.emplace(diff.ends[id].name, id);
      if (diff.ends[id].kind == verify::DiffEnd::Kind::Name) names_.push_back(id);
    }
  }

  void add(const replay::Outcome& one, SeenFlows& out) {
    if (one.change == Change::Undecided) {
      out.undecided += one.flows;
      return;
    }
    const bool dropped = one.change == Change::Dropped;
    const std::uint64_t flows = dropped ? one.recorded.forwarded : one.recorded.dropped;
    if (flows == 0) return;
    (dropped ? out.dropped : out.opened) += flows;
    const replay::Connection& connection = recording_.connections()[one.connection];
    const auto from = ends(recording_.ends()[connection.from]), to = ends(recording_.ends()[connection.to]);
    const std::string what = about(recording_.ends()[connection.to], connection.flow);
    if (Tallies* line = line_of(one, connection.flow, from, to)) (dropped ? line->dropped : line->opened).add(what, flows);
    else out.in_no_line += flows;
    if (dropped) by_default(one, from, to, what, flows);
  }

  void finish(SeenFlows& out) const {
    const auto all = [](const std::vector<Tallies>& tallies) {
      std::vector<ObservedOnLine> sorted;
      for (const Tallies& one : tallies) sorted.push_back(one.sorted());
      return sorted;
    };
    out.traffic = all(traffic_);
    out.enforcement = all(enforcement_);
    out.requests = all(requests_);
  }

 private:
  // Of the comparison, the narrowest first.
  DiffEndIds ends(const RecordedEnd& end) const {
    DiffEndIds out;
    const auto add = [&](const std::string& name) {
      if (const auto found = ids_.find(name); found != ids_.end()) out.push_back(found->second);
    };
    switch (end.kind) {
      case Kind::Pod: add(to_string(end)); break;
      case Kind::Host:
      case Kind::Entity: add("entity:" + to_string(end)); break;
      case Kind::Outside: outside(end, out); break;
    }
    return out;
  }
  void outside(const RecordedEnd& end, DiffEndIds& out) const {
    for (const DiffEndId id : names_) {
      const std::string text = diff_.ends[id].name.substr(5);  // without "fqdn:"
      const bool pattern = text.find('*') != std::string::npos;
      const ir::FqdnPeer peer{pattern ? "" : text, pattern ? text : ""};
      if (std::any_of(end.names.begin(), end.names.end(), [&](const std::string& name) { return ir::eval::name_matches(peer, name, version_); })) out.push_back(id);
    }
    const auto add = [&](const std::string& name) {
      if (const auto found = ids_.find(name); found != ids_.end()) out.push_back(found->second);
    };
    // Of the addresses of a name that nothing tells apart one stands for all.
    for (const std::string& name : end.names)
      if (const auto known = resolutions_.find(name); known != resolutions_.end())
        for (const IpAddress& address : known->second)
          if (end.addresses.empty() || address.v6 == end.addresses.begin()->v6) add("ip:" + address.to_string());
    if (end.api_server) add("entity:kube-apiserver");
    if (end.prefix) add((end.prefix->length == end.prefix->address.bits() ? "ip:" + end.prefix->address.to_string() : "cidr:" + end.prefix->to_string()));
    const bool v6 = !end.addresses.empty() && end.addresses.begin()->v6;
    add(v6 ? "entity:world-ipv6" : "entity:world-ipv4");
    add("entity:world");
  }

  // The one that says of this flow what becomes of it; null: none.
  Tallies* line_of(const replay::Outcome& one, ir::Flow flow, const DiffEndIds& from, const DiffEndIds& to) {
    if (one.by_request)
      if (Tallies* line = among_requests(one, flow, from, to)) return line;
    for (const DiffEndId source : from)
      for (const DiffEndId destination : to)
        for (std::size_t i = 0; i < diff_.traffic.size(); ++i) {
          const verify::TrafficChange& line = diff_.traffic[i];
          if (has(line.from, source) && has(line.to, destination) && has(diff_.sets[one.change == Change::Dropped ? line.closed : line.opened], flow)) return &traffic_[i];
        }
    return one.by_request ? nullptr : among_requests(one, flow, from, to);
  }
  Tallies* among_requests(const replay::Outcome& one, ir::Flow flow, const DiffEndIds& from, const DiffEndIds& to) {
    for (const DiffEndId source : from)
      for (const DiffEndId destination : to)
        for (std::size_t i = 0; i < diff_.requests.size(); ++i) {
          const verify::RequestsChange& line = diff_.requests[i];
          const bool ingress = line.direction == ir::Direction::Ingress, dropped = one.change == Change::Dropped;
          const bool fits = line.kind == verify::RequestsChange::Kind::Undecided || (dropped ? line.closed : line.opened);
          if (fits && line.end == (ingress ? destination : source) && has(line.peers, ingress ? source : destination) && has(diff_.sets[line.traffic], flow)) return &requests_[i];
        }
    return nullptr;
  }

  // Dropped since nothing allows it any more: beside the endpoint that entered default deny.
  void by_default(const replay::Outcome& one, const DiffEndIds& from, const DiffEndIds& to, const std::string& what, std::uint64_t flows) {
    const auto defaults = [](const replay::SideAnswer& side) {
      return side.word == Word::Denied && side.side && side.side->verdict != nullptr && side.side->verdict->verdict == ir::Verdict::DefaultDeny;
    };
    for (std::size_t i = 0; i < diff_.enforcement.size(); ++i) {
      const verify::EnforcementChange& entered = diff_.enforcement[i];
      if (entered.after != ir::Enforcement::DefaultDeny) continue;
      const bool egress = entered.direction == ir::Direction::Egress;
      const DiffEndIds& subjects = egress ? from : to;
      if (defaults(egress ? one.now.egress : one.now.ingress) && std::find(subjects.begin(), subjects.end(), entered.end) != subjects.end()) enforcement_[i].dropped.add(what, flows);
    }
  }

  const verify::Diff& diff_;
  const replay::Recording& recording_;
  const ir::CiliumVersion version_;
  const ir::Resolutions& resolutions_;
  std::unordered_map<std::string, DiffEndId> ids_;
  DiffEndIds names_;
  std::vector<Tallies> traffic_, enforcement_, requests_;
};

std::string listed(const Observed& seen) {
  std::string out;
  const std::size_t shown = seen.what.size() <= kNamed + 1 ? seen.what.size() : kNamed;
  for (std::size_t i = 0; i < shown; ++i) out += (i == 0 ? "" : ", ") + seen.what[i].first + " ×" + std::to_string(seen.what[i].second);
  return shown == seen.what.size() ? out : out + " and " + std::to_string(seen.what.size() - shown) + " more";
}

}  // namespace

SeenFlows place(const verify::Diff& diff, const replay::Outcomes& outcomes, const replay::Recording& recording, ir::CiliumVersion version, const ir::Resolutions& resolutions, std::string sources) {
  SeenFlows out;
  out.sources = std::move(sources);
  out.flows = outcomes.flows;
  out.connections = outcomes.connections;
  out.contradicting = outcomes.contradicting;
  out.not_judged = replay::not_judged(recording);
  out.not_judged_json = replay::not_judged_json(recording);
  out.lost = recording.lost();
  out.bad = recording.bad();
  Placing placing(diff, recording, version, resolutions);
  for (const replay::Outcome& one : outcomes.all) placing.add(one, out);
  placing.finish(out);
  return out;
}

std::vector<std::string> to_words(const ObservedOnLine& seen, const std::string& sources) {
  std::vector<std::string> out;
  if (seen.dropped.flows != 0) out.push_back(counted(seen.dropped.flows, "observed flow", "observed flows") + " would now be dropped (--flows " + sources + "): " + listed(seen.dropped));
  if (seen.opened.flows != 0) out.push_back(counted(seen.opened.flows, "observed flow that was dropped", "observed flows that were dropped") + " would now pass (--flows " + sources + "): " + listed(seen.opened));
  return out;
}

std::string to_words(const SeenFlows& seen) {
  std::string out = "Observed flows (--flows " + seen.sources + "): ";
  if (seen.dropped != 0) out += std::to_string(seen.dropped) + " would now be dropped, ";
  if (seen.opened != 0) out += std::to_string(seen.opened) + " that " + (seen.opened == 1 ? "was" : "were") + " dropped would now pass, ";
  if (seen.undecided != 0) out += std::to_string(seen.undecided) + " undecided, ";
  out += std::to_string(seen.unchanged()) + (seen.unchanged() == 1 ? " fares" : " fare") + " as before.";
  if (seen.in_no_line != 0) out += "\n" + counted(seen.in_no_line, "of them is", "of them are") + " in no line: their ends are not compared, or only some replicas, nodes or addresses differ.";
  if (seen.contradicting != 0) out += "\n" + counted(seen.contradicting, "flow", "flows") + " of the recording fared otherwise than the set before says.";
  if (!seen.not_judged.empty()) out += "\nNot judged: " + seen.not_judged + ".";
  if (seen.lost != 0) out += "\nThe recording has gaps: " + counted(seen.lost, "event was", "events were") + " lost.";
  return out;
}

}  // namespace netpolc::compiler
