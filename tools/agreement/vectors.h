// tools/agreement/vectors.h — the conformance vectors before the judges that need no kernel: every probe of every scenario by
// interpreter, set engine and solver (tools/judges has the same interpreter, the kernel and the vectors' own word); and of
// some what a claim says, which is the same question by the front door.
#pragma once
#include <string>
#include <vector>

#include "tools/agreement/trial.h"

namespace netpolc::agreement {

struct VectorTally {
  std::uint64_t scenarios = 0, probes = 0, left_out = 0, claims = 0, refuted = 0, disagreements = 0, questions = 0;
  std::vector<std::string> texts;
  void add(const VectorTally& other);
};
// Throws std::runtime_error where the scenario can't be set up.
void judge_vectors(const judges::Scenario& scenario, kernel_judge::Programs& programs, VectorTally& tally);

// `never` from one to the other by this packet. `RefutedIf`: were other pods' ports, or names, as the manifests don't have them.
enum class Claimed : std::uint8_t { Proved, Refuted, RefutedIf, Undecided };
Claimed claim_never(judges::World& world, const judges::Scenario& scenario, const Packet& packet);

}  // namespace netpolc::agreement
