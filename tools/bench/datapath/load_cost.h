// tools/bench/datapath/load_cost.h — what programs cost before the first packet.
#pragma once
#include <vector>

#include "tools/bench/datapath/kernel_object.h"

namespace netpolc::datapath_bench {

struct LoadCost {
  std::uint32_t entries = 0;  // of each direction
  double compile_ms = 0;      // from table to object
  double load_ms = 0;         // fastest of several, shared maps exist
  std::uint64_t memory = 0;   // bytes of programs and maps that are the endpoint's own
  std::vector<ProgramCost> programs;
};

inline constexpr double kLoadLimit = 50;  // ms, for 10,000 entries

LoadCost load_cost(std::uint32_t selectors, std::uint32_t ports);
std::vector<ProgramCost> baseline_cost();

}  // namespace netpolc::datapath_bench
