// tools/judges/mutants.h — wrong tables, to show that the judges can disagree: one peer bit
// flipped, one port bound moved, one entry lost.
#pragma once
#include "tools/judges/trial.h"

namespace netpolc::judges {

// For each kind the first change of one of the scenario's tables that alters the verdict of at
// least one case with a packet. Fewer where no probe could tell.
std::vector<Mutant> find_mutants(const World& world, const Cases& cases);

}  // namespace netpolc::judges
