// runtime-loader/duration.h — times as people write them.
#pragma once
#include <cstdint>
#include <string>

#include "runtime-loader/result.h"

namespace netpolc::loader {

// "90", "90s", "5m" or "1h" in seconds, from 1 up to a day. Fails as input.
Result<std::uint32_t> parse_duration(const std::string& text);

}  // namespace netpolc::loader
