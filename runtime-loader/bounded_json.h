// runtime-loader/bounded_json.h — JSON from somebody who may be hostile.
//
// Reading takes time and memory in proportion to the text, whatever is in it: nesting, the number of values and the length
// of strings are bounded. What readers could understand in two ways is refused: an object with two members of one name,
// a zero byte in a string, bytes that are no UTF-8, anything behind the document.
#pragma once
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "runtime-loader/result.h"

namespace netpolc::loader {

struct JsonBounds {
  std::size_t depth = 64;
  std::size_t values = 1u << 24;  // members and elements too
  std::size_t string_bytes = 64u << 10;
};

// Fails as input: `NAME: ` and what is wrong (`no JSON: at byte N`).
Result<nlohmann::json> parse_bounded(std::string_view text, const std::string& name, const JsonBounds& bounds = {});

}  // namespace netpolc::loader
