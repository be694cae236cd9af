// runtime-loader/connectivity/translate.h — addresses of services, in the namespaces of a test. The loader
// translates none; here `nft` does, where the machine has it.
#pragma once
#include <string>
#include <vector>

#include "runtime-loader/connectivity/scene.h"

namespace netpolc::loader::connectivity {

// Of all these tests. Not empty: why none is there, so that what needs it can't be run.
std::string translate(World& world, const std::vector<Test>& tests);

}  // namespace netpolc::loader::connectivity
