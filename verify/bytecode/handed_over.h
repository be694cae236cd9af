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
// np_outcome: what was decided about a packet.
struct OutcomeAt {
  static constexpr unsigned direction = 0, identity = 4, verdict = 8, flags = 12, state = 16, generation = 20, size = 24;
};
// np_flow: what policy is told.
struct FlowAt {
  static constexpr unsigned identity = 0, row = 4, number = 8, protocol = 10, size = 12;
};
// The kernel's context of a packet (struct __sk_buff).
struct ContextAt {
  static constexpr unsigned length = 0, ethertype = 16, ingress_ifindex = 36, ifindex = 40, data = 76, data_end = 80, sk = 168, size = 192;
};
inline constexpr std::uint32_t kPass = 0xffffffff, kDrop = 2;  // TC_ACT_UNSPEC, TC_ACT_SHOT

}  // namespace netpolc::verify::bytecode
