// tools/agreement/witnesses.h — random questions about random policy sets: what the solver finds, and the interpreter confirms, is
// put before the programs of both ends in this machine's kernel (compiler/kernel_judge/witness.h).
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/agreement/trial.h"

namespace netpolc::agreement {

struct WitnessTally {
  std::uint64_t sets = 0, questions = 0, witnesses = 0, new_pods = 0, packets = 0, by_nodes = 0, disagreements = 0, failures = 0;
  // `by_nodes`: packets through programs of nodes.
  std::map<std::string, std::uint64_t> sides;  // by what the programs said, or why they were not asked
  std::vector<std::string> texts;
  void add(const WitnessTally& other);
};
// Questions about one set of policies: is something allowed, denied, allowed without a proxy, or allowed by this set and not by the
// same with a change.
void judge_witnesses(std::uint64_t seed, std::size_t questions, kernel_judge::Programs& programs, WitnessTally& tally);

// Whether programs with a wrong belief are found out by the witnesses of this set. `wrong` matters to some of the sets only.
bool witnesses_find_out(const Wrong& wrong, std::uint64_t seed, std::size_t questions, kernel_judge::Programs& programs);

}  // namespace netpolc::agreement
