// verify/bytecode/handed_over.h — what the runtime's functions hand to each other and get from the kernel, by offset. The
// prover's own copy: that it is what the functions mean is a part of what is proved, since whoever writes a structure and
// whoever reads it are held to the same offsets.
#pragma once
#include <cstdint>

namespace netpolc::verify::bytecode {

// np_packet: a packet as the parser has read it.
struct PacketAt {
  static constexpr unsigned source = 0, destination = 16, source_port = 32, destination_port = 34, number = 36, protocol = 38, family = 39, tcp_flags = 40,
                            answers = 41, icmp_error = 42, query = 43, network = 44, transport = 48, fragment = 52, fragment_id = 56,
                            fragment_protocol = 60, end = 64, hop_limit = 68, site = 72, size = 80;
};
// np_key: whose flow it is (flow_spec.h).
struct KeyAt {
  static constexpr unsigned local = 0, remote = 16, ports = 32, hash = 40, protocol = 48, family = 49, size = 56;
};
// np_outcome: what was decided about a packet.
struct OutcomeAt {
  static constexpr unsigned direction = 0, identity = 4, verdict = 8, flags = 12, state = 16, generation = 20, size = 24;
};
// np_flow: what policy is told.
struct FlowAt {
  static constexpr unsigned identity = 0, row = 4, number = 8, protocol = 10, size = 12;
};
// What np_claim says that a packet is to the node.
struct ClaimIs {
  static constexpr std::uint32_t others = 0, tracked = 1, own = 2, forged = 3;
};
// The kernel's context of a packet (struct __sk_buff).
struct ContextAt {
  static constexpr unsigned length = 0, kind = 4, ethertype = 16, ingress_ifindex = 36, ifindex = 40, data = 76, data_end = 80, sk = 168, size = 192;
};
inline constexpr std::uint32_t kPass = 0xffffffff, kDrop = 2;  // TC_ACT_UNSPEC, TC_ACT_SHOT

}  // namespace netpolc::verify::bytecode
