// np_admit_in and np_admit_out: from a packet that policy must be asked about to what becomes of it. What they call is by
// contract, so that this proof is about who is asked what, and what follows from the answer:
//
//   the flow that policy is asked about has the identity and row that the maps give for the packet's other side;
//   what policy does not allow is dropped, counted and reported with its verdict, and is not remembered;
//   what it allows is remembered with its verdict and passes, or is refused for one of the reasons that docs/datapath.md
//   names.
#include <algorithm>
#include <cstddef>
#include <set>

#include "ir/map_layout.h"
#include "verify/bytecode/inquiry.h"

namespace netpolc::verify::bytecode {
namespace {

// What the runtime's functions hand to each other, by offset: np_packet, np_outcome, np_flow.
struct PacketAt {
  static constexpr std::uint64_t source = 0, destination = 16, number = 36, protocol = 38, family = 39, tcp_flags = 40, site = 72, size = 80;
};
struct OutcomeAt {
  static constexpr unsigned direction = 0, identity = 4, verdict = 8, flags = 12, state = 16, generation = 20;
};
struct FlowAt {
  static constexpr unsigned identity = 0, row = 4, number = 8, protocol = 10;
};
// The kernel's context of a packet (struct __sk_buff).
struct ContextAt {
  static constexpr std::uint64_t length = 0, ingress_ifindex = 36, sk = 168, size = 192;
};
constexpr std::uint32_t kPass = 0xffffffff, kDrop = 2;  // TC_ACT_UNSPEC, TC_ACT_SHOT
constexpr std::uint64_t kSynAck = 0x12, kSyn = 0x02;
constexpr std::uint64_t kClosing = NP_FLOW_IN_CLOSING | NP_FLOW_OUT_CLOSING;

// `known`: it is not the world's for want of anything known.
struct Who {
  z3::expr identity, row, known;
};

class AdmitProof {
 public:
  AdmitProof(const Object& object, ir::Direction direction, Effort effort, Part& out)
      : object_(object), egress_(direction == ir::Direction::Egress), name_(egress_ ? "np_admit_out" : "np_admit_in"),
        policy_(egress_ ? "np_policy_egress" : "np_policy_ingress"), bits_(context_), machine_(bits_, object), inquiry_(name_, context_, effort),
        given_(context_.bool_const("a packet")), known_given_(context_.bool_const("a known flow")), state_(context_.bv_const("state", 32)),
        skb_(machine_.give("the context", ContextAt::size)), slots_(machine_.give_constant(NP_CONSTANT_COUNTERS)), packet_(machine_.give("the packet", PacketAt::size)),
        known_(machine_.give("the known flow", sizeof(np_track))), out_(out) {}

  void prove() {
    const Function* function = object_.function(name_);
    const auto plan = plan_of(object_);
    if (function == nullptr || !plan) throw NotModelled{"the object has no such function, or no np_plan"};
    planned_ = egress_ ? plan->egress : plan->ingress;
    judged_ = (planned_ & kPlanJudged) != 0;
    enforced_ = ((plan->ingress | plan->egress) & kPlanJudged) != 0;
    node_ = (plan->ingress & kPlanNode) != 0;
    run_ = execute(machine_, *function, {machine_.pointer(skb_), maybe(packet_, given_), maybe(known_, known_given_), {bits_.widen(state_, 64)}},
                   {.contracts = {{policy_, {}}, {"np_refuse", {}}, {"np_report", {}}, {"np_name", {}}, {"np_encapsulates", {}},
                                  {"np_source_is_own", {}}, {"np_remember", {{.argument = 3}}}}});
    out_.instructions = run_->steps;
    reads_the_plan_alone();
    state_what_must_hold();
    inquiry_.no_faults(machine_);
    for (const z3::expr& fact : machine_.facts()) inquiry_.assume(fact);
    if (const auto found = inquiry_.ask()) out_.answer = Refuted{found->what, std::nullopt};
    out_.steps = inquiry_.steps();
  }

 private:
  // So that programs with the same plan have the same proof.
  void reads_the_plan_alone() const {
    const auto plan = std::find_if(object_.constants.begin(), object_.constants.end(), [](const auto& c) { return c.name == "np_plan"; });
    for (const Machine::Read& read : machine_.constants_read())
      if (read.data != plan->data || read.from < plan->offset || read.to > plan->offset + plan->size) throw NotModelled{"it reads constants other than np_plan"};
  }

  Value maybe(std::size_t region, const z3::expr& when) { return {bits_.number(0, 64), {{when, region, bits_.number(0, 64)}}}; }
  z3::expr packet(std::uint64_t offset, unsigned size) { return machine_.initial(packet_, offset, size); }
  z3::expr is(const z3::expr& term, std::uint64_t value) { return bits_.equal(term, bits_.number(value, Bits::width(term))); }
  z3::expr has(const z3::expr& term, std::uint64_t flag) { return !is(bits_.bit_and(term, bits_.number(flag, Bits::width(term))), 0); }
  z3::expr low(const z3::expr& term) { return bits_.extract(term, 31, 0); }
  z3::expr constant(bool value) { return context_.bool_val(value); }
  // Both ways: `when` must be what `wanted` says.
  void exactly(const z3::expr& when, const z3::expr& wanted, const std::string& what) { inquiry_.never(when != wanted, what); }

  std::size_t map(const char* name) const {
    const auto at = std::find_if(object_.maps.begin(), object_.maps.end(), [&](const Map& m) { return m.name == name; });
    if (at == object_.maps.end()) throw NotModelled{"the object has no map " + std::string(name)};
    return static_cast<std::size_t>(at - object_.maps.begin());
  }
  Lookup look_up(const char* name, const z3::expr& key, std::size_t value) {
    const Map& m = object_.maps[map(name)];
    if (m.value_size != value || m.key_size * 8 != Bits::width(key)) throw NotModelled{"the map " + m.name + " has other sizes than its layout"};
    return machine_.look_up(map(name), key);
  }
  z3::expr config(std::uint64_t offset, unsigned size = 4) { return machine_.initial(config_->region, offset, size); }
  Who address_at(std::size_t region, std::uint64_t offset, bool known = true) {
    return {machine_.initial(region, offset, 4), machine_.initial(region, offset + 4, 4), constant(known)};
  }
  Who choose(const z3::expr& when, const Who& a, const Who& b) {
    return {z3::ite(when, a.identity, b.identity), z3::ite(when, a.row, b.row), z3::ite(when, a.known, b.known)};
  }
  Who world_of(const z3::expr& ipv4) {
    return choose(ipv4, address_at(config_->region, offsetof(np_config, world4), false), address_at(config_->region, offsetof(np_config, world6), false));
  }
  z3::expr asks_prefixes() { return constant((planned_ & kPlanPrefixes) != 0 || !judged_) || has(config(offsetof(np_config, flags)), NP_CONFIG_PREFIXES); }

  std::vector<const Call*> calls(const std::string& callee) const {
    std::vector<const Call*> out;
    for (const Call& call : run_->calls)
      if (call.callee == callee) out.push_back(&call);
    return out;
  }
  // The result of a function that is called once at most, and when it is.
  struct Once {
    z3::expr when, result;
  };
  Once once(const std::string& callee) {
    Once out{bits_.no(), bits_.number(0, 32)};
    for (const Call* call : calls(callee)) {
      inquiry_.never(bits_.both(out.when, call->when), "calls " + callee + " twice");
      out.result = bits_.either(call->when, low(call->result), out.result);
      out.when = bits_.one_of(out.when, call->when);
    }
    return out;
  }
  // Must point to the region's start.
  void points(const Call& call, std::size_t argument, std::size_t region, const std::string& what) {
    z3::expr right = bits_.no();
    for (const Pointer& p : call.arguments[argument - 1].pointers)
      if (p.region == region) right = bits_.one_of(right, bits_.both(p.when, is(p.offset, 0)));
    inquiry_.never(bits_.both(call.when, bits_.negate(right)), call.callee + " is called with another " + what);
  }
  void number_is(const Call& call, std::size_t argument, const z3::expr& wanted, const std::string& what) {
    const Value& value = call.arguments[argument - 1];
    if (!value.pointers.empty()) throw NotModelled{call.callee + " gets a pointer for " + what};
    inquiry_.never(bits_.both(call.when, low(value.bits) != wanted), call.callee + " is called with another " + what);
  }
  // Where a structure that is handed over lies on the stack.
  int structure(const Call& call, std::size_t argument) {
    const Value& value = call.arguments[argument - 1];
    const bool plain = value.pointers.size() == 1 && value.pointers[0].when.is_true() && value.pointers[0].region == machine_.stack() &&
                       Bits::value(value.pointers[0].offset);
    if (!plain) throw NotModelled{call.callee + " is called with a structure that is not in a constant place of the stack"};
    return static_cast<int>(*Bits::value(value.pointers[0].offset));
  }
  void field_is(const Call& call, int at, unsigned size, const z3::expr& wanted, const z3::expr& also, const std::string& what) {
    const z3::expr has = machine_.bytes(call.stack, at, size);
    inquiry_.never(bits_.both(bits_.both(call.when, also), has != wanted), call.callee + " is told another " + what);
  }

  // Whom the maps name for an address: nearest table, hash, prefixes, and the world's for what none of them has.
  Who by_address(const z3::expr& low_half, const z3::expr& high_half, const z3::expr& ipv4) {
    const Who world = world_of(ipv4);
    const z3::expr four = low(low_half), six = bits_.join(high_half, low_half);
    const z3::expr prefixes = asks_prefixes();
    const auto found = [&](const Lookup& lookup, const Who& otherwise) { return choose(lookup.found, address_at(lookup.region, 0), otherwise); };
    const auto behind = [&](const char* exact, const z3::expr& key, const char* trie, unsigned length) {
      const Lookup prefix = look_up(trie, bits_.join(key, bits_.number(length, 32)), sizeof(np_address));
      return found(look_up(exact, key, sizeof(np_address)), choose(prefixes && prefix.found, address_at(prefix.region, 0), world));
    };
    const Who in_maps = choose(ipv4, behind(NP_MAP_ADDRESSES4, four, NP_MAP_IPCACHE4, 32), behind(NP_MAP_ADDRESSES6, six, NP_MAP_IPCACHE6, 128));
    return near(four, ipv4, in_maps);
  }
  Who near(const z3::expr& four, const z3::expr& ipv4, const Who& otherwise) {
    // np_near_index
    const z3::expr index = bits_.shift_right(bits_.mul(four, bits_.number(0x9e3779b1u, 32)), bits_.number(32 - NP_NEAR_BITS, 32));
    const Lookup bucket = look_up(NP_MAP_NEAR4, index, sizeof(np_near_bucket));
    Who out = otherwise;
    for (std::uint64_t i = NP_NEAR_ENTRIES; i-- > 0;) {
      const std::uint64_t at = i * sizeof(np_near);
      const z3::expr identity = machine_.initial(bucket.region, at + offsetof(np_near, identity), 4);
      const Who entry = choose(!is(identity, 0), {identity, machine_.initial(bucket.region, at + offsetof(np_near, row), 4), constant(true)}, otherwise);
      out = choose(machine_.initial(bucket.region, at + offsetof(np_near, address), 4) == four, entry, out);
    }
    return choose(ipv4 && bucket.found, out, otherwise);
  }

  // The other side. What the node itself sends is from the host, and nothing else is (semantics 8.6).
  Who remote(const z3::expr& ipv4) {
    const std::uint64_t side = egress_ ? PacketAt::destination : PacketAt::source;
    const Who named = by_address(packet(side, 8), packet(side + 8, 8), ipv4);
    if (egress_) return named;
    Who world = world_of(ipv4);
    world.known = named.known;
    const z3::expr from_host = constant(!node_) && is(machine_.initial(skb_, ContextAt::ingress_ifindex, 4), 0) && !is(machine_.initial(skb_, ContextAt::sk, 8), 0);
    return choose(from_host, address_at(config_->region, offsetof(np_config, host)), choose(is(named.identity, 1), world, named));
  }

  void state_what_must_hold() {
    config_ = look_up(NP_MAP_CONFIG, bits_.number(0, 32), sizeof(np_config));
    const z3::expr ipv4 = is(packet(PacketAt::family, 1), 4), pod_sends = constant(egress_ && !node_);
    const z3::expr world = z3::ite(ipv4, config(offsetof(np_config, world4)), config(offsetof(np_config, world6)));
    const z3::expr port = config(offsetof(np_config, tunnel_port), 2), number = packet(PacketAt::number, 2);
    const Once encapsulates = once("np_encapsulates"), policy = once(policy_), own = once("np_source_is_own");

    const z3::expr no_config = given_ && !config_->found;
    const z3::expr no_family = given_ && config_->found && constant(enforced_) && is(world, 0);
    const z3::expr asks_tunnel = given_ && config_->found && !no_family && pod_sends && !is(port, 0) && number == port;
    const z3::expr tunnel = asks_tunnel && !is(encapsulates.result, 0);
    const z3::expr go = given_ && config_->found && !no_family && !tunnel;
    exactly(encapsulates.when, asks_tunnel, "asks at the wrong time whether a packet is for the overlay");
    exactly(policy.when, go && constant(judged_), "asks policy about what it must not, or does not ask it");

    verdict_ = judged_ ? policy.result : bits_.number(NP_NO_RULE, 32);
    const z3::expr denied = !is(bits_.extract(*verdict_, 31, 24), NP_REASON_FORWARDED);
    const Lookup interface = look_up(NP_MAP_INTERFACES, packet(PacketAt::site, 4), sizeof(np_interface));
    const z3::expr audited = has(config(offsetof(np_config, flags)), NP_CONFIG_AUDIT) && interface.found &&
                             has(machine_.initial(interface.region, offsetof(np_interface, flags), 4), NP_AUDIT);
    const z3::expr opens = is(bits_.bit_and(packet(PacketAt::tcp_flags, 1), bits_.number(kSynAck, 8)), kSyn);
    const z3::expr fresh = !known_given_ || (opens && has(state_, kClosing));
    const z3::expr drop = go && denied && !audited;
    const z3::expr asks_source = go && !drop && fresh && pod_sends;
    const z3::expr forged = asks_source && is(own.result, 0);
    exactly(own.when, asks_source, "asks at the wrong time whether the source is the pod's own");
    const z3::expr tries = go && !drop && !forged;
    const z3::expr kept = remembered(tries, denied, fresh, ipv4);
    const z3::expr no_room = tries && !kept && constant(judged_), passes = tries && (kept || constant(!judged_));

    named_rightly(remote(ipv4), denied);
    inquiry_.never(!run_->returns, "does not return");
    exactly(is(low(run_->result), kPass), passes, "lets pass what it must not, or does not let pass what it must");
    exactly(is(low(run_->result), kDrop), !passes, "says neither pass nor drop");
    asked_policy(remote(ipv4), number);
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

  void outcome_is(const Call& call, std::size_t argument, const z3::expr& audited) {
    const int outcome = structure(call, argument);
    field_is(call, outcome + static_cast<int>(OutcomeAt::direction), 4, bits_.number(egress_ ? NP_EGRESS : NP_INGRESS, 32), bits_.yes(), "direction");
    field_is(call, outcome + static_cast<int>(OutcomeAt::verdict), 4, *verdict_, bits_.yes(), "verdict");
    field_is(call, outcome + static_cast<int>(OutcomeAt::flags), 4, z3::ite(audited, bits_.number(NP_EVENT_AUDITED, 32), bits_.number(0, 32)), bits_.yes(),
             "word about audit mode");
  }

  // Tried twice at most; was there room?
  z3::expr remembered(const z3::expr& tries, const z3::expr& denied, const z3::expr& fresh, const z3::expr& ipv4) {
    const auto both = calls("np_remember");
    if (both.size() != 2) throw NotModelled{"it does not call np_remember at two places"};
    const z3::expr first = !is(low(both[0]->result), 0), second = !is(low(both[1]->result), 0);
    exactly(both[0]->when, tries, "remembers what it must not, or does not remember what it must");
    exactly(both[1]->when, tries && !first, "tries again to remember at the wrong time");
    const Who who = remote(ipv4);
    for (const Call* call : both) {
      points(*call, 1, packet_, "packet");
      outcome_is(*call, 2, denied);
      const int outcome = structure(*call, 2);
      if (judged_) field_is(*call, outcome + static_cast<int>(OutcomeAt::identity), 4, who.identity, !denied, "identity");
      else field_is(*call, outcome + static_cast<int>(OutcomeAt::identity), 4, bits_.number(0, 32), bits_.yes(), "identity");
      field_is(*call, outcome + static_cast<int>(OutcomeAt::state), 4, state_, bits_.yes(), "state");
      field_is(*call, outcome + static_cast<int>(OutcomeAt::generation), 4, config(offsetof(np_config, generation)), bits_.yes(), "generation");
      known_is(*call);
      number_is(*call, 4, z3::ite(fresh, bits_.number(1, 32), bits_.number(0, 32)), "word about whether the flow is new");
    }
    return first || second;
  }
  void known_is(const Call& call) {
    const Value& value = call.arguments[2];
    z3::expr same = bits_.both(bits_.negate(known_given_), is(value.bits, 0));
    z3::expr pointed = bits_.no();
    for (const Pointer& p : value.pointers) {
      if (p.region == known_) same = bits_.one_of(same, bits_.both(known_given_, bits_.both(p.when, is(p.offset, 0))));
      pointed = bits_.one_of(pointed, p.when);
    }
    inquiry_.never(call.when && (!same || (!known_given_ && pointed)), "np_remember is called with another known flow");
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
      outcome_is(*call, 3, audited);
      budget_is(*call);
    }
  }
  // That of the verdict's reason, which must be looked up; none where nothing is found.
  void budget_is(const Call& call) {
    const Value& value = call.arguments[3];
    z3::expr right = bits_.no(), asked = bits_.no(), found = bits_.no(), pointed = bits_.no();
    for (const Pointer& p : value.pointers) pointed = pointed || p.when;
    for (const Asked& one : run_->asked) {
      if (object_.maps[one.lookup.map].name != NP_MAP_DROPS) continue;
      asked = asked || one.when;
      found = found || (one.when && one.lookup.found);
      for (const Pointer& p : value.pointers)
        if (p.region == one.lookup.region) right = right || (p.when && is(p.offset, 0) && one.lookup.key == reason());
    }
    const z3::expr nothing = bits_.both(bits_.negate(pointed), is(value.bits, 0));
    inquiry_.never(call.when && !(asked && z3::ite(found, right, nothing)), "reports without the budget of its reason, or with another");
  }
  z3::expr reason() { return bits_.widen(bits_.extract(*verdict_, 31, 24), 32); }
  // Slots of np_rules: ir/map_layout.h.
  z3::expr slot() {
    const z3::expr rule = *verdict_ & bits_.number(NP_NO_RULE, 32);
    const z3::expr none = machine_.initial(slots_, offsetof(np_counters, others), 4) + bits_.number(egress_ ? 1 : 0, 32);
    const z3::expr own = egress_ ? machine_.initial(slots_, offsetof(np_counters, egress), 4) + rule : rule;
    return z3::ite(is(rule, NP_NO_RULE), none, own);
  }

  // What is added to which counters of a map, and when.
  struct Sum {
    std::string map;
    std::optional<std::uint64_t> key;
    z3::expr when;
    std::vector<std::pair<std::uint64_t, z3::expr>> more;  // by offset
    std::string what;
  };
  // `known`: the stores that are understood.
  void adds(const Sum& sum, std::vector<bool>& known) {
    z3::expr asked = bits_.no(), found = bits_.no();
    std::set<std::size_t> regions;
    for (const Asked& one : run_->asked) {
      if (object_.maps[one.lookup.map].name != sum.map || (sum.key && Bits::value(one.lookup.key) != sum.key)) continue;
      asked = asked || one.when;
      found = found || (one.when && one.lookup.found);
      regions.insert(one.lookup.region);
    }
    inquiry_.never(sum.when && !asked, "does not count " + sum.what);
    for (const auto& [offset, more] : sum.more) {
      z3::expr done = bits_.no();
      for (std::size_t s = 0; s < known.size(); ++s) {
        const Store& store = machine_.stores()[s];
        if (!regions.contains(store.region) || store.offset != offset || store.size != 8) continue;
        inquiry_.never(known[s] ? bits_.yes() : bits_.both(done, store.when), "counts " + sum.what + " twice");
        known[s] = true;
        inquiry_.never(store.when && store.value != machine_.initial(store.region, offset, 8) + more, "counts " + sum.what + " wrong");
        done = bits_.one_of(done, store.when);
      }
      exactly(done, sum.when && found, "counts " + sum.what + " at the wrong time");
    }
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
    const z3::expr one = bits_.number(1, 64), length = bits_.widen(machine_.initial(skb_, ContextAt::length, 4), 64);
    const std::vector<std::pair<std::uint64_t, z3::expr>> packet_and_bytes = {{offsetof(np_counter, packets), one}, {offsetof(np_counter, bytes), length}};
    std::vector<bool> known(machine_.stores().size(), false);
    adds({NP_MAP_RULES, {}, go, packet_and_bytes, "for a rule"}, known);
    adds({NP_MAP_DROPS, {}, drop, packet_and_bytes, "a drop"}, known);
    adds({NP_MAP_STATS, NP_STAT_REFUSED, no_room, {{0, one}}, "a refused flow"}, known);
    adds({NP_MAP_STATS, NP_STAT_AUDITED, audited, {{0, one}}, "for audit mode"}, known);
    for (std::size_t s = 0; s < known.size(); ++s)
      if (!known[s]) inquiry_.never(machine_.stores()[s].when, "writes to " + machine_.region(machine_.stores()[s].region).name);
  }

  const Object& object_;
  bool egress_;
  std::string name_, policy_;
  z3::context context_;
  Bits bits_;
  Machine machine_;
  Inquiry inquiry_;
  z3::expr given_, known_given_, state_;
  std::size_t skb_, slots_, packet_, known_;
  std::uint32_t planned_ = 0;
  bool judged_ = false, enforced_ = false, node_ = false;
  std::optional<Run> run_;
  std::optional<Lookup> config_;
  std::optional<z3::expr> verdict_;
  Part& out_;
};

}  // namespace

Part prove_admit(const Object& object, ir::Direction direction, Effort effort) {
  return part(direction == ir::Direction::Egress ? "np_admit_out" : "np_admit_in", [&](Part& out) { AdmitProof(object, direction, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
