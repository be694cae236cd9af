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

// An event is made only where the reason had fewer than np_config's limit since the tick began, by the count that it keeps:
// the clock's jiffies, the time and the tick that they were read in, and how many were asked for. That count is the
// processor's own: nobody else writes there.
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
    const z3::expr goes = given_ && has_outcome && has_budget && configuration().found;
    const z3::expr allowed = counted(goes);
    exactly(once(kReserve).when, goes && allowed, "asks for room for an event that there must not be, or does not ask");
    z3::expr there = bits_.no();
    for (const Call* call : calls(kReserve)) {
      is_the_map(*call, NP_MAP_EVENTS);
      number_is(*call, 2, bits_.number(sizeof(np_event), 32), "size");
      number_is(*call, 3, bits_.number(0, 32), "flags");
      there = there || (call->when && !is(call->result, 0));
    }
    submitted(there);
    for (const Asked& asked : run_->asked)
      if (object_.maps[asked.lookup.map].name == NP_MAP_STATS && Bits::value(asked.lookup.key) != NP_STAT_SUPPRESSED) inquiry_.never(asked.when, "counts another thing in np_stats");
    adds({NP_MAP_STATS, NP_STAT_SUPPRESSED, goes && !there, {{0, bits_.number(1, 64)}}, "a suppressed event"});
    exactly(is(low(run_->result), 0), bits_.yes(), "returns another thing");
    no_other_stores();
    conclude();
  }

 private:
  z3::expr before(std::uint64_t offset, unsigned size) { return at(budget_, offset, size); }
  z3::expr after(std::uint64_t offset, unsigned size) { return machine_.contents(budget_, offset, size, machine_.stores().size(), bits_.yes()); }
  // What a clock said that is read once, in one place.
  z3::expr clock(const char* which) {
    const auto reads = calls(which);
    return reads.size() == 1 ? reads[0]->result : symbol("a time that nobody read", 64);
  }
  void is_the_map(const Call& call, const char* name) {
    const Value& value = call.arguments[0];
    const bool right = value.pointers.size() == 1 && value.pointers[0].when.is_true() && machine_.region(value.pointers[0].region).kind == Region::Kind::MapItself &&
                       machine_.region(value.pointers[0].region).name == name;
    if (!right) inquiry_.never(call.when, call.callee + " is called with another map");
  }

  // The budget afterwards; may there be an event?
  z3::expr counted(const z3::expr& goes) {
    const z3::expr now = clock(kJiffies), moved = now != before(offsetof(np_outcomes, jiffies), 8);
    const z3::expr shift = bits_.widen(bits_.bit_and(config(offsetof(np_config, tick_shift)), bits_.number(63, 32)), 64);
    const z3::expr tick = low(bits_.shift_right(now, shift)), next = moved && tick != before(offsetof(np_outcomes, tick), 4);
    const z3::expr reported = z3::ite(next, bits_.number(0, 32), before(offsetof(np_outcomes, reported), 4));
    const auto becomes = [&](std::uint64_t offset, unsigned size, const z3::expr& wanted, const char* what) {
      inquiry_.never(after(offset, size) != z3::ite(goes, wanted, before(offset, size)), std::string("leaves another ") + what);
    };
    becomes(offsetof(np_outcomes, dropped.packets), 8, before(offsetof(np_outcomes, dropped.packets), 8), "count of packets");
    becomes(offsetof(np_outcomes, dropped.bytes), 8, before(offsetof(np_outcomes, dropped.bytes), 8), "count of bytes");
    becomes(offsetof(np_outcomes, jiffies), 8, now, "moment");
    becomes(offsetof(np_outcomes, time), 8, z3::ite(moved, clock(kNow), before(offsetof(np_outcomes, time), 8)), "time");
    becomes(offsetof(np_outcomes, tick), 4, z3::ite(next, tick, before(offsetof(np_outcomes, tick), 4)), "tick");
    becomes(offsetof(np_outcomes, reported), 4, reported + 1, "count of events");
    speaks_of(budget_);
    exactly(once(kJiffies).when, goes, "reads the clock at the wrong time");
    exactly(once(kNow).when, goes && moved, "reads the time at the wrong time");
    return z3::ult(reported, config(offsetof(np_config, event_limit)));
  }

  // Where there is room the event is handed over, once, with all of its bytes, and not written to afterwards.
  void submitted(const z3::expr& there) {
    exactly(once(kSubmit).when, there, "hands over an event that it has no room for, or keeps one");
    for (const Call* call : calls(kSubmit)) {
      const Value& room = call->arguments[0];
      const bool plain = room.pointers.size() == 1 && machine_.region(room.pointers[0].region).name == "the event";
      if (!plain) {
        inquiry_.never(call->when, "hands over what is no event");
        continue;
      }
      const std::size_t event = room.pointers[0].region;
      points(*call, 1, event, "event");
      number_is(*call, 2, bits_.number(0, 32), "flags");
      says_of_the_packet(*call, event);
      for (std::size_t s = call->stores; s < machine_.stores().size(); ++s)
        if (machine_.stores()[s].region == event) inquiry_.never(call->when && machine_.stores()[s].when, "writes to an event that it has handed over");
      speaks_of(event);
    }
  }
  void says_of_the_packet(const Call& call, std::size_t event) {
    const auto says = [&](std::uint64_t offset, unsigned size, const z3::expr& wanted, const char* what) {
      inquiry_.never(call.when && machine_.contents(event, offset, size, call.stores, call.when) != wanted, std::string("tells of another ") + what);
    };
    const auto outcome = [&](unsigned offset, unsigned size) { return at(outcome_, offset, size); };
    const z3::expr verdict = outcome(OutcomeAt::verdict, 4);
    says(offsetof(np_event, time), 8, after(offsetof(np_outcomes, time), 8), "time");
    says(offsetof(np_event, program), 8, at(tag_, 0, 8), "program");
    says(offsetof(np_event, ifindex), 4, skb(ContextAt::ifindex, 4), "interface");
    says(offsetof(np_event, rule), 4, verdict & bits_.number(NP_NO_RULE, 32), "rule");
    says(offsetof(np_event, identity), 4, outcome(OutcomeAt::identity, 4), "identity");
    says(offsetof(np_event, length), 4, skb(ContextAt::length, 4), "length");
    for (const unsigned half : {0u, 8u}) {
      says(offsetof(np_event, source) + half, 8, packet(PacketAt::source + half, 8), "source");
      says(offsetof(np_event, destination) + half, 8, packet(PacketAt::destination + half, 8), "destination");
    }
    says(offsetof(np_event, source_port), 2, packet(PacketAt::source_port, 2), "source port");
    says(offsetof(np_event, destination_port), 2, packet(PacketAt::number, 2), "port or type");
    says(offsetof(np_event, protocol), 1, packet(PacketAt::protocol, 1), "protocol");
    says(offsetof(np_event, direction), 1, outcome(OutcomeAt::direction, 1), "direction");
    says(offsetof(np_event, family), 1, packet(PacketAt::family, 1), "family");
    says(offsetof(np_event, reason), 1, bits_.extract(verdict, 31, 24), "reason");
    says(offsetof(np_event, flags), 4, outcome(OutcomeAt::flags, 4), "word about audit mode");
    says(offsetof(np_event, zero), 4, bits_.number(0, 32), "thing that nobody knows");
    static_assert(sizeof(np_event) == offsetof(np_event, zero) + 4);
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
