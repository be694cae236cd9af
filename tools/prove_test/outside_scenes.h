// tools/prove_test/outside_scenes.h — what a program for external devices does in the kernel, in scenes that lead through it every
// way it has: so two programs can be told apart, or not.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace netpolc::prove_test {

// A line for each scene: what became of each frame, the events, and what was counted. Nothing where the kernel's verifier refuses
// the program. Throws where there is no kernel to ask.
std::optional<std::vector<std::string>> outside_scenes(const std::string& bytes);

}  // namespace netpolc::prove_test
