// ir/base/edit_distance.h — how far two words are apart as typing goes, for "did you mean".
#pragma once
#include <cstddef>
#include <string_view>

namespace netpolc {

// Insertions, deletions, replacements and swaps of neighbours, each of which counts one.
// Bytes, case included. Time is the product of the lengths: callers bound them.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace netpolc
