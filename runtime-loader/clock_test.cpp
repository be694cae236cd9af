#include <doctest/doctest.h>

#include "runtime-loader/clock.h"

using namespace netpolc::loader;

TEST_CASE("a tick is about a second, and lifetimes are no shorter than asked for") {
  const double tick = static_cast<double>(1u << tick_shift()) / jiffies_per_second();
  CHECK(tick > 0.7);
  CHECK(tick < 1.42);
  for (const std::uint64_t seconds : {1u, 10u, 60u, 8000u, 1u << 30}) {
    CAPTURE(seconds);
    CHECK(ticks(seconds) * tick >= static_cast<double>(seconds) * 0.999999);
    CHECK((ticks(seconds) - 1) * tick < static_cast<double>(seconds));
  }
  CHECK(ticks(0) == 0);
}
