#include "compiler/report/model.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "compiler/answers.h"
#include "compiler/report/names.h"
#include "compiler/traffic_text.h"
#include "ir/eval/inspect.h"
#include "verify/diff/ends.h"

namespace netpolc::compiler {
namespace {

using verify::DiffEndId;
using verify::EndKind;
using verify::Party;
using verify::diffs::StandIns;
using Kind = ReportCell::Kind;

verify::DiffWorld world_of(const Session& session) { return {session.loaded.policies, session.loaded.cluster, session.resolutions, session.lock}; }

std::string access_text(TrafficText& texts, verify::AccessId allowed, verify::AccessId possible) {
  std::string out = texts.text(allowed);
  if (possible != allowed) out += "; for some replicas, nodes or addresses " + texts.text(possible);
  return out;
}

// Who is there, and what a comparison calls it.
struct Somebody {
  Party party;
  std::optional<DiffEndId> id;
  bool came = false;
  bool is_workload() const { return party.ends.front().kind == EndKind::Endpoint; }
};

class Maker {
 public:
  // All of it outlives this. `set` is what the session has, with addresses for names that have none.
  Maker(const Session& session, verify::diffs::Set& set, const StandIns& names, std::vector<Somebody> everybody)
      : session_(session), names_(names), judge_(set.judge), ports_(set.ports), texts_(ports_.sets()), everybody_(std::move(everybody)) {
    const auto key = [](const Somebody& one) { return std::tuple(!one.is_workload(), one.is_workload() ? one.party.name : ""); };
    std::stable_sort(everybody_.begin(), everybody_.end(), [&](const Somebody& a, const Somebody& b) { return key(a) < key(b); });
  }

  Report make(const verify::Diff* diff) {
    out_.cilium = "1." + std::to_string(session_.loaded.cluster.config.version);
    out_.texts = {"nothing"};
    policies();
    ends(lines_of(diff));
    if (diff != nullptr) changes(*diff);
    return std::move(out_);
  }

 private:
  void policies() {
    const auto& all = session_.loaded.policies.policies;
    std::vector<std::uint32_t> order;
    for (std::uint32_t p = 0; p < all.size(); ++p) order.push_back(p);
    const auto key = [&](std::uint32_t p) { return std::tuple(std::string(ir::to_string(all[p].kind)), all[p].ns, all[p].name); };
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
    place_of_.resize(all.size());
    for (const std::uint32_t p : order) {
      const ir::Policy& policy = all[p];
      const std::string name = std::string(ir::to_string(policy.kind)) + " " + (policy.ns.empty() ? "" : policy.ns + "/") + policy.name;
      // Several specs of one object are several policies: one row.
      if (out_.policies.empty() || out_.policies.back().name != name)
        out_.policies.push_back({name, session_.sources.path(policy.where.file) + ":" + std::to_string(session_.sources.locate(policy.where.file, policy.where.begin).line), 0, 0, {}});
      out_.policies.back().rules += policy.rules.size();
      for (std::string& line : meaning_of(policy, session_.loaded.cluster.config)) out_.policies.back().meaning.push_back(std::move(line));
      for (const ir::Rule& rule : policy.rules) out_.names += std::any_of(rule.peers.begin(), rule.peers.end(), [](const ir::Peer& peer) { return std::holds_alternative<ir::FqdnPeer>(peer); }) ? 1 : 0;
      place_of_[p] = static_cast<std::uint32_t>(out_.policies.size() - 1);
    }
  }

  // Of each end the lines of the comparison that it is in, and on which side.
  using Lines = std::vector<std::size_t>;
  static std::vector<Lines> lines_of(const verify::Diff* diff) {
    if (diff == nullptr) return {};
    std::vector<Lines> out(diff->ends.size());
    for (std::size_t line = 0; line < diff->traffic.size(); ++line) {
      for (const DiffEndId id : diff->traffic[line].from) out[id].push_back(2 * line);
      for (const DiffEndId id : diff->traffic[line].to) out[id].push_back(2 * line + 1);
    }
    return out;
  }

  void ends(const std::vector<Lines>& lines) {
    verify::Parties parties;
    for (const Somebody& one : everybody_) parties.push_back(one.party);
    const std::vector<std::uint32_t> classes = ports_.classes(parties);
    for (const Somebody& one : everybody_) add_end(one);
    add_names(session_, ports_.identities(), names_, parties, out_.ends);
    // What is of one class and in the same changes.
    std::map<std::tuple<std::uint32_t, bool, Lines>, std::uint32_t> numbers;
    for (std::uint32_t e = 0; e < parties.size(); ++e) {
      ReportEnd& end = out_.ends[e];
      const auto& id = everybody_[e].id;
      const std::tuple key(classes[e], end.sends, id && *id < lines.size() ? lines[*id] : Lines{});
      end.group = numbers.emplace(key, static_cast<std::uint32_t>(out_.groups.size())).first->second;
      if (end.group == out_.groups.size()) out_.groups.emplace_back();
      out_.groups[end.group].push_back(e);
    }
    cells(parties);
  }

  void add_end(const Somebody& one) {
    const verify::End& first = one.party.ends.front();
    ReportEnd& end = out_.ends.emplace_back();
    end.name = one.party.name;
    end.came = one.came;
    const bool world = end.name.starts_with("entity:world");
    end.kind = one.is_workload() ? ReportEnd::Kind::Workload : first.kind == EndKind::Address || world ? ReportEnd::Kind::Outside : ReportEnd::Kind::Inside;
    const auto prefix = end.name.starts_with("cidr:") ? IpPrefix::parse(end.name.substr(5)) : std::nullopt;
    end.internet = world || (prefix && verify::is_routed(*prefix)) || (first.kind == EndKind::Address && !prefix && verify::is_routed(IpPrefix::host(*first.address)));
    if (one.is_workload()) workload(end, first.index);
  }

  void workload(ReportEnd& end, std::uint32_t index) {
    end.ns = session_.loaded.cluster.endpoints[index].ns;
    const auto subject = judge_.encounters().endpoint_subject(index);
    if (!subject) return;
    const auto& policy = judge_.policy(*subject);
    end.ingress = to_string(policy.enforcement(ir::Direction::Ingress));
    end.egress = to_string(policy.enforcement(ir::Direction::Egress));
    const auto [known, fresh] = selecting_.try_emplace(*subject);
    if (fresh) known->second = selecting(judge_.encounters().subject(*subject));
    end.policies = known->second;
    for (const std::uint32_t p : end.policies) ++out_.policies[p].selected;
  }

  std::vector<std::uint32_t> selecting(const ir::Subject& subject) const {
    std::vector<std::uint32_t> out;
    const auto& all = session_.loaded.policies.policies;
    for (std::uint32_t p = 0; p < all.size(); ++p)
      if (ir::eval::selects(all[p], subject)) out.push_back(place_of_[p]);
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  void cells(const verify::Parties& parties) {
    for (const auto& from : out_.groups) {
      auto& row = out_.cells.emplace_back();
      for (const auto& to : out_.groups) row.push_back(out_.ends[from.front()].sends ? cell(parties[from.front()], parties[to.back()]) : ReportCell{});
    }
  }

  ReportCell cell(const Party& from, const Party& to) {
    if (!ports_.decided(from, to)) return {};
    const verify::Traffic traffic = ports_.between(from, to);
    if (traffic.word == verify::Word::Undecided) return {Kind::Undecided, text(traffic.reason)};
    if (traffic.possible == verify::nothing) return {Kind::Nothing, 0};
    return {traffic.allowed == verify::everything ? Kind::Everything : Kind::Some, text(access_text(texts_, traffic.allowed, traffic.possible))};
  }

  void changes(const verify::Diff& diff) {
    TrafficText texts(diff.sets);
    std::vector<std::optional<std::uint32_t>> group_of(diff.ends.size());
    for (std::uint32_t e = 0; e < everybody_.size(); ++e)
      if (everybody_[e].id) group_of[*everybody_[e].id] = out_.ends[e].group;
    const auto groups = [&](const verify::DiffEndIds& ids) {
      std::set<std::uint32_t> out;
      for (const DiffEndId id : ids)
        if (group_of[id]) out.insert(*group_of[id]);
      return out;
    };
    for (const verify::TrafficChange& line : diff.traffic) {
      const char mark = line.kind == verify::ChangeKind::Opened ? '+' : line.kind == verify::ChangeKind::Closed ? '-' : '~';
      const std::uint32_t number = change({mark, to_string(line.kind), text(access_text(texts, line.before.allowed, line.before.possible))});
      const auto to = groups(line.to);
      for (const std::uint32_t f : groups(line.from))
        for (const std::uint32_t t : to)
          if (out_.ends[out_.groups[f].front()].sends) out_.cells[f][t].change = number;
    }
  }

  // Lines that say the same are one change.
  std::uint32_t change(const ReportChange& one) {
    const auto number = static_cast<std::uint32_t>(std::find(out_.changes.begin(), out_.changes.end(), one) - out_.changes.begin());
    if (number == out_.changes.size()) out_.changes.push_back(one);
    return number;
  }

  std::uint32_t text(const std::string& said) {
    const auto [found, fresh] = text_of_.emplace(said, static_cast<std::uint32_t>(out_.texts.size()));
    if (fresh) out_.texts.push_back(said);
    return found->second;
  }

  const Session& session_;
  const StandIns& names_;
  verify::Judge& judge_;
  verify::AllPorts& ports_;
  TrafficText texts_;
  std::vector<Somebody> everybody_;
  std::vector<std::uint32_t> place_of_;
  std::map<std::string, std::uint32_t> text_of_{{"nothing", 0}};
  std::map<verify::SubjectId, std::vector<std::uint32_t>> selecting_;  // pods of one deployment are one subject
  Report out_;
};

// Those of `verify --all-ports any`.
std::vector<Somebody> everybody(const verify::diffs::Set& set) {
  std::vector<Somebody> out;
  verify::Parties parties = *set.ports.parties("any");
  for (Party& party : parties) out.push_back({std::move(party), std::nullopt});
  return out;
}

// Those that a comparison has, numbered as there. Reserved identities that only it asks about are there if something changed.
std::vector<Somebody> everybody(verify::diffs::Sets& both, const StandIns& names, const verify::Diff& diff) {
  std::set<std::string> known;
  const verify::Parties parties = *both.after.ports.parties("any");
  for (const Party& party : parties) known.insert(party.name);
  std::set<DiffEndId> changed;
  for (const auto& line : diff.traffic) {
    changed.insert(line.from.begin(), line.from.end());
    changed.insert(line.to.begin(), line.to.end());
  }
  std::vector<Somebody> out;
  verify::diffs::AllEnds all = all_ends(both, names);
  DiffEndId id = 0;
  for (auto& one : all.shared) {
    if (one.end.kind != verify::DiffEnd::Kind::Entity || known.count(one.end.name) != 0 || changed.count(id) != 0) {
      one.after.name = one.end.name;
      out.push_back({std::move(one.after), id});
    }
    ++id;
  }
  for (auto& one : all.singles) {
    if (one.came) out.push_back({std::move(one.party), id, true});
    ++id;
  }
  return out;
}

}  // namespace

Report make_report(const Session& session) {
  const verify::DiffWorld world = world_of(session);
  const StandIns names = verify::diffs::stand_ins(world, world);
  verify::AccessSets common;
  verify::diffs::Set set(world, names.resolutions, common);
  return Maker(session, set, names, everybody(set)).make(nullptr);
}

Report make_report(const Session& before, const std::string& against, const Session& after) {
  const verify::Diff diff = verify::diff(world_of(before), world_of(after));
  const StandIns names = verify::diffs::stand_ins(world_of(before), world_of(after));
  verify::AccessSets common;
  verify::diffs::Sets both{{world_of(before), names.resolutions, common}, {world_of(after), names.resolutions, common}};
  Report out = Maker(after, both.after, names, everybody(both, names, diff)).make(&diff);
  out.against = against;
  out.difference = report(diff, before, after);
  out.difference_unsure = chooses_otherwise(before) || chooses_otherwise(after);
  return out;
}

std::string change_text(const Report& report, const ReportCell& cell) {
  if (cell.change == 0) return "";
  const ReportChange& change = report.changes[cell.change];
  return change.word + ": " + report.texts[change.before] + " → " + report.texts[cell.text];
}

}  // namespace netpolc::compiler
