// compiler/claim_command.h — what claims and symbolic reachability are asked with.
#pragma once
#include <string>
#include <vector>

#include "compiler/session.h"
#include "verify/claims.h"

namespace netpolc::compiler {

struct ClaimOptions {
  InputOptions input;
  std::vector<std::string> from, to, except_from, except_to, without;
  std::string port, icmp, icmpv6, by = "namespace", output = "text";
  verify::SolverBudget budget;
};

// `verify --symbolic`: what all pods that could be have in common. Returns the exit code.
int reach(const ClaimOptions& options);

}  // namespace netpolc::compiler
