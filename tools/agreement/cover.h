// tools/agreement/cover.h — what was generated: how often each thing that the IR can say was said.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/judges/world.h"

namespace netpolc::agreement {

using Coverage = std::map<std::string, std::uint64_t>;
void count(const judges::World& world, Coverage& coverage);
// Of what the IR can say, what was not said.
std::vector<std::string> missing(const Coverage& coverage);

}  // namespace netpolc::agreement
