// runtime-loader/clock.h — the clock of programs. They count in ticks of 2^shift jiffies, about a
// second, because reading jiffies costs nothing; the kernel alone knows how many there were.
#pragma once
#include <cstdint>

#include "runtime-loader/result.h"

namespace netpolc::loader {

// Jiffies a second, from the resolution of the kernel's coarse clock.
std::uint32_t jiffies_per_second();
// np_config's tick_shift: the power of two that is next to a second.
std::uint32_t tick_shift();
// Rounded up.
std::uint32_t ticks(std::uint64_t seconds);
// The tick that programs would read now. Asks the kernel by running a program of three instructions.
Result<std::uint32_t> current_tick();

}  // namespace netpolc::loader
