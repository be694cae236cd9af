// verify/bytecode/packet_spec.h — what a packet is, said of its bytes as RFC 791, 792, 793, 768, 8200, 4443 and IEEE 802.1Q say
// it, and what the parser must make of it (docs/datapath.md). The other side of the parser's proof. Whoever includes this
// links Z3.
#pragma once
#include <vector>

#include "verify/bytecode/machine.h"

namespace netpolc::verify::bytecode {

inline constexpr std::uint16_t kIpv4Type = 0x0800, kArpType = 0x0806, kIpv6Type = 0x86dd, kVlanType = 0x8100, kServiceVlanType = 0x88a8;

inline constexpr std::size_t kMostExtensions = 8;  // that are walked through, docs/datapath.md

// What the parser says besides reasons to drop.
inline constexpr std::uint32_t kJudge = 0, kPassUnasked = 0x100;

// An IPv6 extension header, as np_extension has read it (its own proof says what of which bytes).
struct ExtensionRead {
  z3::expr result;                               // 32 bits: next header << 16 | length; 0: cut off
  z3::expr fragment, fragment_id, protocol;      // of np_packet afterwards; 32 bits each
};

// What a network header says, and all before the transport header. Fields have the widths of np_packet.
struct Network {
  z3::expr when;                                      // it is so
  std::uint32_t outcome = 0;                          // kJudge, kPassUnasked, or the reason to drop
  std::uint64_t family = 0;                           // 4, 6, or 0 where it is neither
  bool there = false;                                 // its header could be read
  z3::expr source[2], destination[2];                 // 64 bits
  z3::expr hop_limit, transport, end;                 // 32 bits; where the transport header is, and where the packet ends
  z3::expr protocol;                                  // 8 bits
  z3::expr fragment, fragment_id, fragment_protocol;  // 32 bits; place (a multiple of 8), and 1 where more follow
};
struct Transport {
  z3::expr outcome;
  z3::expr source_port, destination_port, number;  // 16 bits
  z3::expr tcp_flags, answers, icmp_error, query;  // 8 bits
};
// One way through extension headers: what follows them.
struct Walk {
  z3::expr when;
  std::uint32_t outcome = 0;
  z3::expr protocol, transport, fragment, fragment_id, fragment_protocol;
};
struct Walks {
  std::vector<Walk> ends;  // exclude each other, and are all
  struct Asked {
    z3::expr when, next, offset;  // 8 bits, 32 bits
  };
  std::vector<Asked> asked;  // which header is read, by number
};

class PacketSpec {
 public:
  // `length`: of the packet, 32 bits.
  PacketSpec(Machine& machine, const z3::expr& length) : machine_(machine), bits_(machine.bits()), length_(length) {}

  // A packet of an EtherType (host order) whose network header is at `at`: all ways that it can be, which exclude each other.
  std::vector<Network> network(std::uint16_t ethertype, std::uint32_t at, const std::vector<ExtensionRead>& reads);
  // `network.outcome` is kJudge, and it is no later fragment.
  Transport transport(const Network& network);
  // From a header of this number (8 bits) at `offset` on. `reads`: as many as could be read at most.
  Walks walk(const z3::expr& next, const z3::expr& offset, const std::vector<ExtensionRead>& reads);
  // The ports of the first eight bytes of a transport header.
  Transport ports(const z3::expr& protocol, const z3::expr& offset);

  z3::expr byte(const z3::expr& offset, unsigned more);
  z3::expr big(const z3::expr& offset, unsigned more);  // 16 bits, network order
  // Are there so many bytes at `offset`?
  z3::expr there(const z3::expr& offset, std::uint64_t size);
  // And do they lie before `end`?
  z3::expr before(const z3::expr& offset, std::uint64_t size, const z3::expr& end);

 private:
  z3::expr number(std::uint64_t value, unsigned width) { return bits_.number(value, width); }
  z3::expr is(const z3::expr& term, std::uint64_t value) { return bits_.equal(term, number(value, Bits::width(term))); }
  z3::expr plus(const z3::expr& term, std::uint64_t value) { return bits_.add(term, number(value, Bits::width(term))); }
  z3::expr between(const z3::expr& term, std::uint64_t low, std::uint64_t high);
  std::vector<Network> ipv4(const z3::expr& at);
  std::vector<Network> ipv6(const z3::expr& at, const std::vector<ExtensionRead>& reads);
  Network nothing(const z3::expr& when, std::uint32_t outcome, std::uint64_t family);

  Machine& machine_;
  Bits& bits_;
  z3::expr length_;
};

}  // namespace netpolc::verify::bytecode
