// Whom a packet is from and for: np_name, np_source_is_own, np_encapsulates and np_claim say of it what the maps name for its
// addresses, and np_exempt what passes before policy is asked (docs/datapath.md).
#include <linux/bpf.h>

#include <cstddef>

#include "verify/bytecode/packet_proof.h"
#include "verify/bytecode/runtime_parts.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr std::uint64_t kIcmp = 1, kUdp = 17, kIcmpv6 = 58;
constexpr std::uint64_t kHost = 1;
constexpr std::uint64_t kAskPolicy = 0, kPassesAnyway = 0x100;  // np_exempt's, besides the reason to drop

class NameProof : PacketProof {
 public:
  NameProof(const Object& object, bool egress, Effort effort, Part& out) : PacketProof(object, "np_name", effort, out), egress_(egress) {}

  void prove() {
    run({context_argument(), packet_argument(), machine_.number(egress_ ? NP_EGRESS : NP_INGRESS)}, {});
    reads_the_plan_alone();
    const Who who = egress_ ? receiver(constant(true)) : sender(constant(true));
    inquiry_.never(low(run_->result) != z3::ite(given_ && configuration().found, who.identity, bits_.number(0, 32)), "names another identity");
    no_other_stores();
    conclude();
  }

 private:
  bool egress_;
};

class SourceProof : PacketProof {
 public:
  SourceProof(const Object& object, Effort effort, Part& out) : PacketProof(object, "np_source_is_own", effort, out) {}

  void prove() {
    run({packet_argument()}, {});
    reads_the_plan_alone();
    const Lookup interface = look_up(NP_MAP_INTERFACES, packet(PacketAt::site, 4), sizeof(np_interface));
    const z3::expr flags = at(interface.region, offsetof(np_interface, flags), 4);
    const z3::expr looked_at = interface.found && z3::ite(of_ipv4(), has(flags, NP_SOURCE_IPV4), has(flags, NP_SOURCE_IPV6));
    const z3::expr exempt = is(packet(PacketAt::family, 1), 6) && stays_on_link();
    const z3::expr same = named(PacketAt::source, constant(true)).identity == at(interface.region, offsetof(np_interface, identity), 4);
    exactly(!is(low(run_->result), 0), given_ && configuration().found && (!looked_at || exempt || same), "takes another's address for the pod's own, or the reverse");
    no_other_stores();
    conclude();
  }

 private:
  // fe80::/10 and ::, which no router forwards (RFC 4291 2.5.2, 2.5.6).
  z3::expr stays_on_link() {
    const z3::expr first = bits_.join(packet(PacketAt::source, 1), packet(PacketAt::source + 1, 1));
    return is(first & bits_.number(0xffc0, 16), 0xfe80) || (is(packet(PacketAt::source, 8), 0) && is(packet(PacketAt::source + 8, 8), 0));
  }
};

class EncapsulatesProof : PacketProof {
 public:
  EncapsulatesProof(const Object& object, Effort effort, Part& out) : PacketProof(object, "np_encapsulates", effort, out) {}

  void prove() {
    run({packet_argument()}, {});
    reads_the_plan_alone();
    const z3::expr who = named(PacketAt::destination, constant(false)).identity;
    // of this node, of others, of those with an API server, and of those with labels (semantics 3.1)
    const z3::expr node = is(who, kHost) || is(who, 6) || is(who, 7) || is(bits_.extract(who, 31, 24), 2);
    exactly(!is(low(run_->result), 0), given_ && configuration().found && is(packet(PacketAt::protocol, 1), kUdp) && node,
            "takes for the overlay's what is not, or the reverse");
    no_other_stores();
    conclude();
  }
};

class ClaimProof : PacketProof {
 public:
  ClaimProof(const Object& object, bool egress, Effort effort, Part& out) : PacketProof(object, "np_claim", effort, out), egress_(egress) {}

  void prove() {
    run({context_argument(), packet_argument(), machine_.number(egress_ ? NP_EGRESS : NP_INGRESS)}, {});
    reads_the_plan_alone();
    const z3::expr readable = given_ && configuration().found && !is(packet(PacketAt::family, 1), 0);
    inquiry_.never(low(run_->result) != z3::ite(readable, egress_ ? sent() : got(), claim(ClaimIs::others)), "takes a packet for the node's that is not, or the reverse");
    no_other_stores();
    conclude();
  }

 private:
  z3::expr claim(std::uint32_t which) { return bits_.number(which, 32); }
  z3::expr is_nodes(std::uint64_t side, const z3::expr& ipv4) { return is(by_address(packet(side, 8), packet(side + 8, 8), ipv4, constant(false)).identity, kHost); }
  z3::expr sent() {
    const z3::expr from_node = is_nodes(PacketAt::source, of_ipv4());
    // without an address yet
    const z3::expr nameless = is(packet(PacketAt::source, 8), 0) && is(packet(PacketAt::source + 8, 8), 0);
    const z3::expr own = made_here() && (has_socket() || from_node);
    return z3::ite(own, z3::ite(nameless, claim(ClaimIs::others), claim(ClaimIs::own)), z3::ite(from_node, claim(ClaimIs::tracked), claim(ClaimIs::others)));
  }
  z3::expr got() {
    const z3::expr multicast = is(packet(PacketAt::destination, 1), 0xff);
    const z3::expr forged = is(packet(PacketAt::family, 1), 6) && !multicast && is_nodes(PacketAt::source, constant(false));
    return z3::ite(is(world_of(of_ipv4()).identity, 0) || is_nodes(PacketAt::destination, of_ipv4()), claim(ClaimIs::own),
                   z3::ite(forged, claim(ClaimIs::forged), claim(ClaimIs::others)));
  }

  bool egress_;
};

class ExemptProof : PacketProof {
 public:
  ExemptProof(const Object& object, Effort effort, Part& out) : PacketProof(object, "np_exempt", effort, out) {}

  void prove() {
    run({context_argument(), packet_argument()}, {.contracts = {{"np_source_is_own", {}}}});
    reads_the_plan_alone();
    const z3::expr protocol = packet(PacketAt::protocol, 1), icmp = given_ && (is(protocol, kIcmp) || is(protocol, kIcmpv6));
    const Once own = once("np_source_is_own");
    exactly(own.when, icmp && of_ipv4(), "asks at the wrong time whether the source is the pod's own");
    for (const Call* call : calls("np_source_is_own")) points(*call, 1, packet_, "packet");
    exactly(once(kRoute).when, icmp && !of_ipv4(), "asks for a route at the wrong time");
    z3::expr beyond = bits_.no();
    for (const Call* call : calls(kRoute)) {
      asked_for_the_packet(*call);
      beyond = beyond || (call->when && goes_beyond(*call));
    }
    const auto number = [&](std::uint64_t value) { return bits_.number(value, 32); };
    const z3::expr four = z3::ite(is(own.result, 0), number(NP_REASON_INVALID_SOURCE), number(kPassesAnyway));
    const z3::expr six = z3::ite(beyond, number(kAskPolicy), number(kPassesAnyway));
    inquiry_.never(low(run_->result) != z3::ite(icmp, z3::ite(of_ipv4(), four, six), number(kPassesAnyway)), "exempts what it must not, or does not exempt what it must");
    no_other_stores();
    conclude();
  }

 private:
  // What the kernel would do with it that came by this interface: its addresses and protocol, and nothing that would choose
  // another table or another way.
  void asked_for_the_packet(const Call& call) {
    constexpr std::uint64_t inet6 = 10;
    points(call, 1, skb_, "context");
    number_is(call, 3, bits_.number(sizeof(bpf_fib_lookup), 32), "size");
    number_is(call, 4, bits_.number(0, 32), "word about which routes");
    const int at = structure(call, 2);
    const auto says = [&](std::size_t offset, unsigned size, const z3::expr& wanted, const char* what) {
      field_is(call, at + static_cast<int>(offset), size, wanted, bits_.yes(), what);
    };
    const auto nothing = [&](std::size_t from, std::size_t to) {
      for (; from < to; ++from) says(from, 1, bits_.number(0, 8), "thing beside the packet's addresses");
    };
    says(offsetof(bpf_fib_lookup, family), 1, bits_.number(inet6, 8), "family");
    says(offsetof(bpf_fib_lookup, l4_protocol), 1, packet(PacketAt::protocol, 1), "protocol");
    nothing(offsetof(bpf_fib_lookup, sport), offsetof(bpf_fib_lookup, ifindex));
    says(offsetof(bpf_fib_lookup, ifindex), 4, skb(ContextAt::ifindex, 4), "interface");
    nothing(offsetof(bpf_fib_lookup, flowinfo), offsetof(bpf_fib_lookup, ipv6_src));
    for (unsigned half : {0u, 8u}) {
      says(offsetof(bpf_fib_lookup, ipv6_src) + half, 8, packet(PacketAt::source + half, 8), "source");
      says(offsetof(bpf_fib_lookup, ipv6_dst) + half, 8, packet(PacketAt::destination + half, 8), "destination");
    }
    nothing(offsetof(bpf_fib_lookup, ipv6_dst) + 16, sizeof(bpf_fib_lookup));
  }
  // To a gateway, which is another than whom the packet is for, into a tunnel, or anywhere if it was addressed to the node.
  z3::expr goes_beyond(const Call& call) {
    const int next = structure(call, 2) + static_cast<int>(offsetof(bpf_fib_lookup, ipv6_dst));
    const z3::expr gateway = machine_.bytes(call.after, next, 8) != packet(PacketAt::destination, 8) ||
                             machine_.bytes(call.after, next + 8, 8) != packet(PacketAt::destination + 8, 8);
    const auto answers = [&](std::uint64_t what) { return is(call.result, what); };
    return answers(BPF_FIB_LKUP_RET_UNSUPP_LWT) ||
           ((answers(BPF_FIB_LKUP_RET_SUCCESS) || answers(BPF_FIB_LKUP_RET_NO_NEIGH) || answers(BPF_FIB_LKUP_RET_FRAG_NEEDED)) && (gateway || is(skb(ContextAt::kind, 4), 0)));
  }
};

}  // namespace

Part prove_name(const Object& object, Effort effort) {
  return each_direction<NameProof>("np_name", object, effort);
}
Part prove_source(const Object& object, Effort effort) {
  return part("np_source_is_own", [&](Part& out) { SourceProof(object, effort, out).prove(); });
}
Part prove_encapsulates(const Object& object, Effort effort) {
  return part("np_encapsulates", [&](Part& out) { EncapsulatesProof(object, effort, out).prove(); });
}
Part prove_claim(const Object& object, Effort effort) {
  return each_direction<ClaimProof>("np_claim", object, effort);
}
Part prove_exempt(const Object& object, Effort effort) {
  return part("np_exempt", [&](Part& out) { ExemptProof(object, effort, out).prove(); });
}

}  // namespace netpolc::verify::bytecode
