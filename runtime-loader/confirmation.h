// runtime-loader/confirmation.h — the time that `load --confirm` gives: it counts also while the
// machine sleeps, and is over with a reboot, after which nothing is loaded.
#pragma once
#include <cstdint>

#include "runtime-loader/state.h"

namespace netpolc::loader {

// Fails as kernel where the boot has no id.
Result<Confirmation> confirmation_in(std::uint32_t seconds);
bool is_overdue(const Confirmation& confirmation);
// 0: it is over.
std::uint64_t nanoseconds_left(const Confirmation& confirmation);

}  // namespace netpolc::loader
