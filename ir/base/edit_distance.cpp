#include "ir/base/edit_distance.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace netpolc {
namespace {

// What both begin and end with costs nothing.
void drop_what_is_common(std::string_view& a, std::string_view& b) {
  const auto [from, same] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto begin = static_cast<std::size_t>(from - a.begin());
  a.remove_prefix(begin);
  b.remove_prefix(begin);
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    a.remove_suffix(1);
    b.remove_suffix(1);
  }
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  drop_what_is_common(a, b);
  if (a.empty() || b.empty()) return a.size() + b.size();
  // Of the table over prefixes of both, only three rows are looked at: a swap reaches two back.
  constexpr std::size_t kUsual = 64;  // bytes of a word: rows of that need no memory from elsewhere
  const std::size_t width = b.size() + 1;
  std::array<std::size_t, 3 * (kUsual + 1)> usual;
  std::vector<std::size_t> larger(b.size() > kUsual ? 3 * width : 0);
  std::size_t* before = larger.empty() ? usual.data() : larger.data();
  std::size_t *above = before + width, *row = above + width;
  std::iota(row, row + width, std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, above);
    std::swap(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace netpolc
