// tools/bench/datapath/cases.h — the paths of a packet that are measured, and how: each case is run
// for the empty program, the baseline and netpolc, round by round.
#pragma once
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/bench/datapath/subject.h"

namespace netpolc::datapath_bench {

struct Trio {
  Subject* empty = nullptr;
  Subject* baseline = nullptr;
  Subject* netpolc = nullptr;
};

struct Case {
  std::string name;
  Trio subjects;
  Traffic traffic;
  std::uint32_t packets = 100'000;
  std::function<void(Subject&)> before = nullptr, after = nullptr;
  // Of the baseline, after subtracting the empty program; of the empty program.
  std::optional<double> limit = std::nullopt, limit_of_empty = std::nullopt;

  std::array<std::vector<double>, 3> samples = {};  // empty, baseline, netpolc
};

void run_round(std::vector<Case>& cases);

struct Figures {
  double empty, baseline, netpolc;
  double ratio() const { return (netpolc - empty) / (baseline - empty); }
  double of_empty() const { return netpolc / empty; }
};
Figures medians(const Case& measured);
Figures minima(const Case& measured);

// The same in any family, without the flood.
std::vector<Case> quiet_paths(const World& world, const Trio& subjects);
// The paths of the issue that sets the limits, but growth.
std::vector<Case> paths(const World& world, const Trio& subjects, const Trio& flooded);
// Of 10,000 flows that were established before the flood, those whose answers still pass.
std::uint32_t survivors(const World& world, Subject& subject);
// A verdict alone: `hot` for one peer, else for peers drawn at random.
Case verdict_alone(const std::string& name, const World& world, const Trio& subjects, bool hot);

}  // namespace netpolc::datapath_bench
