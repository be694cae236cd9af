// compiler/lint/policy_maps.h — how many entries endpoints need in Cilium's policy maps: one for each identity that a rule lets in
// or shuts out, times its ports as prefixes of ports (semantics reference, sections 1.6 and 5.4). Of the identities that are there.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "compiler/lint/facts.h"
#include "ir/eval/resolve.h"

namespace netpolc::lint {

class PolicyMaps {
 public:
  // `facts` outlives it.
  explicit PolicyMaps(const Facts& facts);

  // By position (see Facts): never less than `entries`, mostly far from the limit, and cheap.
  std::vector<std::size_t> most() const;
  // Exactly, for the endpoints at a position; and what each rule adds.
  std::size_t entries(std::size_t position, std::vector<std::pair<std::size_t, ir::RuleRef>>& added) const;

 private:
  const Facts& facts_;
  ir::eval::NamedPorts names_;
};

struct LargestMap {
  std::size_t entries = 0;
  std::string endpoint;  // "shop/frontend", the first of those that need as many; "" for none
};
// Of all endpoints of this cluster that policy governs. Counts exactly, and only where more entries are possible than were found.
LargestMap largest_map(const Facts& facts);

}  // namespace netpolc::lint
