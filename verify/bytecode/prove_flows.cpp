// Conntrack's own functions. np_is_alive finds a flow where ir/map_layout.h says that it is kept; np_remember (with np_key_apart,
// np_restart and np_open) puts it there as docs/datapath.md says: a known flow is changed where it is, if it is still the same
// one, and else one way of its bucket is taken, filled and given back.
#include "verify/bytecode/flow_spec.h"
#include "verify/bytecode/function_proof.h"
#include "verify/bytecode/runtime_parts.h"
#include "verify/smt/solver.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr std::uint64_t kHost = 1;  // identity
constexpr std::size_t kAtOnce = 48;

class FlowProof : protected FunctionProof {
 public:
  FlowProof(const Object& object, const char* function, Effort effort, Part& out, std::size_t at_once = 256)
      : FunctionProof(object, function, effort, out, at_once), spec_(prepared(), configuration().region) {}

 protected:
  // The tick at which the function looked at the clock, once.
  z3::expr now() {
    const auto looked = calls(kJiffies);
    if (looked.size() != 1) throw NotModelled{"it does not look at the clock at one place"};
    const z3::expr shift = bits_.bit_and(config(offsetof(np_config, tick_shift)), bits_.number(63, 32));
    return low(bits_.shift_right(looked.front()->result, bits_.widen(shift, 64)));
  }

  FlowSpec spec_;

 private:
  Machine& prepared() {
    bits_.abstract_products();
    bits_.abstract_equality();
    return machine_;
  }
};

class AliveProof : FlowProof {
 public:
  AliveProof(const Object& object, Effort effort, Part& out)
      : FlowProof(object, "np_is_alive", effort, out), given_(truth("a key")), key_(machine_.give("the key", KeyAt::size)) {}

  void prove() {
    run({maybe(key_, given_)}, {});
    const FlowKey key = spec_.key_in_memory([&](std::uint64_t offset, unsigned size) { return at(key_, offset, size); });
    const FoundFlow found = spec_.find(key, now());
    inquiry_.assume(found.tagged);
    const z3::expr wanted = given_ && configuration().found && found.when;
    exactly(is(low(run_->result), 1), wanted, "finds a flow that is not there, or does not find one that is");
    exactly(is(low(run_->result), 0), !wanted, "says neither that there is such a flow nor that there is none");
    no_other_stores();
    conclude();
  }

 private:
  z3::expr given_;
  std::size_t key_;
};

class RememberProof : FlowProof {
 public:
  RememberProof(const Object& object, ir::Direction direction, Effort effort, Part& out)
      : FlowProof(object, "np_remember", effort, out, Inquiry::kAlone), egress_(direction == ir::Direction::Egress), given_(truth("a packet and an outcome")),
        known_given_(truth("a known flow")), fresh_(symbol("fresh", 32)), packet_(machine_.give("the packet", PacketAt::size)),
        outcome_(machine_.give("the outcome", OutcomeAt::size, {{0, bits_.join(symbol("identity", 32), bits_.number(egress_ ? NP_EGRESS : NP_INGRESS, 32))}})),
        known_(machine_.give("the known flow", sizeof(np_track))), effort_(effort) {}

  void prove() {
    run({maybe(packet_, given_), maybe(outcome_, given_), maybe(known_, known_given_), {bits_.widen(fresh_, 64)}},
        {.inlined = {"np_key_apart", "np_restart", "np_open"}});
    own_.assign(machine_.stores().size(), false);
    state_what_must_hold();
    nothing_else_is_written();
    conclude();
    out_.steps += more_steps_;
  }

 private:
  z3::expr packet(std::uint64_t offset, unsigned size) { return at(packet_, offset, size); }
  z3::expr outcome(std::uint64_t offset) { return at(outcome_, offset, 4); }
  z3::expr number(std::uint64_t value) { return bits_.number(value, 32); }

  void state_what_must_hold() {
    const z3::expr egress = constant(egress_), go = given_ && configuration().found;
    const FlowPacket of{{packet(PacketAt::source, 8), packet(PacketAt::source + 8, 8)}, {packet(PacketAt::destination, 8), packet(PacketAt::destination + 8, 8)},
                        packet(PacketAt::source_port, 2), packet(PacketAt::destination_port, 2), packet(PacketAt::protocol, 1), packet(PacketAt::family, 1), packet(PacketAt::query, 1)};
    const FlowKey key = spec_.key(of, packet(PacketAt::site, 4), egress);
    const z3::expr tick = now();
    const z3::expr from_host = constant(!egress_) && is(outcome(OutcomeAt::identity), kHost);
    // of what policy was not asked about, or what passes for audit mode alone, it is asked every time
    const z3::expr agreed = outcome(OutcomeAt::identity) != 0 && !has(outcome(OutcomeAt::flags), NP_EVENT_AUDITED);
    const z3::expr generation = z3::ite(agreed, outcome(OutcomeAt::generation) | z3::ite(from_host, number(NP_FROM_HOST), number(0)), number(0));
    const Flow flow{key, spec_.advance(number(egress_ ? NP_FLOW_OUT : NP_FLOW_IN), key.protocol, packet(PacketAt::tcp_flags, 1), egress),
                    bits_.extract(outcome(OutcomeAt::verdict), 23, 0), generation, tick};

    const z3::expr same = go && known_given_ && bits_.extract(known_state(), 31, NP_FLOW_PROTOCOL_SHIFT) == bits_.extract(outcome(OutcomeAt::state), 31, NP_FLOW_PROTOCOL_SHIFT);
    const z3::expr begun = restarted(same, flow);
    z3::expr opened = bits_.no(), evicted = bits_.no();
    for (const bool ipv4 : in_order(key)) {
      const Taken taken = took(go && !same && (ipv4 ? key.ipv4 : !key.ipv4), flow, ipv4);
      opened = opened || taken.when;
      evicted = evicted || (taken.when && taken.live);
    }
    exactly(!is(low(run_->result), 0), same || opened, "says that the flow is kept where it is not, or the reverse");
    const z3::expr one = bits_.number(1, 64);
    for (const Asked& asked : run_->asked)
      if (object_.maps[asked.lookup.map].name == NP_MAP_STATS && Bits::value(asked.lookup.key).value_or(NP_STATS) > NP_STAT_EVICTED) throw NotModelled{"it counts in np_stats what is not understood"};
    adds({NP_MAP_STATS, NP_STAT_OPENED, opened || (begun && !is(fresh_, 0)), {{0, one}}, "an opened flow"});
    adds({NP_MAP_STATS, NP_STAT_EVICTED, evicted, {{0, one}}, "a flow that gave way"});
  }

  struct Flow {
    FlowKey key;
    z3::expr flags, rule, generation, now;  // 32, 24, 32, 32 bits
  };
  z3::expr known_state() { return at(known_, offsetof(np_track, state), 8); }
  // np_track's state, of a sequence (16 bits).
  z3::expr state(const Flow& flow, const z3::expr& flags, const z3::expr& sequence) {
    return z3::concat(bits_.widen(flow.rule, 32), z3::concat(sequence, z3::concat(flow.key.protocol, bits_.extract(flags, 7, 0))));
  }

  // The known flow. Another processor may have changed it meanwhile: the next packet will try again.
  z3::expr restarted(const z3::expr& same, const Flow& flow) {
    const z3::expr before = bits_.widen(bits_.extract(known_state(), 7, 0), 32), flags = bits_.bit_or(flow.flags, z3::ite(is(fresh_, 0), before, number(0)));
    const z3::expr next = state(flow, flags, bits_.extract(known_state(), 31, NP_FLOW_SEQUENCE_SHIFT));
    const z3::expr done = exchanged(known_, offsetof(np_track, state), same, known_state());
    written(known_, offsetof(np_track, state), next, done, "the known flow's state");
    // what was closed and stays closed lingers no longer
    const auto closed = [&](const z3::expr& of) { return has(of, NP_FLOW_IN_CLOSING) && has(of, NP_FLOW_OUT_CLOSING); };
    written(known_, offsetof(np_track, expires), bits_.add(flow.now, spec_.lifetime(flow.key.protocol, flags)), done && !(closed(flags) && closed(before)), "when the known flow expires");
    written(known_, offsetof(np_track, generation), flow.generation, done, "the known flow's generation");
    return done;
  }

  struct Taken {
    z3::expr when, live;
  };
  // A way of the flow's bucket: taken, filled and given back, in this order.
  Taken took(const z3::expr& when, const Flow& flow, bool ipv4) {
    const Lookup bucket = spec_.bucket(flow.key, ipv4);
    const FlowSpec::Choice choice = spec_.cheapest(bucket, ipv4, flow.now);
    compares(choice);
    Taken out{bits_.no(), choice.live};
    for (std::uint64_t number = 0; number < NP_WAYS; ++number) {
      const std::uint64_t at_flow = FlowSpec::way_at(ipv4, number), track = FlowSpec::track_at(ipv4, number), at_state = track + offsetof(np_track, state);
      const z3::expr before = at(bucket.region, at_state, 8), sequence = bits_.extract(before, 31, NP_FLOW_SEQUENCE_SHIFT);
      const z3::expr taken = exchanged(bucket.region, at_state, when && bucket.found && choice.takes[number], before);
      const auto states = stores(bucket.region, at_state, 8);
      if (states.size() != 2) {
        never(bits_.yes(), "does not write a flow's state twice, to take its way and to give it back");
        return out;
      }
      written(states[0], z3::concat(bits_.number(0, 32), z3::concat(sequence, bits_.number(NP_FLOW_BUSY, 16))), taken, "the mark that a way is taken");
      written(states[1], state(flow, flow.flags, sequence + 1), taken, "a flow's state");
      const auto field = [&](std::uint64_t offset, const z3::expr& value, const std::string& what) {
        for (const std::size_t s : written(bucket.region, offset, value, taken, what))
          if (s < states[0] || s > states[1]) never(bits_.yes(), "writes " + what + " before the way is taken, or after it was given back");
      };
      field(number, spec_.tag(flow.key), "a flow's tag");
      if (ipv4) field(at_flow, flow.key.addresses, "a flow's addresses");
      else
        for (std::uint64_t half = 0; half < 4; ++half) field(at_flow + half * 8, half < 2 ? flow.key.local[half] : flow.key.remote[half - 2], "a flow's addresses");
      field(track + offsetof(np_track, ports), flow.key.ports, "a flow's ports");
      field(track + offsetof(np_track, expires), bits_.add(flow.now, spec_.lifetime(flow.key.protocol, flow.flags)), "when a flow expires");
      field(track + offsetof(np_track, generation), flow.generation, "a flow's generation");
      out.when = out.when || taken;
    }
    return out;
  }

  // The families, in the order in which the function's code speaks of them.
  std::vector<bool> in_order(const FlowKey& key) {
    for (const Asked& asked : run_->asked)
      for (const bool ipv4 : {true, false})
        if (asked.lookup.region == spec_.bucket(key, ipv4).region) return {ipv4, !ipv4};
    return {true, false};
  }
  // As the function goes through the ways, it has the least price so far. Of the first way there is nothing to compare with.
  void compares(const FlowSpec::Choice& choice) {
    std::vector<z3::expr> known = bits_.facts();
    for (const Bits::Name& name : bits_.names()) known.push_back(name.fact);
    known.insert(known.end(), choice.priced.begin(), choice.priced.end());
    if (shown(choice.takeable, choice.priced)) inquiry_.assume(choice.takeable);
    z3::expr busy = choice.prices[0].busy;
    for (std::uint64_t number = 1; number < NP_WAYS && compared_ < bits_.lesser().size(); ++number) {
      const Bits::Lesser& step = bits_.lesser()[compared_++];
      if (number == 1) {
        const z3::expr first = is_least(step.before, choice.least[0], busy);
        if (shown(first, known)) inquiry_.assume(first);
      }
      if (shown(is_price(step.other, choice.prices[number]), known)) busy = shown_of_lesser(step, choice, number, busy);
    }
  }
  // Of a number of the function's. Dear ones are more than what it begins with, but for a way that is being written and has no
  // flow, which it will not take for that.
  z3::expr is_price(const z3::expr& has, const FlowSpec::Choice::Price& price) {
    const z3::expr dear = (has == bits_.number(FlowSpec::kDear, 64) + z3::zext(price.way, 61) && price.busy) || (z3::ugt(has, bits_.number(FlowSpec::kDear | 7, 64)) && z3::ult(has, bits_.number(FlowSpec::kDearest, 64)));
    return z3::ite(price.none, dear, has == price.number);
  }
  // `busy`: of the way that it names.
  z3::expr is_least(const z3::expr& has, const FlowSpec::Choice::Price& price, const z3::expr& busy) {
    const z3::expr dear = z3::ule(bits_.number(FlowSpec::kDear, 64), has) && z3::ule(has, bits_.number(FlowSpec::kDear | 7, 64)) && (bits_.extract(has, 2, 0) == bits_.number(NP_WAYS, 3) || busy);
    return z3::ite(price.none, dear, has == price.number);
  }
  // The lesser of two prices is the lesser price: for any numbers, and so for these. Is the way busy that it names, if that of
  // the one before is where `busy` holds?
  z3::expr shown_of_lesser(const Bits::Lesser& step, const FlowSpec::Choice& choice, std::uint64_t number, const z3::expr& busy) {
    const FlowSpec::Choice::Price &before = choice.least[number - 1], &other = choice.prices[number], &now = choice.least[number];
    const z3::expr still = z3::ite(step.taken, other.busy, busy);
    z3::expr_vector from(context_), to(context_);
    for (const z3::expr& term : {step.before, step.name, step.taken, before.price, before.way, other.price, other.busy, busy}) {
      from.push_back(term);
      to.push_back(z3::expr(context_, Z3_mk_fresh_const(context_, "some", term.get_sort())));
    }
    const auto general = [&](z3::expr term) { return term.substitute(from, to); };
    const z3::expr lesser = z3::ite(step.taken, step.name, step.before);
    const z3::expr wanted = now.none || (step.taken == z3::ult(other.price, before.price) && z3::ule(now.way, other.way));
    const bool holds = shown(general(is_least(lesser, now, still) && wanted), {general(step.taken == (step.name - step.before < 0)), general(is_least(step.before, before, busy)),
                                                                               general(is_price(step.name, other)), general(before.none || z3::ult(before.way, other.way))});
    if (holds) inquiry_.assume(is_least(step.lesser, now, still) && wanted);
    return still;
  }
  // Does the solver show it by itself? It would be long in a crowd.
  bool shown(const z3::expr& said, const std::vector<z3::expr>& premises) {
    smt::Solver alone(context_, {effort_.steps, effort_.milliseconds});
    for (const z3::expr& premise : premises) alone.add(premise);
    alone.add(!said);
    const bool holds = std::holds_alternative<smt::Impossible>(alone.ask(name_ + ", a step"));
    more_steps_ += alone.steps();
    return holds;
  }

  // So many questions at a time: less is done twice, and not all of it at once.
  void never(const z3::expr& when, const std::string& what) { inquiry_.never(when, what, 1 + asked_++ / kAtOnce); }
  void exactly(const z3::expr& when, const z3::expr& wanted, const std::string& what) { never(when != wanted, what); }

  // When is what was expected there found there, by the one exchange that is for it? Which must be tried where `tries` holds,
  // and must expect the state as it was read.
  z3::expr exchanged(std::size_t region, std::uint64_t offset, const z3::expr& tries, const z3::expr& before) {
    z3::expr tried = bits_.no(), done = bits_.no();
    for (const Exchange& one : run_->exchanges)
      for (const Pointer& p : one.address.pointers) {
        if (p.region != region || !one.expected) continue;
        const z3::expr here = one.when && p.when && is(bits_.add(p.offset, bits_.number(static_cast<std::uint64_t>(one.distance), 64)), offset);
        never(here && *one.expected != before, "expects another state than it has read");
        never(here && tried, "tries twice to take a way");
        tried = tried || here;
        done = done || (here && bits_.equal(one.found, *one.expected));
      }
    exactly(tried, tries, "tries to change a flow that it must not, or does not try what it must");
    return done;
  }

  std::vector<std::size_t> stores(std::size_t region, std::uint64_t offset, unsigned size) {
    std::vector<std::size_t> out;
    for (std::size_t s = 0; s < own_.size(); ++s)
      if (const Store& store = machine_.stores()[s]; store.region == region && store.offset == offset && store.size == size) out.push_back(s);
    return out;
  }
  void written(std::size_t store, const z3::expr& value, const z3::expr& when, const std::string& what) {
    const Store& one = machine_.stores()[store];
    own_[store] = true;
    exactly(one.when, when, "writes " + what + " at the wrong time");
    never(one.when && one.value != value, "writes " + what + " wrong");
  }
  std::vector<std::size_t> written(std::size_t region, std::uint64_t offset, const z3::expr& value, const z3::expr& when, const std::string& what) {
    const auto all = stores(region, offset, Bits::width(value) / 8);
    if (all.size() == 1) written(all.front(), value, when, what);
    else never(when, "does not write " + what + ", or in several places");
    return all;
  }

  void nothing_else_is_written() {
    for (std::size_t s = 0; s < own_.size(); ++s) {
      const Store& store = machine_.stores()[s];
      const Region& region = machine_.region(store.region);
      const bool counts = region.kind == Region::Kind::MapValue && region.name == NP_MAP_STATS && store.offset == 0 && store.size == 8;
      if (!own_[s] && !counts) never(store.when, "writes to " + region.name);
    }
  }

  bool egress_;
  z3::expr given_, known_given_, fresh_;
  std::size_t packet_, outcome_, known_;
  std::vector<bool> own_;  // stores
  std::size_t compared_ = 0, asked_ = 0;
  Effort effort_;
  std::uint64_t more_steps_ = 0;
};

}  // namespace

// For each direction by itself; whoever calls it knows no third (their own proofs).
Part prove_remember(const Object& object, Effort effort) {
  Part out{"np_remember", Proved{}};
  for (const ir::Direction direction : {ir::Direction::Ingress, ir::Direction::Egress}) {
    const Part one = part("np_remember", [&](Part& half) { RememberProof(object, direction, effort, half).prove(); });
    out.steps += one.steps;
    out.instructions = std::max(out.instructions, one.instructions);
    if (!std::holds_alternative<Proved>(one.answer)) {
      out.answer = one.answer;
      break;
    }
  }
  return out;
}

Part prove_is_alive(const Object& object, Effort effort) {
  return part("np_is_alive", [&](Part& out) { AliveProof(object, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
