// compiler/explain/near_names.h — "did you mean", where commands look for it.
#pragma once
#include "ir/base/near_names.h"

namespace netpolc::explain {

using netpolc::did_you_mean;

}  // namespace netpolc::explain
