#include "trust/plain_line.h"

#include <cstdint>

namespace netpolc::trust {
namespace {

struct Character {
  std::size_t size = 1;
  bool is_plain = false;
};

// The one that `text` begins with; a byte where it begins with none.
Character first_of(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return {};
  std::uint32_t value = size == 1 ? lead : lead & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return {};
    value = value << 6 | (next & 0x3f);
  }
  if (size == 3 && (value < 0x800 || (value >= 0xd800 && value < 0xe000))) return {};
  if (size == 4 && (value < 0x10000 || value >= 0x110000)) return {};
  return {size, (value >= 0x20 || value == '\t') && (value < 0x7f || value >= 0xa0)};
}

}  // namespace

bool is_plain_line(std::string_view text) {
  while (!text.empty()) {
    const Character first = first_of(text);
    if (!first.is_plain) return false;
    text.remove_prefix(first.size);
  }
  return true;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 400;
  std::string out;
  while (!text.empty() && out.size() < kMost) {
    const Character first = first_of(text);
    if (first.is_plain) out += text.substr(0, first.size);
    else out += '?';
    text.remove_prefix(first.size);
  }
  return text.empty() ? out : out + "…";
}

}  // namespace netpolc::trust
