// verify/diff/compare.h — which pairs of ends differ, and in what. Ends that neither set tells apart are one class; of two
// classes only those are compared of which one of the four tables involved says something else of the other's identity.
#pragma once
#include <compare>

#include "verify/diff/ends.h"

namespace netpolc::verify::diffs {

// What a pair may send, in both sets. Numbers are those of the comparison's sets.
struct What {
  DiffAccess before, after;
  bool in_cases = false;
  auto operator<=>(const What&) const = default;
  bool changed() const { return in_cases || before != after; }
};
using WhatId = std::uint32_t;  // 0: no difference
using ClassId = std::uint32_t;

struct Pair {
  ClassId from = 0, to = 0;
  auto operator<=>(const Pair&) const = default;
};

struct Compared {
  std::vector<DiffEndIds> classes;           // sorted; of ends whose policy can be computed
  std::vector<What> whats;                    // by WhatId
  std::vector<std::vector<Pair>> pairs;       // by WhatId: sorted
  std::uint64_t counted = 0, changed = 0;     // pairs of ends
};

// `shared` with policy that can be computed in both sets.
Compared compare(Sets& both, const AllEnds& ends, const DiffEndIds& computable);

// Whether a pair of this end and itself is one: replicas are its peers. What is outside has no policy anyway.
bool meets_itself(const Sets& both, const Shared& end);

// The first case (of a replica, node or address) of a pair that is judged otherwise for this flow: its meeting in each set.
struct Meetings {
  Meeting before, after;
};
// `sets`: those of the comparison.
Meetings differing(Sets& both, const AccessSets& sets, const Shared& from, const Shared& to, ir::Flow flow);

}  // namespace netpolc::verify::diffs
