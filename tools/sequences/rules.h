// tools/sequences/rules.h — policies small enough to be read beside the packets that they judge:
//
//   policy web
//     in allow tcp 8080 from 300,400     the other side by identity; `world` is all of the outside
//     in l7 tcp 80 from 300              allowed subject to L7 rules, which nobody enforces yet
//     in deny any                        every protocol, everyone
//     in host                            the pod's own node may come in
//     out                                enforced, and nothing is allowed
//
// A direction that isn't mentioned is not enforced. Rules of a direction are numbered from 0 on, as
// written. What they mean is evaluated from the list (Decision), and compiled from a table made of it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "ir/decide/table.h"
#include "ir/flow/firewall.h"

namespace netpolc::sequences {

inline constexpr std::uint32_t kFirstCidrIdentity = 0x01000000;

struct Rule {
  ir::Direction direction = ir::Direction::Ingress;
  enum class Says : std::uint8_t { Allow, L7, Deny } says = Says::Allow;
  ir::Protocol protocol = ir::Protocol::Any;  // Any: every protocol
  std::uint16_t first = 0, last = 65535;
  std::vector<std::uint32_t> peers{};  // sorted; none and not `world`: everyone
  bool world = false;                // everyone outside, too
  bool covers(std::uint32_t identity) const;
};

struct Policy {
  std::string name;
  bool ingress = false, egress = false, host = false;
  std::vector<Rule> rules;  // of both directions
  std::vector<Rule> of(ir::Direction direction) const;
  bool enforces_any() const { return ingress || egress; }
};

bool is_world(std::uint32_t identity);

// Section 5.1: a deny beats all, a redirect beats an allow, no rule is a default deny.
ir::flow::Decision decide(const Policy& policy, ir::Direction direction, std::uint32_t identity, ir::Flow flow);
// `identities`: all there are, so that the table knows whom its conditions hold for.
ir::DecisionTable table_of(const Policy& policy, const std::vector<std::uint32_t>& identities);

// A line below `policy`; throws std::runtime_error.
void add_line(Policy& policy, const std::vector<std::string>& words);
std::string print(const Policy& policy);

}  // namespace netpolc::sequences
