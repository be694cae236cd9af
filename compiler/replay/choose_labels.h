// compiler/replay/choose_labels.h — by which labels to select a workload: few, of the kind that people select by, and no other
// workload's if that is possible.
#pragma once
#include <string>
#include <vector>

#include "ir/cluster.h"

namespace netpolc::compiler::replay {

struct Chosen {
  std::vector<ir::Label> labels;    // empty: it has none that a policy could go by
  std::vector<std::string> others;  // "ns/name" of the same namespace that have them, too
};
// Of cluster.endpoints[endpoint], among those of its namespace.
Chosen choose_labels(const ir::Cluster& cluster, std::uint32_t endpoint);

}  // namespace netpolc::compiler::replay
