// What is said of a packet: np_refuse drops and counts it, np_report makes an event of it.
#include <cstddef>

#include "verify/bytecode/packet_proof.h"
#include "verify/bytecode/runtime_parts.h"

namespace netpolc::verify::bytecode {
namespace {

// What it returns says nothing: whoever calls it drops the packet, which is for their proofs.
class RefuseProof : PacketProof {
 public:
  RefuseProof(const Object& object, Effort effort, Part& out) : PacketProof(object, "np_refuse", effort, out) {}

  void prove() {
    const z3::expr direction = symbol("direction", 64), reason = symbol("reason", 64), identity = symbol("identity", 64);
    run({context_argument(), packet_argument(), {direction}, {reason}, {identity}}, {.contracts = {{"np_report", {}}}});
    reads_the_plan_alone();
    const z3::expr number = bits_.extract(reason, 7, 0), key = bits_.widen(number, 32);
    exactly(once("np_report").when, bits_.yes(), "does not report what it refuses");
    for (const Call* call : calls("np_report")) {
      gets_context_and_packet(*call);
      outcome_is(*call, 3, OutcomeAt::direction, low(direction), "direction");
      outcome_is(*call, 3, OutcomeAt::identity, low(identity), "identity");
      outcome_is(*call, 3, OutcomeAt::verdict, bits_.join(number, bits_.number(NP_NO_RULE, 24)), "verdict");
      for (const unsigned field : {OutcomeAt::flags, OutcomeAt::state, OutcomeAt::generation}) outcome_is(*call, 3, field, bits_.number(0, 32), "thing that is not known");
      budget_is(*call, key);
    }
    for (const Asked& asked : run_->asked)
      if (object_.maps[asked.lookup.map].name == NP_MAP_DROPS) inquiry_.never(asked.when && asked.lookup.key != key, "counts a drop for another reason");
    adds({NP_MAP_DROPS, {}, bits_.yes(), packet_and_bytes(skb_), "a drop"});
    no_other_stores();
    conclude();
  }
};

// What np_refuse and np_admit_* have decided, as an event.
class ReportProof : PacketProof {
 public:
  ReportProof(const Object& object, Effort effort, Part& out)
      : PacketProof(object, "np_report", effort, out), tag_(machine_.give_constant("np_program_tag")), outcome_(machine_.give("the outcome", OutcomeAt::size)),
        budget_(machine_.give("the budget", sizeof(np_outcomes))) {
    machine_.own(budget_);
  }

  void prove() {
    const z3::expr has_outcome = truth("an outcome"), has_budget = truth("a budget");
    run({context_argument(), packet_argument(), maybe(outcome_, has_outcome), maybe(budget_, has_budget)}, {});
    reads_the_plan_alone();
    for (const std::uint64_t offset : {offsetof(np_outcomes, dropped.packets), offsetof(np_outcomes, dropped.bytes)})
      inquiry_.never(after(budget_, offset, 8) != before(budget_, offset, 8), "leaves another count of packets or bytes");
    speaks_of(budget_);
    tells(budget_, given_ && has_outcome && has_budget && configuration().found, reading(kJiffies), reading(kNow), event());
    exactly(is(low(run_->result), 0), bits_.yes(), "returns another thing");
    no_other_stores();
    conclude();
  }

 private:
  Event event() {
    const auto outcome = [&](unsigned offset, unsigned size) { return at(outcome_, offset, size); };
    const z3::expr verdict = outcome(OutcomeAt::verdict, 4);
    const z3::expr later = z3::ugt(packet(PacketAt::fragment, 4), bits_.number(7, 32));  // its flags are the first one's
    return {.program = at(tag_, 0, 8),
            .ifindex = skb(ContextAt::ifindex, 4),
            .rule = verdict & bits_.number(NP_NO_RULE, 32),
            .identity = outcome(OutcomeAt::identity, 4),
            .length = skb(ContextAt::length, 4),
            .source = {packet(PacketAt::source, 8), packet(PacketAt::source + 8, 8)},
            .destination = {packet(PacketAt::destination, 8), packet(PacketAt::destination + 8, 8)},
            .source_port = packet(PacketAt::source_port, 2),
            .destination_port = packet(PacketAt::number, 2),
            .protocol = packet(PacketAt::protocol, 1),
            .direction = outcome(OutcomeAt::direction, 1),
            .family = packet(PacketAt::family, 1),
            .reason = bits_.extract(verdict, 31, 24),
            .flags = outcome(OutcomeAt::flags, 4),
            .tcp_flags = z3::ite(later, bits_.number(0, 8), packet(PacketAt::tcp_flags, 1))};
  }

  std::size_t tag_, outcome_, budget_;
};

}  // namespace

Part prove_refuse(const Object& object, Effort effort) {
  return part("np_refuse", [&](Part& out) { RefuseProof(object, effort, out).prove(); });
}
Part prove_report(const Object& object, Effort effort) {
  return part("np_report", [&](Part& out) { ReportProof(object, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
