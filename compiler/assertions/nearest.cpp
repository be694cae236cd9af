#include "compiler/assertions/nearest.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "compiler/answers.h"

namespace netpolc::compiler::assertions {
namespace {

constexpr std::size_t kMostAsked = 4096;  // flows: a rule of thousands of ports explains nothing

bool has_ports(ir::Protocol protocol) { return protocol == ir::Protocol::Tcp || protocol == ir::Protocol::Udp || protocol == ir::Protocol::Sctp; }

// A flow that the match is about; of a named port, by those of the subject.
std::optional<ir::Flow> one_flow(const ir::PortMatch& match, ir::Flow asked, const ir::Subject& subject, ir::Direction direction) {
  const ir::Protocol protocol = match.protocol != ir::Protocol::Any ? match.protocol : has_ports(asked.protocol) ? asked.protocol : ir::Protocol::Tcp;
  if (match.name.empty()) return ir::Flow{protocol, match.first};
  if (direction == ir::Direction::Egress) return std::nullopt;
  for (const ir::NamedPort& port : subject.named_ports)
    if (port.name == match.name && (match.protocol == ir::Protocol::Any || match.protocol == port.protocol)) return ir::Flow{port.protocol, port.port};
  return std::nullopt;
}

bool covers(const ir::Rule& rule, ir::Flow flow) {
  if (rule.any_l4) return true;
  for (const ir::PortRule& item : rule.ports)
    for (const ir::PortMatch& match : item.ports) {
      const bool protocol = match.protocol == flow.protocol || (match.protocol == ir::Protocol::Any && has_ports(flow.protocol));
      const bool every = match.first == 0 && match.last == 0;
      if (protocol && match.name.empty() && (every || (match.first <= flow.number && flow.number <= std::max(match.first, match.last)))) return true;
    }
  return false;
}

class Search {
 public:
  Search(verify::Judge& judge, const ir::PolicySet& policies, verify::SubjectId subject, ir::Direction direction, verify::FactsId peer, ir::Flow flow)
      : judge_(judge), policies_(policies), subject_(subject), direction_(direction), peer_(peer), flow_(flow) {}

  std::optional<Nearest> run() {
    const ir::SideVerdict denied = judge_.verdict(subject_, direction_, peer_, flow_);
    if (denied.verdict != ir::Verdict::DefaultDeny) return std::nullopt;
    std::set<std::uint32_t> selecting;
    for (const ir::RuleRef& ref : denied.rules) selecting.insert(ref.policy);
    for (const std::uint32_t policy : selecting)
      for (std::uint32_t r = 0; r < policies_.policies[policy].rules.size(); ++r) look_at({policy, r});
    return by_port_ ? by_port_ : by_peer_;
  }

 private:
  void look_at(ir::RuleRef ref) {
    const ir::Rule& rule = policies_.policies[ref.policy].rules[ref.rule];
    if (rule.direction != direction_ || rule.action != ir::Action::Allow) return;
    const char* to = direction_ == ir::Direction::Ingress ? "from" : "to";
    for (const ir::PortRule& item : rule.ports)
      for (const ir::PortMatch& match : item.ports)
        if (const auto flow = one_flow(match, flow_, judge_.encounters().subject(subject_), direction_); flow && ++asked_ <= kMostAsked && allows(ref, *flow)) {
          if (has_ports(flow->protocol) != has_ports(flow_.protocol)) continue;
          const int distance = flow->protocol == flow_.protocol ? std::abs(flow->number - flow_.number) : 1 << 16;
          if (by_port_ && distance >= distance_) continue;
          distance_ = distance;
          by_port_ = Nearest{ref, "allows " + flow_text(*flow) + " " + to + " it, and asked was " + flow_text(flow_)};
        }
    if (!by_peer_ && covers(rule, flow_)) by_peer_ = Nearest{ref, std::string("allows ") + flow_text(flow_) + ", and not " + to + " it"};
  }

  bool allows(ir::RuleRef ref, ir::Flow flow) {
    const ir::SideVerdict& verdict = judge_.verdict(subject_, direction_, peer_, flow);
    const bool passes = verdict.verdict == ir::Verdict::Allow || verdict.verdict == ir::Verdict::AllowL7;
    return passes && std::find(verdict.rules.begin(), verdict.rules.end(), ref) != verdict.rules.end();
  }

  verify::Judge& judge_;
  const ir::PolicySet& policies_;
  const verify::SubjectId subject_;
  const ir::Direction direction_;
  const verify::FactsId peer_;
  const ir::Flow flow_;
  std::size_t asked_ = 0;
  int distance_ = 0;
  std::optional<Nearest> by_port_, by_peer_;
};

}  // namespace

std::optional<Nearest> nearest(verify::Judge& judge, const ir::PolicySet& policies, verify::SubjectId subject, ir::Direction direction, verify::FactsId peer, ir::Flow flow) {
  return Search(judge, policies, subject, direction, peer, flow).run();
}

}  // namespace netpolc::compiler::assertions
