// compiler/assertions/nearest.h — what a denial fell short of: the rule that would have allowed it, had it been another port, or another peer.
#pragma once
#include <optional>
#include <string>

#include "verify/judge.h"

namespace netpolc::compiler::assertions {

struct Nearest {
  ir::RuleRef rule;
  std::string what;  // "allows tcp/6380 from it"
};

// Of a default deny, among the allow rules of the policies that switched it on; every rule is asked by the interpreter. None: no rule is
// about this port, and none about this peer.
std::optional<Nearest> nearest(verify::Judge& judge, const ir::PolicySet& policies, verify::SubjectId subject, ir::Direction direction, verify::FactsId peer, ir::Flow flow);

}  // namespace netpolc::compiler::assertions
