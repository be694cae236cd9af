// compiler/refusals.h — policies that are valid but that no program enforces yet, said the way
// other faults of policies are said.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "codegen-bpf/bundle.h"
#include "ir/base/diagnostics.h"

namespace netpolc::compiler {

struct Refusals {
  std::vector<Diagnostic> diagnostics;  // one a rule, in the order of policies; one a conflict
  std::set<std::string> advice;         // how to go on
  std::size_t policies = 0;             // objects that are named
  bool empty() const { return diagnostics.empty(); }
};

void refuse_endpoints(const std::vector<codegen_bpf::RefusedEndpoint>& refused, const ir::Cluster& cluster, const ir::PolicySet& policies,
                      Refusals& out);

}  // namespace netpolc::compiler
