// tools/judges/cases.h — what the judges are asked in a scenario: for each cell of the vectors'
// matrix, each probe and each end that has policies of its own, one case.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "compiler/kernel_judge/kernel.h"
#include "tools/judges/world.h"

namespace netpolc::judges {

using kernel_judge::Kernel;
using kernel_judge::Programs;
using kernel_judge::Seen;
using kernel_judge::Shot;

// Why no packet is made for a case; the interpreter and the table judge it all the same.
enum class NoPacket : std::uint8_t {
  None,
  OpenHost,            // without the host firewall there is nothing to enforce
  Incomputable,        // conflicting L7 rules: there is no program
  Icmpv6OverIpv4,      // the peer has an IPv4 address only
  IcmpOverIpv6,        // the peer has an IPv6 address only
  NeighbourDiscovery,  // types 133 to 136 pass before policy is asked
};
inline constexpr int kNoPacketReasons = 6;
const char* to_string(NoPacket reason);

struct Case {
  std::size_t cell = 0, probe = 0;  // of the scenario
  ir::Direction direction = ir::Direction::Ingress;
  ir::Flow flow;
  const Party* subject = nullptr;
  const Party* peer = nullptr;

  // The vector's word.
  char letter = '-';
  char auth = '0';
  std::string_view enforcement;  // "" where the vector has none

  // The interpreter's and the table's; null where the policy can't be computed.
  const ir::SideVerdict* interpreter = nullptr;
  bool interpreter_incomputable = false;
  const ir::DecisionTable* table = nullptr;
  ir::SideVerdict looked_up;

  NoPacket no_packet = NoPacket::None;

  std::uint32_t table_index(const World& world) const { return world.decisions().endpoints[*subject->decided].table; }
  const ir::DirectionTable& direction_table() const { return direction == ir::Direction::Egress ? table->egress : table->ingress; }
};

struct Cases {
  std::vector<Cell> cells;
  std::vector<Case> all;
  std::size_t probes = 0;
  std::vector<std::string> complaints;  // where vectors, interpreter and tables differ about who is judged at all
};
// Throws std::runtime_error where the scenario makes no sense.
Cases make_cases(World& world);

// The packets of a case: one for each family that both ends have and the protocol allows.
std::vector<Shot> packets(const Case& c, std::uint32_t table);

}  // namespace netpolc::judges
