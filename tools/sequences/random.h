// tools/sequences/random.h — random policies, worlds and packets: few hosts and ports, so that
// collisions, replies and errors about what was sent are frequent. Same seed, same sequence.
#pragma once
#include <cstdint>
#include <random>

#include "tools/sequences/script.h"

namespace netpolc::sequences {

using Random = std::mt19937_64;

// Policies and a world, without cases.
Script random_world(Random& random);
Case random_case(const Script& script, Random& random, std::size_t steps);
// The frame with some of it changed: bits, bytes, length fields, its end.
Frame mutate(Frame frame, Random& random);

}  // namespace netpolc::sequences
