// verify/diff/lines.h — differences of pairs as lines for people: pairs that change alike together, and what it is that changes.
#pragma once
#include "verify/diff/compare.h"

namespace netpolc::verify::diffs {

// In the order of kinds of difference, each with its ends and sets; `why_…`, `example_…` and `exposes` are left to the caller.
std::vector<TrafficChange> lines(const Compared& compared, const AllEnds& ends, const Sets& both, AccessSets& sets);

}  // namespace netpolc::verify::diffs
