// verify/bytecode/policy_spec.h — what a decision table says about a flow, as a term: the other side of the proof. Made from
// the table alone (ir/decide/table.h) and the layout of maps; nothing of code generation takes part. Whoever includes this
// links Z3.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "ir/decide/table.h"
#include "verify/bytecode/bits.h"

namespace netpolc::verify::bytecode {

// What a program is told about a flow: identity, row, number, protocol (np_flow of the runtime).
inline constexpr std::uint64_t kFlowBytes = 12;

// Flows that the table treats alike, whatever the peer: of one protocol, the numbers first to last.
struct Slice {
  std::uint8_t protocol = 0;  // of IP
  std::uint16_t first = 0, last = 0;
  const std::vector<ir::TableEntry>* entries = nullptr;  // null: policy is not enforced
};
// All flows that policy is asked about (TCP, UDP, SCTP; ICMP and ICMPv6 with types to 255). Where the table leaves
// some out, `gap` names them.
struct Slices {
  std::vector<Slice> all;
  std::string gap;
};
Slices slices(const ir::DirectionTable& table);

// As programs say it: reason << 24 | rule (ir/map_layout.h). `holds`: does the peer have the bit? 32 bits.
z3::expr expected_verdict(Bits& bits, const ir::DirectionTable& table, const std::vector<ir::TableEntry>* entries,
                          const std::function<z3::expr(std::uint32_t)>& holds, const z3::expr& identity);

}  // namespace netpolc::verify::bytecode
