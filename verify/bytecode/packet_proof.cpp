#include "verify/bytecode/packet_proof.h"

#include <cstddef>

namespace netpolc::verify::bytecode {
namespace {

constexpr std::uint64_t kSynAck = 0x12, kSyn = 0x02;
constexpr std::uint64_t kHost = 1;

Plan plan_that_is_there(const Object& object) {
  const auto plan = plan_of(object);
  if (!plan) throw NotModelled{"the object has no np_plan"};
  return *plan;
}

}  // namespace

PacketProof::PacketProof(const Object& object, const std::string& function, Effort effort, Part& out)
    : FunctionProof(object, function, effort, out), plan_(plan_that_is_there(object)), given_(truth("a packet")), skb_(machine_.give("the context", ContextAt::size)),
      packet_(machine_.give("the packet", PacketAt::size)) {}

z3::expr PacketProof::opens() { return is(bits_.bit_and(packet(PacketAt::tcp_flags, 1), bits_.number(kSynAck, 8)), kSyn); }

Who PacketProof::sender(const z3::expr& prefixes) {
  const Who who = named(PacketAt::source, prefixes);
  Who world = world_of(of_ipv4());
  world.known = who.known;
  const z3::expr from_host = constant((plan_.ingress & kPlanNode) == 0) && made_here() && has_socket();
  return choose(from_host, address_at(configuration().region, offsetof(np_config, host)), choose(is(who.identity, kHost), world, who));
}

void PacketProof::passes_on(const Call& call, std::size_t argument, std::size_t region, const z3::expr& given, const std::string& what) {
  const Value& value = call.arguments[argument - 1];
  z3::expr pointed = bits_.no(), right = bits_.no();
  for (const Pointer& p : value.pointers) {
    pointed = bits_.one_of(pointed, p.when);
    if (p.region == region) right = bits_.one_of(right, bits_.both(p.when, is(p.offset, 0)));
  }
  const z3::expr none = bits_.both(bits_.negate(pointed), is(value.bits, 0));
  inquiry_.never(call.when && !z3::ite(given, right, none), call.callee + " is called with another " + what);
}

void PacketProof::gets_context_and_packet(const Call& call) {
  points(call, 1, skb_, "context");
  passes_on(call, 2, packet_, given_, "packet");
}

z3::expr PacketProof::remembered(const z3::expr& tries, const z3::expr& fresh, std::size_t known, const z3::expr& known_given) {
  const auto both = calls("np_remember");
  if (both.size() > 2) throw NotModelled{"it calls np_remember at more than two places"};
  const auto asked = [&](std::size_t which) { return which < both.size() ? both[which]->when : bits_.no(); };
  const auto room = [&](std::size_t which) { return which < both.size() ? !is(low(both[which]->result), 0) : bits_.no(); };
  const z3::expr first = room(0), second = room(1);
  exactly(asked(0), tries, "remembers what it must not, or does not remember what it must");
  exactly(asked(1), tries && !first, "tries again to remember at the wrong time");
  for (const Call* call : both) {
    points(*call, 1, packet_, "packet");
    passes_on(*call, 3, known, known_given, "known flow");
    number_is(*call, 4, z3::ite(fresh, bits_.number(1, 32), bits_.number(0, 32)), "word about whether the flow is new");
  }
  return first || second;
}

void PacketProof::budget_is(const Call& call, const z3::expr& reason) {
  const Value& value = call.arguments[3];
  z3::expr right = bits_.no(), asked = bits_.no(), found = bits_.no(), pointed = bits_.no();
  for (const Pointer& p : value.pointers) pointed = pointed || p.when;
  for (const Asked& one : run_->asked) {
    if (object_.maps[one.lookup.map].name != NP_MAP_DROPS) continue;
    asked = asked || one.when;
    found = found || (one.when && one.lookup.found);
    for (const Pointer& p : value.pointers)
      if (p.region == one.lookup.region) right = right || (p.when && is(p.offset, 0) && one.lookup.key == reason);
  }
  const z3::expr nothing = bits_.both(bits_.negate(pointed), is(value.bits, 0));
  inquiry_.never(call.when && !(asked && z3::ite(found, right, nothing)), "reports without the budget of its reason, or with another");
}

}  // namespace netpolc::verify::bytecode
