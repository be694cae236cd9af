// ir/eval/conflicts.h — rules that cannot be merged in one filter for one selector: then no
// policy can be computed for the endpoint (semantics reference 5.6, 1.7).
#pragma once
#include <optional>
#include <vector>

#include "ir/eval/resolve.h"

namespace netpolc::ir::eval {

struct SelectedRule {
  RuleRef ref;
  const Rule* rule;
  const std::vector<ResolvedPeer>* peers;
};

// Only rules of one direction. Deny rules take no part.
std::optional<Incomputable> find_conflict(const std::vector<SelectedRule>& rules);

}  // namespace netpolc::ir::eval
