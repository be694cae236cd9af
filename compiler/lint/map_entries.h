// compiler/lint/map_entries.h — how many entries the policies of an endpoint take in Cilium's policy map (semantics reference,
// sections 1.6 and 5.4): the number that findings about full maps go by, for whoever wants to see it grow.
#pragma once
#include <cstddef>
#include <string>

#include "compiler/lint/facts.h"

namespace netpolc::lint {

struct LargestMap {
  std::size_t entries = 0;
  std::string endpoint;  // "shop/frontend", the first of those that need as many; "" for none
};
// Of all endpoints of this cluster that policy governs. Counts exactly, and only where more entries are possible than were found.
LargestMap largest_map(const Facts& facts);

}  // namespace netpolc::lint
