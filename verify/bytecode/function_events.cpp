// What a function tells of a packet: an event, where its reason may have one, or a count of those that were left out.
#include <cstddef>

#include "verify/bytecode/function_proof.h"

namespace netpolc::verify::bytecode {

FunctionProof::Reading FunctionProof::reading(const char* clock, std::size_t at, std::size_t places) {
  const auto all = calls(clock);
  if (all.size() != places) return {bits_.no(), symbol("a time that nobody read", 64)};
  return {all[at]->when, all[at]->result};
}

void FunctionProof::is_the_map(const Call& call, const char* name) {
  const Value& value = call.arguments[0];
  const bool right = value.pointers.size() == 1 && value.pointers[0].when.is_true() && machine_.region(value.pointers[0].region).kind == Region::Kind::MapItself &&
                     machine_.region(value.pointers[0].region).name == name;
  if (!right) inquiry_.never(call.when, call.callee + " is called with another map");
}

// An event is made only where the reason had fewer than np_config's limit since the tick began, by the count that it keeps:
// the clock's jiffies, the time and the tick that they were read in, and how many were asked for. That count is the
// processor's own: nobody else writes there.
z3::expr FunctionProof::may_tell(std::size_t budget, const z3::expr& goes, const Reading& jiffies, const Reading& now) {
  const auto was = [&](std::uint64_t offset, unsigned size) { return before(budget, offset, size); };
  const z3::expr moved = bits_.negate(bits_.equal(jiffies.time, was(offsetof(np_outcomes, jiffies), 8)));
  const z3::expr shift = bits_.widen(bits_.bit_and(config(offsetof(np_config, tick_shift)), bits_.number(63, 32)), 64);
  const z3::expr tick = low(bits_.shift_right(jiffies.time, shift)), next = moved && tick != was(offsetof(np_outcomes, tick), 4);
  const z3::expr reported = z3::ite(next, bits_.number(0, 32), was(offsetof(np_outcomes, reported), 4));
  const auto becomes = [&](std::uint64_t offset, unsigned size, const z3::expr& wanted, const char* what) {
    inquiry_.never(after(budget, offset, size) != z3::ite(goes, wanted, was(offset, size)), std::string("leaves another ") + what);
  };
  becomes(offsetof(np_outcomes, jiffies), 8, z3::ite(moved, jiffies.time, was(offsetof(np_outcomes, jiffies), 8)), "moment");
  becomes(offsetof(np_outcomes, time), 8, z3::ite(moved, now.time, was(offsetof(np_outcomes, time), 8)), "time");
  becomes(offsetof(np_outcomes, tick), 4, z3::ite(next, tick, was(offsetof(np_outcomes, tick), 4)), "tick");
  becomes(offsetof(np_outcomes, reported), 4, reported + 1, "count of events");
  exactly(jiffies.when, goes, "reads the clock at the wrong time");
  exactly(now.when, goes && moved, "reads the time at the wrong time");
  return z3::ult(reported, config(offsetof(np_config, event_limit)));
}

void FunctionProof::tells(std::size_t budget, const z3::expr& goes, const Reading& jiffies, const Reading& now, const Event& event) {
  const z3::expr allowed = may_tell(budget, goes, jiffies, now);
  exactly(once(kReserve).when, goes && allowed, "asks for room for an event that there must not be, or does not ask");
  z3::expr there = bits_.no();
  for (const Call* call : calls(kReserve)) {
    is_the_map(*call, NP_MAP_EVENTS);
    number_is(*call, 2, bits_.number(sizeof(np_event), 32), "size");
    number_is(*call, 3, bits_.number(0, 32), "flags");
    there = there || (call->when && !is(call->result, 0));
  }
  exactly(once(kSubmit).when, there, "hands over an event that it has no room for, or keeps one");
  for (const Call* call : calls(kSubmit)) hands_over(*call, after(budget, offsetof(np_outcomes, time), 8), event);
  for (const Asked& asked : run_->asked)
    if (object_.maps[asked.lookup.map].name == NP_MAP_STATS && Bits::value(asked.lookup.key) != NP_STAT_SUPPRESSED) inquiry_.never(asked.when, "counts another thing in np_stats");
  adds({NP_MAP_STATS, NP_STAT_SUPPRESSED, goes && !there, {{0, bits_.number(1, 64)}}, "a suppressed event"});
}

// With all of its bytes, and not written to afterwards.
void FunctionProof::hands_over(const Call& call, const z3::expr& time, const Event& told) {
  const Value& room = call.arguments[0];
  const bool plain = room.pointers.size() == 1 && machine_.region(room.pointers[0].region).name == "the event";
  if (!plain) return inquiry_.never(call.when, "hands over what is no event");
  const std::size_t event = room.pointers[0].region;
  points(call, 1, event, "event");
  number_is(call, 2, bits_.number(0, 32), "flags");
  const auto says = [&](std::uint64_t offset, unsigned size, const z3::expr& wanted, const char* what) {
    inquiry_.never(call.when && machine_.contents(event, offset, size, call.stores, call.when) != wanted, std::string("tells of another ") + what);
  };
  says(offsetof(np_event, time), 8, time, "time");
  says(offsetof(np_event, program), 8, told.program, "program");
  says(offsetof(np_event, ifindex), 4, told.ifindex, "interface");
  says(offsetof(np_event, rule), 4, told.rule, "rule");
  says(offsetof(np_event, identity), 4, told.identity, "identity");
  says(offsetof(np_event, length), 4, told.length, "length");
  for (const unsigned half : {0u, 1u}) {
    says(offsetof(np_event, source) + 8 * half, 8, told.source[half], "source");
    says(offsetof(np_event, destination) + 8 * half, 8, told.destination[half], "destination");
  }
  says(offsetof(np_event, source_port), 2, told.source_port, "source port");
  says(offsetof(np_event, destination_port), 2, told.destination_port, "port or type");
  says(offsetof(np_event, protocol), 1, told.protocol, "protocol");
  says(offsetof(np_event, direction), 1, told.direction, "direction");
  says(offsetof(np_event, family), 1, told.family, "family");
  says(offsetof(np_event, reason), 1, told.reason, "reason");
  says(offsetof(np_event, flags), 4, told.flags, "word about where or why");
  says(offsetof(np_event, tcp_flags), 1, told.tcp_flags, "word of TCP's flags");
  for (const unsigned byte : {0u, 1u, 2u}) says(offsetof(np_event, zero) + byte, 1, bits_.number(0, 8), "thing that nobody knows");
  static_assert(sizeof(np_event) == offsetof(np_event, zero) + 3);
  for (std::size_t s = call.stores; s < machine_.stores().size(); ++s)
    if (machine_.stores()[s].region == event) inquiry_.never(call.when && machine_.stores()[s].when, "writes to an event that it has handed over");
  speaks_of(event);
}

}  // namespace netpolc::verify::bytecode
