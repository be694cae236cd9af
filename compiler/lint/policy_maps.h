// compiler/lint/policy_maps.h — how many entries endpoints need in Cilium's policy maps: one for each identity that a rule lets in
// or shuts out, times its ports as prefixes of ports (semantics reference, sections 1.6 and 5.4). Of the identities that are there.
#pragma once
#include <utility>
#include <vector>

#include "compiler/lint/facts.h"
#include "ir/eval/resolve.h"

namespace netpolc::lint {

class PolicyMaps {
 public:
  // `facts` outlives it.
  explicit PolicyMaps(const Facts& facts);

  // For an endpoint that the policy is for; the sum over its policies is never less than `entries`. Costs little.
  std::size_t most(const ir::Policy& policy) const;
  // Exactly, for the endpoints at a position (see Facts); and what each rule adds.
  std::size_t entries(std::size_t position, std::vector<std::pair<std::size_t, ir::RuleRef>>& added) const;

 private:
  const Facts& facts_;
  ir::eval::NamedPorts names_;
};

}  // namespace netpolc::lint
