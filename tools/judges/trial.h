// tools/judges/trial.h — four words about every case (vector, interpreter, table, program), and
// whether they are the same.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/judges/cases.h"

namespace netpolc::judges {

struct Tally {
  std::uint64_t scenarios = 0, cells = 0, probes = 0, cases = 0, tables = 0;
  std::uint64_t packets4 = 0, packets6 = 0;
  std::uint64_t probes_in_kernel = 0;  // with a packet at every end that has policies
  std::array<std::uint64_t, kNoPacketReasons> without_packet{};  // cases
  std::map<std::string, std::uint64_t> reasons;  // packets by what the programs said
  std::uint64_t disagreements = 0;
  std::map<std::string, std::uint64_t> kinds;  // of disagreements
  std::vector<std::string> examples;           // the first of every kind

  void add(const Tally& other);
  void disagree(const std::string& kind, const std::string& text);
};

// A table that is not what the compiler made: what the judges must notice.
struct Mutant {
  std::uint32_t table = 0;
  ir::DecisionTable content;
  std::string kind, text;
};

// Compares vector, interpreter and table.
void judge_offline(World& world, const Cases& cases, Tally& tally);
// Compares the compiled programs with those. With a mutant, only the cases of its table.
void judge_in_kernel(World& world, const Cases& cases, Programs& programs, const Mutant* mutant, Tally& tally);

}  // namespace netpolc::judges
