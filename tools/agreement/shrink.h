// tools/agreement/shrink.h — a smaller policy set about which judges still disagree.
#pragma once
#include <functional>

#include "tools/agreement/generate.h"

namespace netpolc::agreement {

// Leaves out policies, rules, peers and ports one after the other, as long as `fails` says yes; asks at most so often.
std::vector<Json> shrink(std::vector<Json> policies, const std::function<bool(const std::vector<Json>&)>& fails, int most);

}  // namespace netpolc::agreement
