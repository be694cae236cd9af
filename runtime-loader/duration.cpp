#include "runtime-loader/duration.h"

#include <charconv>

namespace netpolc::loader {

Result<std::uint32_t> parse_duration(const std::string& text) {
  constexpr std::uint32_t kMost = 24 * 3600;
  std::uint32_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  const std::string unit(end, last);
  const std::uint32_t factor = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (error != std::errc{} || factor == 0) return bad_input("`" + text + "` is no time like 60s, 5m or 1h");
  if (number == 0 || number > kMost / factor) return bad_input("`" + text + "` is not between 1s and 24h");
  return number * factor;
}

}  // namespace netpolc::loader
