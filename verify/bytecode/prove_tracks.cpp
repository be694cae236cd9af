// Flows beside policy: np_track_masked remembers what others send under the node's address, np_related says of an ICMP error
// whether a live flow of whoever it is sent to is what it quotes.
#include <cstddef>

#include "verify/bytecode/flow_spec.h"
#include "verify/bytecode/packet_proof.h"
#include "verify/bytecode/runtime_parts.h"

namespace netpolc::verify::bytecode {
namespace {

class MaskedProof : PacketProof {
 public:
  MaskedProof(const Object& object, Effort effort, Part& out)
      : PacketProof(object, "np_track_masked", effort, out), known_given_(truth("a known flow")), known_(machine_.give("the known flow", sizeof(np_track))) {}

  void prove() {
    const z3::expr state = symbol("state", 64);
    run({context_argument(), packet_argument(), maybe(known_, known_given_), {state}},
        {.contracts = {{"np_report", {}}, {"np_name", {}}, {"np_remember", {{.argument = 3}}}}});
    reads_the_plan_alone();
    const z3::expr goes = given_ && configuration().found;
    const z3::expr fresh = !known_given_ || (opens() && has(low(state), NP_FLOW_IN_CLOSING | NP_FLOW_OUT_CLOSING));
    const z3::expr kept = remembered(goes, fresh, known_, known_given_);
    for (const Call* call : calls("np_remember")) {
      told(*call, 2, bits_.number(0, 32));
      outcome_is(*call, 2, OutcomeAt::state, low(state), "state");
      outcome_is(*call, 2, OutcomeAt::generation, bits_.number(0, 32), "generation");
    }
    reported(goes && fresh && has(config(offsetof(np_config, flags)), NP_CONFIG_REPORT_ALLOWED));
    const auto result = [&](std::uint32_t value) { return bits_.number(value, 32); };
    inquiry_.never(low(run_->result) != z3::ite(goes, result(kPass), result(kDrop)), "lets pass what it must not, or does not let pass what it must");
    for (const Asked& asked : run_->asked)
      if (object_.maps[asked.lookup.map].name == NP_MAP_STATS && Bits::value(asked.lookup.key) != NP_STAT_REFUSED) inquiry_.never(asked.when, "counts another thing in np_stats");
    adds({NP_MAP_STATS, NP_STAT_REFUSED, goes && !kept, {{0, bits_.number(1, 64)}}, "a refused flow"});
    no_other_stores();
    conclude();
  }

 private:
  // No policy was asked.
  void told(const Call& call, std::size_t argument, const z3::expr& identity) {
    outcome_is(call, argument, OutcomeAt::direction, bits_.number(NP_EGRESS, 32), "direction");
    outcome_is(call, argument, OutcomeAt::identity, identity, "identity");
    outcome_is(call, argument, OutcomeAt::verdict, bits_.number(NP_NO_RULE, 32), "verdict");
    outcome_is(call, argument, OutcomeAt::flags, bits_.number(0, 32), "word about audit mode");
  }
  void reported(const z3::expr& wanted) {
    const Once name = once("np_name");
    exactly(name.when, wanted, "asks for a name at the wrong time");
    exactly(once("np_report").when, wanted, "reports what it must not, or does not report what it must");
    for (const Call* call : calls("np_name")) {
      gets_context_and_packet(*call);
      number_is(*call, 3, bits_.number(NP_EGRESS, 32), "direction");
    }
    for (const Call* call : calls("np_report")) {
      gets_context_and_packet(*call);
      told(*call, 3, name.result);
      budget_is(*call, bits_.number(NP_REASON_FORWARDED, 32));
    }
  }

  z3::expr known_given_;
  std::size_t known_;
};

class RelatedProof : PacketProof {
 public:
  RelatedProof(const Object& object, bool egress, Effort effort, Part& out) : PacketProof(object, "np_related", effort, out), egress_(egress) {
    bits_.abstract_products();
    products_matter_ = false;
  }

  void prove() {
    run({context_argument(), packet_argument(), machine_.number(egress_ ? NP_EGRESS : NP_INGRESS)},
        {.contracts = {{"np_parse_quoted", {{.argument = 3, .bytes = PacketAt::size}}}, {"np_is_alive", {}}}});
    reads_the_plan_alone();
    const Once read = once("np_parse_quoted"), alive = once("np_is_alive");
    exactly(read.when, given_ && configuration().found, "reads the quoted packet at the wrong time");
    const auto quotes = calls("np_parse_quoted");
    if (quotes.size() != 1) throw NotModelled{"it does not read the quoted packet at one place"};
    const int quoted = structure(*quotes[0], 3);
    gets_context_and_packet(*quotes[0]);
    for (unsigned word = 0; word < PacketAt::size; word += 4) field_is(*quotes[0], quoted + static_cast<int>(word), 4, bits_.number(0, 32), bits_.yes(), "packet than none");
    const auto field = [&](unsigned offset, unsigned size) { return machine_.bytes(quotes[0]->after, quoted + static_cast<int>(offset), size); };

    const z3::expr back = field(PacketAt::source, 8) == packet(PacketAt::destination, 8) && field(PacketAt::source + 8, 8) == packet(PacketAt::destination + 8, 8);
    const z3::expr asks = read.when && !is(read.result, 0) && back;
    exactly(alive.when, asks, "asks for another's flow, or does not ask");
    exactly(!is(low(run_->result), 0), asks && !is(alive.result, 0), "takes an error to be about a flow that it is not about, or the reverse");
    const FlowPacket of{{field(PacketAt::source, 8), field(PacketAt::source + 8, 8)}, {field(PacketAt::destination, 8), field(PacketAt::destination + 8, 8)},
                        field(PacketAt::source_port, 2), field(PacketAt::destination_port, 2), field(PacketAt::protocol, 1), field(PacketAt::family, 1), field(PacketAt::query, 1)};
    FlowSpec spec(machine_, configuration().region);
    // the quoted packet went the other way
    const FlowKey key = spec.key(of, packet(PacketAt::site, 4), constant(!egress_));
    for (const Call* call : calls("np_is_alive")) {
      const int at = structure(*call, 1);
      const FlowKey asked = spec.key_in_memory([&](std::uint64_t offset, unsigned size) { return machine_.bytes(call->stack, at + static_cast<int>(offset), size); });
      inquiry_.never(call->when && !same_flow(asked, key), "asks for another flow");
      inquiry_.never(call->when && asked.hash != key.hash, "asks with another hash");
    }
    no_other_stores();
    conclude();
  }

 private:
  bool egress_;
};

}  // namespace

Part prove_track_masked(const Object& object, Effort effort) {
  return part("np_track_masked", [&](Part& out) { MaskedProof(object, effort, out).prove(); });
}
Part prove_related(const Object& object, Effort effort) {
  return each_direction<RelatedProof>("np_related", object, effort);
}

}  // namespace netpolc::verify::bytecode
