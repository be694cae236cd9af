// verify/symbolic/rules.h — the policies of a world with every name looked up that has nothing to do with who is judged:
// what the encoding of verdicts reads, made once for all questions. Semantics reference 1.5 to 1.9, 4.4, 5.10.
#pragma once
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "ir/eval/eval.h"
#include "ir/eval/resolve.h"

namespace netpolc::verify::symbolic {

using Level = std::tuple<ir::Tier, std::uint16_t, std::uint16_t>;  // tier, priority, order

struct PreparedRule {
  ir::RuleRef ref;
  const ir::Rule* rule = nullptr;
  Level level;
  std::vector<ir::eval::ResolvedPeer> peers;  // without from/toRequires
};
struct PreparedPolicy {
  const ir::Policy* policy = nullptr;
  bool default_denies[2] = {};  // by direction, where it has rules of it
  std::vector<PreparedRule> rules[2];
};

struct PreparedRules {
  // `world` outlives it.
  explicit PreparedRules(const ir::eval::World& world);
  std::vector<PreparedPolicy> policies;
  const ir::eval::AddressLabels address_labels;
};

inline std::size_t index(ir::Direction direction) { return direction == ir::Direction::Ingress ? 0 : 1; }

}  // namespace netpolc::verify::symbolic
