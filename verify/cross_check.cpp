#include "verify/cross_check.h"

#include <stdexcept>
#include <string>

#include "verify/smt/solver.h"
#include "verify/symbolic/encode.h"

namespace netpolc::verify {

// What the datapath drops before it asks policy is none of the tables' business.
struct CrossCheck::Prepared {
  explicit Prepared(const ir::eval::World& given) : cluster(given.cluster), world{given.policies, cluster, given.resolutions}, rules(world) {
    cluster.config.tunnel_port = 0;
  }
  ir::Cluster cluster;
  const ir::eval::World world;
  const symbolic::PreparedRules rules;
  z3::context context;
};

namespace {

std::string people(const ir::LabelSet& labels) {
  std::string out;
  for (const ir::Label& label : labels) out += (out.empty() ? "" : " ") + label.to_string();
  return out;
}

bool has(const Access& access, ir::Flow flow) {
  for (const PortSpan& span : access)
    if (span.protocol == flow.protocol && flow.number >= span.first && flow.number <= span.last) return true;
  return false;
}

}  // namespace

CrossCheck::CrossCheck(const ir::eval::World& world, const AccessSets& sets, SolverBudget budget)
    : sets_(sets), budget_(budget), prepared_(std::make_unique<Prepared>(world)) {}
CrossCheck::~CrossCheck() = default;

bool CrossCheck::agrees(const ir::Subject& subject, ir::Direction direction, const ir::PeerFacts& peer, const Access& access) {
  ++asked_;
  z3::context& context = prepared_->context;
  symbolic::Encoder encoder(prepared_->world, prepared_->rules, context, {}, false);
  const symbolic::Traffic traffic(context, {});
  const symbolic::SideTerms side = encoder.side(direction, {nullptr, &subject, nullptr}, {nullptr, nullptr, &peer}, traffic);
  std::vector<z3::expr> all, plain;
  for (const PortSpan& span : access) {
    const z3::expr in = smt::all(context, {traffic.is(span.protocol), traffic.within(span.first, span.last)});
    all.push_back(in);
    if (sets_.marks(span.marks).l7.empty()) plain.push_back(in);
  }
  const auto differs = [&](const z3::expr& one, const z3::expr& other) { return smt::any(context, {smt::all(context, {one, smt::negate(other)}), smt::all(context, {smt::negate(one), other})}); };
  z3::expr differ = differs(side.allowed, smt::any(context, all));
  if (prepared_->world.cluster.config.version >= 17) differ = smt::any(context, {differ, differs(side.plain, smt::any(context, plain))});
  if (differ.is_false()) return true;
  smt::Solver solver(context, {budget_.steps, budget_.milliseconds});
  solver.add(differ);
  for (const z3::expr& fact : traffic.facts()) solver.add(fact);
  for (const z3::expr& fact : encoder.facts()) solver.add(fact);
  for (const z3::expr& fact : encoder.preferences()) solver.add(fact);  // ports have the names that pods at hand give them
  const smt::Answer answer = solver.ask("cross-check");
  const auto* found = std::get_if<smt::Possible>(&answer);
  if (found == nullptr) return std::holds_alternative<smt::Impossible>(answer);
  const ir::Flow flow = traffic.flow(found->model);
  const bool solved = found->model.eval(side.allowed, true).is_true();
  throw std::logic_error("the set engine and the solver disagree: " + std::string(direction == ir::Direction::Ingress ? "ingress of " : "egress of ") + people(subject.labels) +
                         (direction == ir::Direction::Ingress ? " from " : " to ") + people(peer.labels) + (peer.address ? " " + peer.address->to_string() : "") + ", " +
                         ir::to_string(flow.protocol) + "/" + std::to_string(flow.number) + " is " + (has(access, flow) ? "allowed" : "denied") + " to the set engine and " +
                         (solved ? "allowed" : "denied") + " to the solver" + (has(access, flow) == solved ? ", which see proxies in other places" : ""));
}

}  // namespace netpolc::verify
