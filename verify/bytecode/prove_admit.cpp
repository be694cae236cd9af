// np_admit_in and np_admit_out: from a packet that policy must be asked about to what becomes of it. What they call is by
// contract, so that this proof is about who is asked what, and what follows from the answer:
//
//   the flow that policy is asked about has the identity and row that the maps give for the packet's other side;
//   what policy does not allow is dropped, counted and reported with its verdict, and is not remembered;
//   what it allows is remembered with its verdict and passes, or is refused for one of the reasons that docs/datapath.md
//   names.
#include "verify/bytecode/packet_proof.h"
#include "verify/bytecode/runtime_parts.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr std::uint64_t kClosing = NP_FLOW_IN_CLOSING | NP_FLOW_OUT_CLOSING;

class AdmitProof : PacketProof {
 public:
  AdmitProof(const Object& object, ir::Direction direction, Effort effort, Part& out)
      : PacketProof(object, direction == ir::Direction::Egress ? "np_admit_out" : "np_admit_in", effort, out), egress_(direction == ir::Direction::Egress),
        policy_(egress_ ? "np_policy_egress" : "np_policy_ingress"), known_given_(truth("a known flow")), state_(context_.bv_const("state", 32)),
        slots_(machine_.give_constant(NP_CONSTANT_COUNTERS)), known_(machine_.give("the known flow", sizeof(np_track))) {}

  void prove() {
    planned_ = egress_ ? plan_.egress : plan_.ingress;
    judged_ = (planned_ & kPlanJudged) != 0;
    enforced_ = ((plan_.ingress | plan_.egress) & kPlanJudged) != 0;
    node_ = (plan_.ingress & kPlanNode) != 0;
    run({context_argument(), packet_argument(), maybe(known_, known_given_), {bits_.widen(state_, 64)}},
        {.contracts = {{policy_, {}}, {"np_refuse", {}}, {"np_report", {}}, {"np_name", {}}, {"np_encapsulates", {}},
                       {"np_source_is_own", {}}, {"np_remember", {{.argument = 3}}}}});
    reads_the_plan_alone();
    state_what_must_hold();
    conclude();
  }

 private:
  z3::expr asks_prefixes() { return constant((planned_ & kPlanPrefixes) != 0 || !judged_) || has(config(offsetof(np_config, flags)), NP_CONFIG_PREFIXES); }

  Who remote() { return egress_ ? receiver(asks_prefixes()) : sender(asks_prefixes()); }

  void state_what_must_hold() {
    const z3::expr configured = configuration().found;
    const z3::expr pod_sends = constant(egress_ && !node_);
    const z3::expr world = z3::ite(of_ipv4(), config(offsetof(np_config, world4)), config(offsetof(np_config, world6)));
    const z3::expr port = config(offsetof(np_config, tunnel_port), 2), number = packet(PacketAt::number, 2);
    const Once encapsulates = once("np_encapsulates"), policy = once(policy_), own = once("np_source_is_own");

    const z3::expr no_config = given_ && !configured;
    const z3::expr no_family = given_ && configured && constant(enforced_) && is(world, 0);
    const z3::expr asks_tunnel = given_ && configured && !no_family && pod_sends && !is(port, 0) && number == port;
    const z3::expr tunnel = asks_tunnel && !is(encapsulates.result, 0);
    const z3::expr go = given_ && configured && !no_family && !tunnel;
    exactly(encapsulates.when, asks_tunnel, "asks at the wrong time whether a packet is for the overlay");
    exactly(policy.when, go && constant(judged_), "asks policy about what it must not, or does not ask it");

    verdict_ = judged_ ? policy.result : bits_.number(NP_NO_RULE, 32);
    const z3::expr denied = !is(bits_.extract(*verdict_, 31, 24), NP_REASON_FORWARDED);
    const Lookup interface = look_up(NP_MAP_INTERFACES, packet(PacketAt::site, 4), sizeof(np_interface));
    const z3::expr audited = has(config(offsetof(np_config, flags)), NP_CONFIG_AUDIT) && interface.found &&
                             has(machine_.initial(interface.region, offsetof(np_interface, flags), 4), NP_AUDIT);
    const z3::expr fresh = !known_given_ || (opens() && has(state_, kClosing));
    const z3::expr drop = go && denied && !audited;
    const z3::expr asks_source = go && !drop && fresh && pod_sends;
    const z3::expr forged = asks_source && is(own.result, 0);
    exactly(own.when, asks_source, "asks at the wrong time whether the source is the pod's own");
    const z3::expr tries = go && !drop && !forged;
    const z3::expr kept = kept_outcome(tries, denied, fresh);
    const z3::expr no_room = tries && !kept && constant(judged_), passes = tries && (kept || constant(!judged_));

    named_rightly(remote(), denied);
    exactly(is(low(run_->result), kPass), passes, "lets pass what it must not, or does not let pass what it must");
    exactly(is(low(run_->result), kDrop), !passes, "says neither pass nor drop");
    asked_policy(remote(), number);
    refused({{no_config, NP_REASON_NO_CONFIG}, {no_family, NP_REASON_UNSUPPORTED_L3}, {tunnel, NP_REASON_ENCAPSULATION},
             {forged, NP_REASON_INVALID_SOURCE}, {no_room, NP_REASON_CT_CREATE_FAILED}});
    const z3::expr allowed_reported = passes && !denied && fresh && has(config(offsetof(np_config, flags)), NP_CONFIG_REPORT_ALLOWED);
    reported(drop || (passes && denied) || allowed_reported, passes && denied);
    counters(go, drop, tries && !kept, passes && denied);
  }

  // People are told who it is even where policy did not need to know so exactly.
  void named_rightly(const Who& who, const z3::expr& denied) {
    const z3::expr named = constant(judged_) && (asks_prefixes() || who.known);
    const z3::expr own = judged_ ? who.identity : bits_.number(0, 32);
    const auto shown = [&](const z3::expr& when, const z3::expr& identity, const std::string& what) {
      inquiry_.never(when && named && identity != own, what);
      z3::expr asked = bits_.no();
      for (const Call* call : calls("np_name")) asked = asked || (call->when && identity == low(call->result));
      inquiry_.never(when && !named && !asked, what);
    };
    for (const Call* call : calls("np_name")) {
      points(*call, 1, skb_, "context");
      points(*call, 2, packet_, "packet");
      number_is(*call, 3, bits_.number(egress_ ? NP_EGRESS : NP_INGRESS, 32), "direction");
    }
    for (const Call* call : calls("np_report"))
      shown(call->when, machine_.bytes(call->stack, structure(*call, 3) + static_cast<int>(OutcomeAt::identity), 4), "reports another identity");
    for (const Call* call : calls("np_refuse")) {
      const Value& value = call->arguments[4];
      if (!value.pointers.empty()) throw NotModelled{"np_refuse gets a pointer for an identity"};
      const z3::expr identity = low(value.bits), reason = low(call->arguments[3].bits);
      const z3::expr forged = is(reason, NP_REASON_INVALID_SOURCE), no_room = is(reason, NP_REASON_CT_CREATE_FAILED);
      shown(call->when && forged, identity, "refuses with another identity");
      inquiry_.never(call->when && no_room && !denied && identity != own, "refuses with another identity");
      inquiry_.never(call->when && !forged && !no_room && !is(identity, 0), "refuses with an identity that nobody looked up");
    }
  }

  void asked_policy(const Who& who, const z3::expr& number) {
    for (const Call* call : calls(policy_)) {
      const int flow = structure(*call, 1);
      field_is(*call, flow + static_cast<int>(FlowAt::identity), 4, who.identity, bits_.yes(), "identity");
      field_is(*call, flow + static_cast<int>(FlowAt::row), 4, who.row, bits_.yes(), "row");
      field_is(*call, flow + static_cast<int>(FlowAt::number), 2, number, bits_.yes(), "port or type");
      field_is(*call, flow + static_cast<int>(FlowAt::protocol), 1, packet(PacketAt::protocol, 1), bits_.yes(), "protocol");
    }
  }

  void told(const Call& call, std::size_t argument, const z3::expr& audited) {
    outcome_is(call, argument, OutcomeAt::direction, bits_.number(egress_ ? NP_EGRESS : NP_INGRESS, 32), "direction");
    outcome_is(call, argument, OutcomeAt::verdict, *verdict_, "verdict");
    outcome_is(call, argument, OutcomeAt::flags, z3::ite(audited, bits_.number(NP_EVENT_AUDITED, 32), bits_.number(0, 32)), "word about audit mode");
  }

  // Tried twice at most; was there room?
  z3::expr kept_outcome(const z3::expr& tries, const z3::expr& denied, const z3::expr& fresh) {
    const z3::expr kept = remembered(tries, fresh, known_, known_given_);
    const Who who = remote();
    for (const Call* call : calls("np_remember")) {
      told(*call, 2, denied);
      const int outcome = structure(*call, 2);
      if (judged_) field_is(*call, outcome + static_cast<int>(OutcomeAt::identity), 4, who.identity, !denied, "identity");
      else field_is(*call, outcome + static_cast<int>(OutcomeAt::identity), 4, bits_.number(0, 32), bits_.yes(), "identity");
      outcome_is(*call, 2, OutcomeAt::state, state_, "state");
      outcome_is(*call, 2, OutcomeAt::generation, config(offsetof(np_config, generation)), "generation");
    }
    return kept;
  }

  void refused(const std::vector<std::pair<z3::expr, std::uint32_t>>& reasons) {
    const Once refuses = once("np_refuse");
    z3::expr any = bits_.no();
    for (const auto& [when, reason] : reasons) any = any || when;
    exactly(refuses.when, any, "refuses what it must not, or does not refuse what it must");
    for (const Call* call : calls("np_refuse")) {
      points(*call, 1, skb_, "context");
      points(*call, 2, packet_, "packet");
      number_is(*call, 3, bits_.number(egress_ ? NP_EGRESS : NP_INGRESS, 32), "direction");
      z3::expr wanted = bits_.number(0, 32);
      for (const auto& [when, reason] : reasons) wanted = z3::ite(when, bits_.number(reason, 32), wanted);
      number_is(*call, 4, wanted, "reason");
    }
  }

  void reported(const z3::expr& wanted, const z3::expr& audited) {
    exactly(once("np_report").when, wanted, "reports what it must not, or does not report what it must");
    for (const Call* call : calls("np_report")) {
      points(*call, 1, skb_, "context");
      points(*call, 2, packet_, "packet");
      told(*call, 3, audited);
      budget_is(*call, reason());
    }
  }
  z3::expr reason() { return bits_.widen(bits_.extract(*verdict_, 31, 24), 32); }
  // Slots of np_rules: ir/map_layout.h.
  z3::expr slot() {
    const z3::expr rule = *verdict_ & bits_.number(NP_NO_RULE, 32);
    const z3::expr none = machine_.initial(slots_, offsetof(np_counters, others), 4) + bits_.number(egress_ ? 1 : 0, 32);
    const z3::expr own = egress_ ? machine_.initial(slots_, offsetof(np_counters, egress), 4) + rule : rule;
    return z3::ite(is(rule, NP_NO_RULE), none, own);
  }

  // Writes to maps: one more packet and its bytes in np_rules and in np_drops, one more in np_stats, and nothing else.
  void counters(const z3::expr& go, const z3::expr& drop, const z3::expr& no_room, const z3::expr& audited) {
    for (const Asked& asked : run_->asked) {
      const std::string& name = object_.maps[asked.lookup.map].name;
      if (name == NP_MAP_RULES) inquiry_.never(asked.when && asked.lookup.key != slot(), "counts for another rule");
      if (name == NP_MAP_DROPS) inquiry_.never(asked.when && asked.lookup.key != reason(), "counts a drop for another reason");
      const auto key = Bits::value(asked.lookup.key);
      if (name == NP_MAP_STATS && key != NP_STAT_REFUSED && key != NP_STAT_AUDITED) throw NotModelled{"it counts in np_stats what is not understood"};
    }
    const z3::expr one = bits_.number(1, 64);
    adds({NP_MAP_RULES, {}, go, packet_and_bytes(skb_), "for a rule"});
    adds({NP_MAP_DROPS, {}, drop, packet_and_bytes(skb_), "a drop"});
    adds({NP_MAP_STATS, NP_STAT_REFUSED, no_room, {{0, one}}, "a refused flow"});
    adds({NP_MAP_STATS, NP_STAT_AUDITED, audited, {{0, one}}, "for audit mode"});
    no_other_stores();
  }

  bool egress_;
  std::string policy_;
  z3::expr known_given_, state_;
  std::size_t slots_, known_;
  std::uint32_t planned_ = 0;
  bool judged_ = false, enforced_ = false, node_ = false;
  std::optional<z3::expr> verdict_;
};

}  // namespace

Part prove_admit_in(const Object& object, Effort effort) {
  return part("np_admit_in", [&](Part& out) { AdmitProof(object, ir::Direction::Ingress, effort, out).prove(); });
}
Part prove_admit_out(const Object& object, Effort effort) {
  return part("np_admit_out", [&](Part& out) { AdmitProof(object, ir::Direction::Egress, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
