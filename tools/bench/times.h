// tools/bench/times.h — how long a stage takes: the fastest and the median run, in milliseconds of processor time.
#pragma once
#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <vector>

namespace netpolc::bench {

// Of the whole process: what an idle machine's clock would show for one thread.
inline double processor_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

struct Times {
  std::vector<double> all = {};
  template <class Stage>
  void run(Stage&& stage) {
    const double start = processor_ms();
    stage();
    all.push_back(processor_ms() - start);
  }
  nlohmann::ordered_json json() const {
    std::vector<double> sorted = all;
    std::sort(sorted.begin(), sorted.end());
    return {{"min", sorted.front()}, {"median", sorted[sorted.size() / 2]}, {"max", sorted.back()}};
  }
};

}  // namespace netpolc::bench
