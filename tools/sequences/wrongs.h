// tools/sequences/wrongs.h — models that are wrong on purpose: every one of them must be noticed.
#pragma once
#include <vector>

#include "tools/sequences/trial.h"

namespace netpolc::sequences {

std::vector<Wrong> wrongs();

}  // namespace netpolc::sequences
