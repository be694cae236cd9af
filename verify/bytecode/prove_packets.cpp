// np_from_pod and np_to_pod: what becomes of every packet. They read the common ones in place, ask whether a flow is known,
// and else whoever is to be asked; what those do is their own proofs'. Held to docs/datapath.md:
//
//   what is read in place is what the parser would have read;
//   only answers to what the other side opened, and packets of a flow that policy has agreed to in this generation, pass
//   without being asked about, and all others go where they must: refused, passed, tracked or asked about, with what was read;
//   of a flow that is known, nothing is changed but its flags, of which none is taken away, and when it expires.
#include <cstddef>

#include "verify/bytecode/flow_spec.h"
#include "verify/bytecode/function_proof.h"
#include "verify/bytecode/packet_spec.h"
#include "verify/bytecode/runtime_parts.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr std::uint64_t kMostBytes = 1u << 24;  // of a packet
constexpr std::uint64_t kEthernet = 14, kIpv4Plain = 34, kIpv6Plain = 54;  // where a transport header is that nothing stands before
constexpr std::uint64_t kSynAck = 0x12, kSyn = 0x02, kIcmpv6 = 58;
constexpr std::uint64_t kClosing = NP_FLOW_IN_CLOSING | NP_FLOW_OUT_CLOSING;

class EveryPacketProof : FunctionProof {
 public:
  EveryPacketProof(const Object& object, ir::Direction direction, Effort effort, Part& out)
      : FunctionProof(object, direction == ir::Direction::Egress ? "np_from_pod" : "np_to_pod", effort, out, Inquiry::kAlone), egress_(direction == ir::Direction::Egress),
        length_(symbol("length", 32)), linear_(symbol("linear", 32)), ethertype_(symbol("EtherType", 16)), skb_(machine_.give("the context", ContextAt::size)),
        slots_(machine_.give_constant(NP_CONSTANT_COUNTERS)), spec_(machine_, length_) {}

  void prove() {
    const auto plan = plan_of(object_);
    if (!plan) throw NotModelled{"the object has no np_plan"};
    judged_ = ((egress_ ? plan->egress : plan->ingress) & kPlanJudged) != 0;
    enforced_ = ((plan->ingress | plan->egress) & kPlanJudged) != 0;
    node_ = (plan->ingress & kPlanNode) != 0;
    bits_.abstract_products();
    bits_.abstract_equality();
    machine_.name_merges();
    products_matter_ = look_ups_matter_ = false;  // both sides ask the same
    give_packet();
    run({machine_.pointer(skb_)}, {.contracts = {{"np_parse", {{.argument = 2, .bytes = PacketAt::size}}},
                                                 {"np_exempt", {}},
                                                 {"np_refuse", {}},
                                                 {"np_claim", {}},
                                                 {"np_related", {}},
                                                 {"np_source_is_own", {}},
                                                 {"np_track_masked", {{.argument = 3}}},
                                                 {"np_admit_in", {{.argument = 3}}},
                                                 {"np_admit_out", {{.argument = 3}}}}});
    reads_the_plan_alone();
    state_what_must_hold();
    conclude();
  }

 private:
  void give_packet() {
    bits_.promise(length_, {0, kMostBytes});
    bits_.promise(linear_, {0, kMostBytes});
    inquiry_.assume(z3::ule(length_, bits_.number(kMostBytes, 32)) && z3::ule(linear_, length_));
    const std::size_t packet = machine_.give_packet(length_, linear_);
    machine_.set_word(skb_, ContextAt::length / 8, bits_.join(symbol("kind", 32), length_));
    machine_.set_word(skb_, ContextAt::ethertype / 8, bits_.join(symbol("tagged", 32), bits_.widen(ethertype_, 32)));
    machine_.give_pointer(skb_, ContextAt::data, machine_.pointer(packet));
    Value end = machine_.pointer(packet);
    end.pointers[0].offset = bits_.widen(linear_, 64);
    machine_.give_pointer(skb_, ContextAt::data_end, end);
  }

  z3::expr number(std::uint32_t value) { return bits_.number(value, 32); }
  z3::expr both(const z3::expr& a, const z3::expr& b) { return bits_.both(a, b); }
  z3::expr no(const z3::expr& a) { return bits_.negate(a); }

  // What lies in np_packet at some time; without a time, when the clock is looked at, which is when flows are.
  z3::expr packet(const Stack& stack, unsigned offset, unsigned size) { return machine_.bytes(stack, packet_at_ + static_cast<int>(offset), size); }
  z3::expr packet(unsigned offset, unsigned size) { return packet(*read_, offset, size); }

  void state_what_must_hold() {
    const auto parses = calls("np_parse"), asks = calls(egress_ ? "np_admit_out" : "np_admit_in"), looks = calls(kJiffies);
    if (parses.size() != 1 || asks.size() != 1 || looks.size() != 1) throw NotModelled{"it does not call the parser, or policy, or look at the clock at one place"};
    if (!calls(egress_ ? "np_admit_in" : "np_admit_out").empty()) throw NotModelled{"it asks the policy of the other direction"};
    packet_at_ = structure(*parses[0], 2);
    read_ = looks[0]->stack;
    parse_ = parses[0];
    looks_ = looks[0]->when;
    reads(*parses[0]);

    z3::expr outcome = bits_.either(parses[0]->when, low(parses[0]->result), number(kJudge));
    const Once exempt = once("np_exempt"), claim = once("np_claim"), related = once("np_related"), own = once("np_source_is_own"), masks = once("np_track_masked"), refuses = once("np_refuse");
    const z3::expr asks_exempt = egress_ && !node_ ? is(outcome, kPassUnasked) : bits_.no();
    exactly(exempt.when, asks_exempt, "asks at the wrong time whether a packet is exempt");
    outcome = bits_.either(asks_exempt, exempt.result, outcome);

    // what is no packet of an endpoint with policy passes, if it can't be read
    z3::expr passes = is(outcome, kPassUnasked), refused = bits_.no(), reason = number(0), here = bits_.yes();
    if (!enforced_) passes = passes || (no(is(outcome, kJudge)) && no(is(outcome, NP_REASON_INVALID_SOURCE)));
    here = no(passes);
    const auto refuse = [&](const z3::expr& when, const z3::expr& why) {
      refused = refused || (here && when);
      reason = bits_.either(both(here, when), why, reason);
      here = here && no(when);
    };
    const auto pass = [&](const z3::expr& when) {
      passes = passes || (here && when);
      here = here && no(when);
    };
    const z3::expr ready = both(configuration().found, no(is(config(offsetof(np_config, ready)), 0)));
    z3::expr masked = bits_.no();
    const z3::expr asks_claim = node_ ? here && ready : bits_.no();
    exactly(claim.when, asks_claim, "asks at the wrong time whose a packet is");
    if (node_) {
      const auto claims = calls("np_claim");
      if (claims.size() != 1) throw NotModelled{"it does not ask at one place whose a packet is"};
      const z3::expr judge = is(outcome, kJudge), mine = is(claim.result, ClaimIs::own);
      pass(ready && (is(claim.result, ClaimIs::others) || (no(mine) && no(judge))));
      if (enforced_) refuse(ready && is(claim.result, ClaimIs::forged), number(NP_REASON_INVALID_SOURCE));
      else pass(ready && is(claim.result, ClaimIs::forged));
      masked = ready && is(claim.result, ClaimIs::tracked);
      if (enforced_) outcome = bits_.either(ready && mine && judge && is(packet(claims.front()->stack, PacketAt::protocol, 1), kIcmpv6), node_icmpv6(packet(claims.front()->stack, PacketAt::number, 2)), outcome);
      pass(ready && is(outcome, kPassUnasked));
    }
    refuse(no(is(outcome, kJudge)), outcome);
    if (enforced_) refuse(no(ready), number(NP_REASON_NO_CONFIG));
    else pass(no(ready));

    // a flow that is known
    FlowSpec spec(machine_, configuration().region);
    const z3::expr now = tick();
    const FoundFlow found = find(spec, now);
    inquiry_.assume(found.tagged);
    const z3::expr flags = bits_.widen(bits_.extract(found.state, 7, 0), 32);
    const z3::expr opens = is(bits_.bit_and(packet(PacketAt::tcp_flags, 1), bits_.number(kSynAck, 8)), kSyn), over = opens && has(flags, kClosing);
    const z3::expr by_other = has(flags, egress_ ? NP_FLOW_IN : NP_FLOW_OUT), known = here && found.when && no(over);
    const z3::expr answer = known && by_other && no(is(packet(PacketAt::answers, 1), 0));
    const z3::expr error = no(is(packet(PacketAt::icmp_error, 1), 0));
    const z3::expr asked = judged_ ? no(masked) : bits_.no();
    const z3::expr agreed = known && no(answer) && no(error) && no(by_other) && (no(asked) || found.generation == generation());
    pass(answer || agreed);
    touched(found, answer, answer || agreed, spec, now);
    counted(agreed && asked, bits_.extract(found.state, 63, NP_FLOW_RULE_SHIFT));

    exactly(related.when, here && error, "asks at the wrong time whether an error is about a flow");
    const z3::expr about = here && error && no(is(related.result, 0)), pod_sends = constant(egress_ && !node_);
    exactly(own.when, about && pod_sends, "asks at the wrong time whether the source is the pod's own");
    refuse(about && pod_sends && is(own.result, 0), number(NP_REASON_INVALID_SOURCE));
    pass(about);
    exactly(masks.when, here && masked, "tracks what it must not, or does not track what it must");
    const z3::expr asks_policy = here && no(masked);
    exactly(asks[0]->when, asks_policy, "asks about what it must not, or does not ask about what it must");

    exactly(refuses.when, refused, "refuses what it must not, or does not refuse what it must");
    const z3::expr result = low(run_->result);
    inquiry_.never(passes && result != number(kPass), "does not let pass what must pass");
    inquiry_.never(refused && result != number(kDrop), "lets pass what it refuses");
    inquiry_.never(masks.when && result != masks.result, "says another thing than what tracks flows");
    inquiry_.never(asks[0]->when && result != low(asks[0]->result), "says another thing than what asks policy");
    handed_over(reason, found);
  }

  // With the runtime's parser, or in place. Either way it is np_packet that tells.
  void reads(const Call& parse) {
    points(parse, 1, skb_, "context");
    number_is(parse, 3, number(egress_ ? NP_EGRESS : NP_INGRESS), "direction");
    const z3::expr site = node_ ? number(0) : at(skb_, ContextAt::ifindex, 4);
    for (unsigned offset = 0; offset < PacketAt::size; offset += 4)
      inquiry_.never(parse.when && packet(parse.stack, offset, 4) != (offset == PacketAt::site ? site : number(0)), "gives the parser a packet that is not empty", tag_);
    as_read(*looks_, *read_);
  }
  void as_read(const z3::expr& when, const Stack& stack) {
    const z3::expr site = node_ ? number(0) : at(skb_, ContextAt::ifindex, 4), slow = when && parse_->when, fast = when && no(parse_->when);
    ++tag_;
    for (const auto& [offset, size] : fields()) inquiry_.never(slow && packet(stack, offset, size) != packet(parse_->after, offset, size), "changes what the parser has read", tag_);
    in_place(fast, stack, kIpv4Type, kIpv4Plain);
    in_place(fast, stack, kIpv6Type, kIpv6Plain);
    inquiry_.never(fast && !is_type(kIpv4Type) && !is_type(kIpv6Type), "takes something else for IP");
    inquiry_.never(fast && packet(stack, PacketAt::site, 4) != site, "takes a packet for another's");
  }
  z3::expr is_type(std::uint16_t type) { return is(ethertype_, static_cast<std::uint16_t>(type << 8 | type >> 8)); }
  static std::vector<std::pair<unsigned, unsigned>> fields() {
    return {{PacketAt::source, 8}, {PacketAt::source + 8, 8}, {PacketAt::destination, 8}, {PacketAt::destination + 8, 8}, {PacketAt::source_port, 2}, {PacketAt::destination_port, 2},
            {PacketAt::number, 2}, {PacketAt::protocol, 1}, {PacketAt::family, 1}, {PacketAt::tcp_flags, 1}, {PacketAt::answers, 1}, {PacketAt::icmp_error, 1}, {PacketAt::query, 1}, {PacketAt::site, 4}};
  }

  void in_place(const z3::expr& fast, const Stack& stack, std::uint16_t type, std::uint64_t plain) {
    const z3::expr when = fast && is_type(type);
    ++tag_;
    z3::expr whole = bits_.no();
    for (Network network : spec_.network(type, kEthernet, {})) {
      if (network.outcome != kJudge) continue;
      // nothing stands between the headers
      const z3::expr first = spec_.byte(number(kEthernet), 0);
      const z3::expr none = type == kIpv4Type ? is(first, 0x45) : bits_.yes();
      network.transport = bits_.number(plain, 32);
      const Transport transport = spec_.transport(network);
      const z3::expr here = when && network.when;
      whole = whole || (network.when && none && is(network.fragment, 0) && is(transport.outcome, kJudge));
      const auto has_field = [&](unsigned offset, unsigned size, const z3::expr& wanted, const char* what) {
        inquiry_.never(here && packet(stack, offset, size) != wanted, std::string("reads in place another ") + what, tag_);
      };
      for (const unsigned half : {0U, 1U}) {
        has_field(PacketAt::source + 8 * half, 8, network.source[half], "source");
        has_field(PacketAt::destination + 8 * half, 8, network.destination[half], "destination");
      }
      has_field(PacketAt::family, 1, bits_.number(network.family, 8), "family");
      has_field(PacketAt::protocol, 1, network.protocol, "protocol");
      has_field(PacketAt::source_port, 2, transport.source_port, "source port");
      has_field(PacketAt::destination_port, 2, transport.destination_port, "destination port");
      has_field(PacketAt::number, 2, transport.number, "port or type");
      has_field(PacketAt::tcp_flags, 1, transport.tcp_flags, "word of TCP's flags");
      has_field(PacketAt::answers, 1, transport.answers, "word about whether it may be an answer");
      has_field(PacketAt::icmp_error, 1, transport.icmp_error, "word about whether it is an error");
      has_field(PacketAt::query, 1, transport.query, "word about whether it asks or answers");
    }
    inquiry_.never(when && !whole, "reads in place what only the parser can read");
  }

  // What a node needs of ICMPv6 passes, echo is asked about, the rest is forbidden (semantics 8.5).
  z3::expr node_icmpv6(const z3::expr& type) {
    const auto between = [&](std::uint64_t from, std::uint64_t to) { return bits_.at_most(bits_.number(from, 16), type) && bits_.at_most(type, bits_.number(to, 16)); };
    const z3::expr needed = between(1, 4) || between(130, 136) || between(141, 143) || between(148, 149) || between(151, 153);
    return z3::ite(between(128, 129), number(kJudge), z3::ite(needed, number(kPassUnasked), number(NP_REASON_FORBIDDEN_ICMPV6)));
  }

  // The packet's flow: each family's of its own, as the program goes either way.
  FoundFlow find(FlowSpec& spec, const z3::expr& now) {
    const z3::expr ipv4 = is(packet(PacketAt::family, 1), 4), site = node_ ? number(0) : at(skb_, ContextAt::ifindex, 4);
    const auto of = [&](std::uint64_t family) {
      return spec.find(spec.key({{packet(PacketAt::source, 8), packet(PacketAt::source + 8, 8)}, {packet(PacketAt::destination, 8), packet(PacketAt::destination + 8, 8)},
                                 packet(PacketAt::source_port, 2), packet(PacketAt::destination_port, 2), packet(PacketAt::protocol, 1), bits_.number(family, 8), packet(PacketAt::query, 1)},
                                site, constant(egress_)),
                       now);
    };
    FoundFlow four = of(4), six = of(6);
    FoundFlow out{z3::ite(ipv4, four.when, six.when), z3::ite(ipv4, four.state, six.state), z3::ite(ipv4, four.expires, six.expires), z3::ite(ipv4, four.generation, six.generation), {},
                  z3::ite(ipv4, four.tagged, six.tagged)};
    for (const bool is_four : {true, false})
      for (FlowWay& way : (is_four ? four : six).ways) {
        way.when = both(is_four ? ipv4 : no(ipv4), way.when);
        if (!way.when.is_false()) out.ways.push_back(way);
      }
    return out;
  }

  z3::expr tick() {
    const auto looked = calls(kJiffies);
    if (looked.size() != 1) throw NotModelled{"it does not look at the clock at one place"};
    const z3::expr shift = bits_.bit_and(config(offsetof(np_config, tick_shift)), number(63));
    return low(bits_.shift_right(looked.front()->result, bits_.widen(shift, 64)));
  }

  // Of what the node itself sends to a pod it is marked.
  z3::expr generation() {
    const z3::expr now = config(offsetof(np_config, generation));
    if (egress_ || node_) return now;
    const z3::expr from_host = is(at(skb_, ContextAt::ingress_ifindex, 4), 0) && no(is(at(skb_, ContextAt::sk, 8), 0));
    return bits_.bit_or(now, bits_.either(from_host, number(NP_FROM_HOST), number(0)));
  }

  // A packet of a known flow. Another processor may have changed the flow's state meanwhile.
  void touched(const FoundFlow& found, const z3::expr& answer, const z3::expr& when, FlowSpec& spec, const z3::expr& now) {
    const z3::expr before = bits_.widen(bits_.extract(found.state, 7, 0), 32);
    const z3::expr also = bits_.bit_or(before, bits_.either(answer, number(NP_FLOW_REPLIED), number(0)));
    const z3::expr flags = spec.advance(also, packet(PacketAt::protocol, 1), packet(PacketAt::tcp_flags, 1), constant(egress_));
    const z3::expr changes = flags != before, lingers = !changes && has(flags, NP_FLOW_OUT_CLOSING) && has(flags, NP_FLOW_IN_CLOSING);
    const z3::expr expires = bits_.add(now, spec.lifetime(packet(PacketAt::protocol, 1), flags));
    // what is easy of all ways is asked at once
    const auto of_all = [&](const std::vector<z3::expr>& fears, const std::string& what, bool easy) {
      ++tag_;
      for (const z3::expr& fear : fears) inquiry_.never(fear, what, easy ? tag_ : ++tag_);
    };
    std::vector<z3::expr> taken, set, unfounded, unsaid, another_time, untimely, unnoted;
    for (const FlowWay& way : found.ways) {
      const z3::expr here = when && way.when;
      const std::uint64_t state_at = way.track + offsetof(np_track, state), expires_at = way.track + offsetof(np_track, expires);
      z3::expr tried = bits_.no(), first = bits_.no(), undisturbed = bits_.yes();
      for (const Exchange& one : run_->exchanges)
        for (const Pointer& p : one.address.pointers) {
          if (p.region != way.region || !one.expected) continue;
          const z3::expr it = one.when && p.when && is(bits_.add(p.offset, bits_.number(static_cast<std::uint64_t>(one.distance), 64)), state_at);
          if (it.is_false()) continue;
          // none is taken away, and no other is set than those of this packet, whatever was found
          taken.push_back(it && (*one.expected & ~one.next) != 0);
          set.push_back(it && (one.next & ~*one.expected & ~bits_.widen(flags, 64)) != 0);
          first = first || (it && *one.expected == found.state && one.next == (found.state | bits_.widen(flags, 64)));
          undisturbed = undisturbed && (!it || bits_.equal(one.found, *one.expected));
          tried = tried || it;
        }
      unfounded.push_back(tried && !(here && changes));
      unsaid.push_back(here && changes && !first);
      z3::expr written = bits_.no();
      for (std::size_t s = 0; s < machine_.stores().size(); ++s) {
        const Store& store = machine_.stores()[s];
        if (store.region != way.region) continue;
        if (store.offset == state_at && store.size == 8) understand(s);
        if (store.offset != expires_at || store.size != 4) continue;
        understand(s);
        written = written || store.when;
        another_time.push_back(store.when && undisturbed && store.value != expires);
      }
      untimely.push_back(written && !(here && !lingers));
      unnoted.push_back(here && !lingers && undisturbed && !written && expires != at(way.region, expires_at, 4));
    }
    of_all(taken, "takes a flag of a flow away", true);
    of_all(set, "sets another flag of a flow", true);
    of_all(unfounded, "changes a flow that it must not", true);
    of_all(unsaid, "does not note what a packet says of its flow", false);
    of_all(another_time, "lets a flow expire at another time", true);
    of_all(untimely, "changes when a flow expires that it must not", true);
    of_all(unnoted, "does not note when a flow expires", false);
  }

  // A packet that policy has agreed to once counts for the rule that did.
  void counted(const z3::expr& when, const z3::expr& rule) {
    const z3::expr none = at(slots_, offsetof(np_counters, others), 4) + number(egress_ ? 1 : 0);
    const z3::expr slot = z3::ite(is(rule, NP_NO_RULE), none, egress_ ? at(slots_, offsetof(np_counters, egress), 4) + rule : rule);
    for (const Asked& asked : run_->asked)
      if (object_.maps[asked.lookup.map].name == NP_MAP_RULES) inquiry_.never(asked.when && asked.lookup.key != slot, "counts for another rule");
    adds({NP_MAP_RULES, {}, when, packet_and_bytes(skb_), "for a rule"});
    no_other_stores();
  }

  void handed_over(const z3::expr& reason, const FoundFlow& found) {
    const z3::expr direction = number(egress_ ? NP_EGRESS : NP_INGRESS);
    const auto packet_is = [&](const Call& call, std::size_t argument) {
      if (structure(call, argument) != packet_at_) throw NotModelled{call.callee + " is told of another packet"};
      const z3::expr later = call.when && *looks_;
      ++tag_;
      for (const auto& [offset, size] : fields()) inquiry_.never(later && packet(call.stack, offset, size) != packet(offset, size), call.callee + " is told of another packet", tag_);
      if (call.callee == "np_exempt" || call.callee == "np_claim" || call.callee == "np_refuse") as_read(call.when && no(*looks_), call.stack);
    };
    for (const Call* call : calls("np_refuse")) {
      points(*call, 1, skb_, "context");
      packet_is(*call, 2);
      number_is(*call, 3, direction, "direction");
      number_is(*call, 4, reason, "reason");
      number_is(*call, 5, number(0), "identity");
    }
    for (const char* callee : {"np_exempt", "np_claim", "np_related"})
      for (const Call* call : calls(callee)) {
        points(*call, 1, skb_, "context");
        packet_is(*call, 2);
        if (std::string(callee) != "np_exempt") number_is(*call, 3, direction, "direction");
      }
    for (const Call* call : calls("np_source_is_own")) packet_is(*call, 1);
    for (const char* callee : {"np_track_masked", egress_ ? "np_admit_out" : "np_admit_in"})
      for (const Call* call : calls(callee)) {
        points(*call, 1, skb_, "context");
        packet_is(*call, 2);
        known_is(*call, found);
        // without a flow it says nothing
        const Value& state = call->arguments[3];
        if (!state.pointers.empty()) throw NotModelled{call->callee + " gets a pointer for a state"};
        inquiry_.never(call->when && found.when && low(state.bits) != low(found.state), call->callee + " is called with another state");
      }
  }

  // The flow that was found, or none.
  void known_is(const Call& call, const FoundFlow& found) {
    const Value& value = call.arguments[2];
    z3::expr right = !found.when && is(value.bits, 0);
    z3::expr pointed = bits_.no();
    for (const Pointer& p : value.pointers) {
      pointed = pointed || p.when;
      for (const FlowWay& way : found.ways)
        if (p.region == way.region) right = right || (way.when && p.when && is(p.offset, way.track));
    }
    inquiry_.never(call.when && !(right && (found.when || !pointed)), call.callee + " is told of another flow");
  }

  bool egress_, judged_ = false, enforced_ = false, node_ = false;
  z3::expr length_, linear_, ethertype_;
  std::size_t skb_, slots_;
  PacketSpec spec_;
  int packet_at_ = 0;
  std::size_t tag_ = 1;  // what is said of one thing is asked at once
  const Call* parse_ = nullptr;
  std::optional<z3::expr> looks_;
  std::optional<Stack> read_;  // when policy is asked
};

}  // namespace

Part prove_from_pod(const Object& object, Effort effort) {
  return part("np_from_pod", [&](Part& out) { EveryPacketProof(object, ir::Direction::Egress, effort, out).prove(); });
}
Part prove_to_pod(const Object& object, Effort effort) {
  return part("np_to_pod", [&](Part& out) { EveryPacketProof(object, ir::Direction::Ingress, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
