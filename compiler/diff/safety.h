// compiler/diff/safety.h — the built-in pack of `netpolc test` on both sides of a comparison: what held and fails now.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/assertions/details.h"
#include "compiler/session.h"

namespace netpolc::compiler {

// One assertion that fails after the change, and did not fail before.
struct BrokenAssertion {
  std::string name, pack;  // "dns: shop/web", "safety/dns"
  // What was said of it before: passed, vacuous or undecided. None: it was not asked then.
  std::optional<assertions::Status> before;
  std::vector<assertions::Detail> details;  // why it fails; places are in what came after
};

struct SafetyChange {
  std::vector<BrokenAssertion> broken;
  std::vector<std::string> repaired;      // names; they failed before
  std::vector<std::string> still_failing;
  std::size_t held = 0, judged = 0;        // after; `judged`: those that hold, those that fail and those that are undecided
  std::size_t undecided = 0;
  std::size_t held_before = 0, judged_before = 0;
  std::vector<std::pair<std::string, std::string>> vacuous;  // after: packs ("safety/nodes") or names of tests, and why
};

SafetyChange compare_safety(const Session& before, const Session& after);

// "Safety pack: 14/14 hold." and what else there is to say.
std::string to_words(const SafetyChange& safety);

}  // namespace netpolc::compiler
