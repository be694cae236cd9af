// tools/bench/datapath/growth.h — what a verdict costs as policies and clusters grow.
#pragma once
#include <memory>
#include <vector>

#include "tools/bench/datapath/cases.h"

namespace netpolc::datapath_bench {

// One kind of thing that grows, from 10 to 10,000.
struct Growth {
  std::string name;
  std::vector<std::uint32_t> sizes;
  bool limited = true;  // prefixes and peers that are named one by one are only reported
  std::vector<std::unique_ptr<Baseline>> baselines;  // null where its policy map can't hold the entries
  std::vector<std::unique_ptr<Netpolc>> netpolcs;
  std::vector<Case> hot, random;  // by size
};

inline constexpr double kHotGrowth = 1.3, kRandomGrowth = 2;

// Compiles and loads a policy for every size.
std::vector<Growth> growths(Subject& empty);

}  // namespace netpolc::datapath_bench
