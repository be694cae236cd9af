// np_from_outside, the program for external devices (an object of its own): what it does with every frame. Held to
// ir/map_layout.h ("outside") and docs/loader.md ("External devices"):
//
//   it drops what it can read at a glance, that is for a pod of the node and that the sender's class is denied, and nothing that may
//   be a reply; everything else passes;
//   what is dropped counts once for the reason that the class's table says, and is reported with it as np_may_report allows;
//   nothing else is written.
//
// One proof for each sort of frame: an EtherType and a protocol, or those between them, of which none is dropped.
#include <linux/bpf.h>

#include <algorithm>
#include <cstddef>
#include <limits>

#include "verify/bytecode/flow_spec.h"
#include "verify/bytecode/function_proof.h"
#include "verify/bytecode/packet_spec.h"
#include "verify/bytecode/prove_outside.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr const char* kFunction = NP_PROGRAM_FROM_OUTSIDE;
constexpr std::uint64_t kMostBytes = 1u << 24;  // of a frame
constexpr std::uint32_t kDropped = 1, kPassed = 2;  // XDP_DROP, XDP_PASS
constexpr std::uint32_t kEthernet = 14, kEthertypeAt = 12;
constexpr std::uint64_t kContextBytes = 24, kDataAt = 0, kDataEndAt = 4;  // struct xdp_md
constexpr std::uint64_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpv6 = 58, kSctp = 132;
constexpr std::uint64_t kSynAck = 0x12, kSyn = 0x02;
constexpr std::uint64_t kAtAGlance = 12;  // bytes of a transport header with ports that must be there

// An IP version, and what stands where for want of options and extension headers.
struct Family {
  std::uint64_t version;
  std::uint16_t ethertype;
  std::uint32_t protocol_at, transport;
  std::uint64_t echo_protocol, echo;  // of a request
  std::uint64_t echo_reason_at;       // in np_denied
};
constexpr Family kFamilies[] = {
    {4, kIpv4Type, kEthernet + 9, kEthernet + 20, kIcmp, 8, offsetof(np_denied, echo)},
    {6, kIpv6Type, kEthernet + 6, kEthernet + 40, kIcmpv6, 128, offsetof(np_denied, echo) + 4},
};
constexpr std::uint64_t as_read(std::uint16_t ethertype) { return static_cast<std::uint16_t>(ethertype << 8 | ethertype >> 8); }

// Frames whose EtherType (as it is read, the first byte the lowest) and protocol lie within these. No family: none is dropped.
struct Sort {
  Range ethertype, protocol{0, 255};
  const Family* family = nullptr;
};

// The numbers from 0 to `last`, each of these by itself, and those between them.
std::vector<Range> cut(std::vector<std::uint64_t> at, std::uint64_t last) {
  std::vector<Range> out;
  std::uint64_t next = 0;
  std::sort(at.begin(), at.end());
  for (const std::uint64_t one : at) {
    if (one > next) out.push_back({next, one - 1});
    out.push_back({one, one});
    next = one + 1;
  }
  if (next <= last) out.push_back({next, last});
  return out;
}

std::vector<Sort> sorts() {
  std::vector<Sort> out;
  for (const Range& type : cut({as_read(kIpv4Type), as_read(kIpv6Type)}, std::numeric_limits<std::uint16_t>::max())) {
    const auto* family = std::find_if(std::begin(kFamilies), std::end(kFamilies), [&](const Family& f) { return type.low == type.high && type.low == as_read(f.ethertype); });
    if (family == std::end(kFamilies)) {
      out.push_back({type});
      continue;
    }
    const std::vector<std::uint64_t> known = {kTcp, kUdp, kSctp, family->echo_protocol};
    for (const Range& protocol : cut(known, 255)) {
      const bool is_known = protocol.low == protocol.high && std::find(known.begin(), known.end(), protocol.low) != known.end();
      out.push_back({type, protocol, is_known ? family : nullptr});
    }
  }
  return out;
}

class OutsideProof : FunctionProof {
 public:
  OutsideProof(const Object& object, const Sort& sort, Effort effort, Part& out)
      : FunctionProof(object, kFunction, effort, out, Inquiry::kAlone), sort_(sort), length_(symbol("length", 32)),
        context_at_(machine_.give("the context", kContextBytes)), spec_(machine_, length_) {}

  void prove() {
    bits_.abstract_products();
    bits_.abstract_equality();
    machine_.name_merges();
    products_matter_ = look_ups_matter_ = false;  // both sides ask the same
    if (object_.maps[map(NP_MAP_DROPS)].type != BPF_MAP_TYPE_PERCPU_ARRAY) throw NotModelled{"what is counted in " NP_MAP_DROPS " is not a processor's own"};
    machine_.own_values(map(NP_MAP_DROPS));
    give_frame();
    run({machine_.pointer(context_at_)}, {});
    reads_the_plan_alone();
    if (sort_.family != nullptr) state_what_must_hold(*sort_.family);
    else inquiry_.never(low(run_->result) != number(kPassed), "drops what it can't have read");
    calls_nothing_else();
    no_other_stores();
    conclude();
  }

 private:
  z3::expr number(std::uint64_t value) { return bits_.number(value, 32); }
  z3::expr within(const Range& range, const char* name, unsigned width) {
    if (range.low == range.high) return bits_.number(range.low, width);
    const z3::expr out = symbol(name, width);
    bits_.promise(out, range);
    inquiry_.assume(z3::ule(bits_.number(range.low, width), out) && z3::ule(out, bits_.number(range.high, width)));
    return out;
  }

  // All of it lies in one piece.
  void give_frame() {
    bits_.promise(length_, {0, kMostBytes});
    inquiry_.assume(z3::ule(length_, bits_.number(kMostBytes, 32)));
    const std::size_t frame = machine_.give_packet(length_, length_);
    machine_.set_packet(kEthertypeAt, within(sort_.ethertype, "EtherType", 16));
    for (const Family& family : kFamilies)
      if (sort_.ethertype.low == as_read(family.ethertype)) machine_.set_packet(family.protocol_at, within(sort_.protocol, "protocol", 8));
    machine_.give_pointer(context_at_, kDataAt, machine_.pointer(frame));
    Value end = machine_.pointer(frame);
    end.pointers[0].offset = bits_.widen(length_, 64);
    machine_.give_pointer(context_at_, kDataEndAt, end);
  }

  void state_what_must_hold(const Family& family) {
    const z3::expr seen = read(family);
    const z3::expr drops = is(low(run_->result), kDropped);
    exactly(drops, denied(family, seen), "drops what it must not, or does not drop what it must");
    inquiry_.never(!drops && low(run_->result) != number(kPassed), "says neither that it drops nor that it passes");
    counts(family, drops);
  }

  // Is it one of the packets that are read at a glance? Then this is what it is.
  z3::expr read(const Family& family) {
    const z3::expr at = number(kEthernet);
    z3::expr out = bits_.no();
    for (const Network& network : spec_.network(family.ethertype, kEthernet, {})) {
      if (network.outcome != kJudge) continue;
      network_ = network;
      // nothing stands between the headers
      const z3::expr plain = family.version == 4 ? is(spec_.byte(at, 0), 0x45) : bits_.yes();
      network_->transport = number(family.transport);
      // what the kernel holds together that is longer than its header can say is left to the pod's program
      const z3::expr said = !is(spec_.big(at, family.version == 4 ? 2 : 4), 0);
      transport_ = spec_.transport(*network_);
      ports_of(family);
      const z3::expr sort = has_ports() ? spec_.there(network_->transport, kAtAGlance) : is(spec_.byte(network_->transport, 0), family.echo);
      out = network.when && plain && said && is(network.fragment, 0) && is(transport_->outcome, kJudge) && sort;
    }
    return out;
  }
  // Of this sort of frame, as flows have them: not as a choice between all sorts, or hashes would be of choices.
  void ports_of(const Family& family) {
    const z3::expr &at = network_->transport, source = spec_.big(at, has_ports() ? 0 : 4), number = has_ports() ? spec_.big(at, 2) : bits_.number(family.echo, 16);
    const z3::expr same = transport_->source_port == source && transport_->destination_port == number && transport_->number == number;
    const z3::expr echo = has_ports() ? bits_.yes() : is(spec_.byte(at, 0), family.echo);
    inquiry_.never(echo && !same, "has other ports than the parser");
    transport_->source_port = source;
    transport_->destination_port = transport_->number = number;
  }
  bool is_protocol(std::uint64_t protocol) const { return sort_.protocol.low == protocol; }
  bool has_ports() const { return is_protocol(kTcp) || is_protocol(kUdp) || is_protocol(kSctp); }

  // A pod's address, or one that stands behind a service.
  Lookup local(const Family& family, const z3::expr (&address)[2]) {
    return family.version == 4 ? look_up(NP_MAP_LOCAL4, low(address[0]), sizeof(std::uint32_t)) : look_up(NP_MAP_LOCAL6, in_bytes(bits_.join(address[1], address[0])), sizeof(std::uint32_t));
  }
  z3::expr outside(std::uint64_t offset) { return at(outside_->region, offset, 4); }
  Who sender(const Family& family, const z3::expr& prefixes) { return without_near(network_->source[0], network_->source[1], constant(family.version == 4), prefixes); }

  z3::expr denied(const Family& family, const z3::expr& seen) {
    const Lookup pod = local(family, network_->destination);
    outside_ = look_up(NP_MAP_OUTSIDE, number(0), sizeof(np_outside));
    ifindex_ = at(pod.region, 0, 4);
    const z3::expr ready = pod.found && !is(*ifindex_, 0) && outside_->found && !is(outside(offsetof(np_outside, ready)), 0) && configuration().found && !is(config(offsetof(np_config, ready)), 0);
    // what isn't the first packet of a connection, and who stands behind a service, may answer what was sent to the service
    const z3::expr opens = is(bits_.bit_and(transport_->tcp_flags, bits_.number(kSynAck, 8)), kSyn);
    const z3::expr answers = has(outside(offsetof(np_outside, flags)), NP_OUTSIDE_SERVICES) && ((constant(is_protocol(kTcp)) && !opens) || local(family, network_->source).found);

    const z3::expr settled = outside(offsetof(np_outside, generation)) == config(offsetof(np_config, generation));
    const z3::expr class_ = class_of(family, !settled || has(outside(offsetof(np_outside, flags)), NP_OUTSIDE_PREFIXES));
    const Lookup table = asked_for(NP_MAP_DENIED, class_, sizeof(np_denied));
    reason_ = reason(family, table.region);
    const z3::expr none_sent = settled && !is(at(table.region, offsetof(np_denied, nothing_sent), 4), 0), replies = !none_sent && of_a_flow(family);
    return seen && ready && !answers && !is(class_, 0) && table.found && !is(*reason_, 0) && !replies;
  }

  // Who isn't known is the world's.
  z3::expr class_of(const Family& family, const z3::expr& prefixes) {
    const Who who = sender(family, prefixes);
    const Lookup known = asked_for(NP_MAP_CLASSES, who.identity, sizeof(std::uint32_t));
    const z3::expr world = outside(family.version == 4 ? offsetof(np_outside, world4) : offsetof(np_outside, world6));
    return bits_.either(who.known, bits_.either(known.found, at(known.region, 0, 4), number(0)), world);
  }

  // As the class's table has it; 0: not denied.
  z3::expr reason(const Family& family, std::size_t table) {
    if (!has_ports()) return at(table, family.echo_reason_at, 4);
    const z3::expr& port = transport_->number;
    const std::uint64_t row = (is_protocol(kTcp) ? 0u : is_protocol(kUdp) ? 1u : 2u) * sizeof(np_denied::denied[0]);
    const auto bit = [&](std::uint64_t from) {
      const z3::expr place = bits_.add(bits_.widen(bits_.join(bits_.extract(port, 15, 6), bits_.number(0, 3)), 64), bits_.number(from + row, 64));
      const z3::expr word = machine_.initial(table, place, 8);
      return z3::lshr(word, bits_.widen(bits_.extract(port, 5, 0), 64)).extract(0, 0) == 1;
    };
    return z3::ite(bit(offsetof(np_denied, denied)), z3::ite(bit(offsetof(np_denied, by_rule)), number(NP_REASON_DENY), number(NP_REASON_DEFAULT_DENY)), number(0));
  }

  // Of a live one of the pod's. A request for an echo is no reply.
  z3::expr of_a_flow(const Family& family) {
    if (!has_ports()) return bits_.no();
    FlowSpec flows(machine_, configuration().region);
    const z3::expr shift = bits_.widen(bits_.bit_and(config(offsetof(np_config, tick_shift)), number(63)), 64);
    const z3::expr now = low(bits_.shift_right(reading(kJiffies, 0, 2).time, shift));
    const FoundFlow found = flows.find(flows.key({{network_->source[0], network_->source[1]}, {network_->destination[0], network_->destination[1]}, transport_->source_port,
                                                  transport_->destination_port, network_->protocol, bits_.number(family.version, 8), bits_.number(0, 8)},
                                                 *ifindex_, bits_.no()),
                                       now);
    inquiry_.assume(found.tagged);
    return found.when;
  }

  void counts(const Family& family, const z3::expr& drops) {
    const Lookup outcomes = asked_for(NP_MAP_DROPS, *reason_, sizeof(np_outcomes));
    adds({NP_MAP_DROPS, {}, drops, {{offsetof(np_counter, packets), bits_.number(1, 64)}, {offsetof(np_counter, bytes), bits_.widen(length_, 64)}}, "a drop"});
    speaks_of(outcomes.region);
    const Who who = sender(family, bits_.yes());
    tells(outcomes.region, drops && outcomes.found, reading(kJiffies, 1, 2), reading(kNow),
          {.program = bits_.number(0, 64),
           .ifindex = *ifindex_,
           .rule = number(NP_NO_RULE),
           .identity = who.identity,
           .length = length_,
           .source = {network_->source[0], network_->source[1]},
           .destination = {network_->destination[0], network_->destination[1]},
           .source_port = transport_->source_port,
           .destination_port = transport_->number,
           .protocol = network_->protocol,
           .direction = bits_.number(NP_INGRESS, 8),
           .family = bits_.number(family.version, 8),
           .reason = bits_.extract(*reason_, 7, 0),
           .flags = number(NP_EVENT_OUTSIDE),
           .tcp_flags = transport_->tcp_flags});
  }

  // Of what passes unread nothing is told.
  void calls_nothing_else() {
    for (const Call& call : run_->calls) {
      const bool clock = call.callee == kJiffies || call.callee == kNow, tells = call.callee == kReserve || call.callee == kSubmit;
      if (!clock && (!tells || sort_.family == nullptr)) inquiry_.never(call.when, "calls " + call.callee);
    }
  }

  const Sort& sort_;
  z3::expr length_;
  std::size_t context_at_;
  PacketSpec spec_;
  std::optional<Network> network_;
  std::optional<Transport> transport_;
  std::optional<Lookup> outside_;
  std::optional<z3::expr> ifindex_, reason_;
};

}  // namespace

Part prove_outside(const Object& object, Effort effort) {
  return part(kFunction, [&](Part& out) {
    for (const Sort& sort : sorts())
      if (std::holds_alternative<Proved>(out.answer)) OutsideProof(object, sort, effort, out).prove();
  });
}

}  // namespace netpolc::verify::bytecode
