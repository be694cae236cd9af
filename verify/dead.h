// verify/dead.h — policy that does nothing: rules without which every verdict on every pod or node that could be stays the same,
// and policies that can select nobody. What a rule does by being there (default deny) stays, and rules that are written to
// allow nothing (`ingress: [{}]`) are what turns that on: these are left alone.
#pragma once
#include <string>
#include <vector>

#include "verify/claims.h"

namespace netpolc::verify {

struct DeadPolicy {
  enum class Why : std::uint8_t {
    SelectsNobodyEver,  // its selector contradicts itself, or asks for labels that no identity has
    NeverDecides,       // the rule: others say the same wherever it speaks, or it never speaks
    NotKnown,           // `note` says why
  };
  Why why = Why::NeverDecides;
  ir::RuleRef rule;  // of SelectsNobodyEver the policy's first
  std::string note;
};

// Policies of nodes are about every node that could be, too. Sorted by rule. `judge`: over the same world.
std::vector<DeadPolicy> find_dead(const ir::eval::World& world, Judge& judge, const KeepsLabel& keeps, SolverBudget budget, std::uint64_t& steps);

}  // namespace netpolc::verify
