// compiler/diff/cost.h — what policies of a set cost: entries of the largest policy map, and how many distinct policies there are.
#pragma once
#include <cstddef>
#include <string>

#include "compiler/session.h"

namespace netpolc::compiler {

struct Cost {
  std::size_t entries = 0;   // of the largest policy map, as `netpolc lint` counts them
  std::string endpoint;      // whose it is; "": nobody has a policy
  std::size_t policies = 0;  // of endpoints: distinct ones, of which as many programs are compiled
  bool operator==(const Cost&) const = default;
};
// `policies`: see Diff.
Cost cost_of(const Session& session, std::size_t policies);

// "Cost: largest map 1048 → 1061 entries (shop/frontend), 3 → 4 distinct policies."
std::string to_words(const Cost& before, const Cost& after);

}  // namespace netpolc::compiler
