// tools/agreement/wrongs.h — wrong beliefs about policies, to show that the judges can disagree: whoever of them has one must be
// found out by the others.
#pragma once
#include "tools/agreement/trial.h"

namespace netpolc::agreement {

std::vector<Wrong> wrongs();

}  // namespace netpolc::agreement
