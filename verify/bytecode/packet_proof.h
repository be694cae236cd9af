// verify/bytecode/packet_proof.h — what the proofs of functions have in common that are handed a packet as the parser has read it:
// the packet, its context, whom it is from and for, and what follows for whoever else is called. Whoever includes this links Z3.
#pragma once
#include "verify/bytecode/function_proof.h"

namespace netpolc::verify::bytecode {

class PacketProof : protected FunctionProof {
 protected:
  // Throws NotModelled where the object has no np_plan.
  PacketProof(const Object& object, const std::string& function, Effort effort, Part& out);

  Value context_argument() { return machine_.pointer(skb_); }
  Value packet_argument() { return maybe(packet_, given_); }
  z3::expr packet(std::uint64_t offset, unsigned size) { return at(packet_, offset, size); }
  z3::expr skb(std::uint64_t offset, unsigned size) { return at(skb_, offset, size); }
  z3::expr of_ipv4() { return is(packet(PacketAt::family, 1), 4); }
  // The node made it: no device brought it.
  z3::expr made_here() { return is(skb(ContextAt::ingress_ifindex, 4), 0); }
  z3::expr has_socket() { return !is(skb(ContextAt::sk, 8), 0); }
  // SYN without ACK.
  z3::expr opens();

  // Whom the maps name for the packet's source or destination; `side`: PacketAt::source, PacketAt::destination.
  Who named(std::uint64_t side, const z3::expr& prefixes) { return by_address(packet(side, 8), packet(side + 8, 8), of_ipv4(), prefixes); }
  // Who is the other side of what an endpoint sends, and of what it gets. What the node itself sends to a pod is from the
  // host, and nothing else is (semantics 8.6).
  Who receiver(const z3::expr& prefixes) { return named(PacketAt::destination, prefixes); }
  Who sender(const z3::expr& prefixes);

  // ---- what must hold of calls
  // Must be the region's start where `given` holds, and 0 elsewhere.
  void passes_on(const Call& call, std::size_t argument, std::size_t region, const z3::expr& given, const std::string& what);
  void gets_context_and_packet(const Call& call);
  // Of np_remember, which is tried twice at most while `tries` holds: packet, known flow, and whether it is new. Was there
  // room?
  z3::expr remembered(const z3::expr& tries, const z3::expr& fresh, std::size_t known, const z3::expr& known_given);
  // Of np_report: its fourth argument is what np_drops has for the reason (32 bits), which must be looked up; none where
  // nothing is found.
  void budget_is(const Call& call, const z3::expr& reason);
  void outcome_is(const Call& call, std::size_t argument, unsigned field, const z3::expr& wanted, const std::string& what) {
    field_is(call, structure(call, argument) + static_cast<int>(field), 4, wanted, bits_.yes(), what);
  }

  Plan plan_;
  z3::expr given_;
  std::size_t skb_, packet_;
};

// Of a function that is told a direction: one proof for each, which is much less for the solver than both at once.
template <typename Proof>
Part each_direction(const std::string& function, const Object& object, Effort effort) {
  return part(function, [&](Part& out) {
    for (const bool egress : {false, true})
      if (std::holds_alternative<Proved>(out.answer)) Proof(object, egress, effort, out).prove();
  });
}

}  // namespace netpolc::verify::bytecode
