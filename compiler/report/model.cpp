#include "compiler/report/model.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "compiler/answers.h"
#include "compiler/traffic_text.h"
#include "ir/eval/inspect.h"
#include "verify/all_ports.h"
#include "verify/diff/diff.h"
#include "verify/judge.h"

namespace netpolc::compiler {
namespace {

using verify::EndKind;
using verify::Party;
using Kind = ReportCell::Kind;

class Maker {
 public:
  explicit Maker(const Session& session)
      : session_(session), world_{session.loaded.policies, session.loaded.cluster, session.resolutions}, judge_(world_, session.lock),
        ports_(world_, session.lock, judge_), texts_(ports_.sets()) {}

  Report make() {
    out_.cilium = "1." + std::to_string(session_.loaded.cluster.config.version);
    out_.texts = {"nothing"};
    parties_ = *ports_.parties("any");
    std::stable_sort(parties_.begin(), parties_.end(), [](const Party& a, const Party& b) { return std::tuple(rank(a), rank(a) == 0 ? a.name : "") < std::tuple(rank(b), rank(b) == 0 ? b.name : ""); });
    policies();
    ends();
    cells();
    return std::move(out_);
  }

 private:
  static int rank(const Party& party) { return party.ends.front().kind == EndKind::Endpoint ? 0 : 1; }

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
        out_.policies.push_back({name, session_.sources.path(policy.where.file) + ":" + std::to_string(session_.sources.locate(policy.where.file, policy.where.begin).line), 0, 0});
      out_.policies.back().rules += policy.rules.size();
      for (const ir::Rule& rule : policy.rules) out_.names += std::any_of(rule.peers.begin(), rule.peers.end(), [](const ir::Peer& peer) { return std::holds_alternative<ir::FqdnPeer>(peer); }) ? 1 : 0;
      place_of_[p] = static_cast<std::uint32_t>(out_.policies.size() - 1);
    }
  }

  void ends() {
    const std::vector<std::uint32_t> groups = ports_.classes(parties_);
    std::map<std::uint32_t, std::uint32_t> numbers;
    for (std::uint32_t e = 0; e < parties_.size(); ++e) {
      const verify::End& first = parties_[e].ends.front();
      ReportEnd& end = out_.ends.emplace_back();
      end.name = parties_[e].name;
      end.group = numbers.emplace(groups[e], static_cast<std::uint32_t>(out_.groups.size())).first->second;
      if (end.group == out_.groups.size()) out_.groups.emplace_back();
      out_.groups[end.group].push_back(e);
      const bool world = end.name.starts_with("entity:world");
      end.kind = first.kind == EndKind::Endpoint ? ReportEnd::Kind::Workload : first.kind == EndKind::Address || world ? ReportEnd::Kind::Outside : ReportEnd::Kind::Inside;
      const auto prefix = end.name.starts_with("cidr:") ? IpPrefix::parse(end.name.substr(5)) : std::nullopt;
      end.internet = world || (prefix && verify::is_routed(*prefix));
      if (first.kind == EndKind::Endpoint) workload(end, first.index);
    }
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

  void cells() {
    for (const auto& from : out_.groups) {
      auto& row = out_.cells.emplace_back();
      for (const auto& to : out_.groups) row.push_back(cell(parties_[from.front()], parties_[to.back()]));
    }
  }

  ReportCell cell(const Party& from, const Party& to) {
    if (!ports_.decided(from, to)) return {Kind::Unsaid, 0};
    const verify::Traffic traffic = ports_.between(from, to);
    if (traffic.word == verify::Word::Undecided) return {Kind::Undecided, text(traffic.reason)};
    std::string said = texts_.text(traffic.allowed);
    if (traffic.possible != traffic.allowed) said += "; for some replicas, nodes or addresses " + texts_.text(traffic.possible);
    if (traffic.possible == verify::nothing) return {Kind::Nothing, 0};
    return {traffic.allowed == verify::everything ? Kind::Everything : Kind::Some, text(said)};
  }

  std::uint32_t text(const std::string& said) {
    const auto [found, fresh] = text_of_.emplace(said, static_cast<std::uint32_t>(out_.texts.size()));
    if (fresh) out_.texts.push_back(said);
    return found->second;
  }

  const Session& session_;
  const ir::eval::World world_;
  verify::Judge judge_;
  verify::AllPorts ports_;
  TrafficText texts_;
  verify::Parties parties_;
  std::vector<std::uint32_t> place_of_;
  std::map<std::string, std::uint32_t> text_of_;
  std::map<verify::SubjectId, std::vector<std::uint32_t>> selecting_;  // pods of one deployment are one subject
  Report out_;
};

}  // namespace

Report make_report(const Session& session) { return Maker(session).make(); }

}  // namespace netpolc::compiler
