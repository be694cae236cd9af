// tools/prove_test/scenes.h — what a program of tools/loader_test/bench.h's policy does in the kernel, in scenes that lead
// through np_admit_in and np_admit_out every way they have: so two programs can be told apart, or not.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace netpolc::prove_test {

// A line for each scene: what became of each packet, the events, and what was counted. Nothing where the kernel's
// verifier refuses the program.
std::optional<std::vector<std::string>> scenes(const std::string& bytes);

}  // namespace netpolc::prove_test
