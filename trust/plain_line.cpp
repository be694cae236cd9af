#include "trust/plain_line.h"

#include <cstdint>

namespace netpolc::trust {
namespace {

// Takes one character; false where it is none.
bool take(std::string_view& text, std::uint32_t& out) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (size == 0 || text.size() < size) return false;
  out = size == 1 ? lead : lead & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0) != 0x80) return false;
    out = out << 6 | (next & 0x3f);
  }
  text.remove_prefix(size);
  if (size == 3 && (out < 0x800 || (out >= 0xd800 && out < 0xe000))) return false;
  return size != 4 || (out >= 0x10000 && out < 0x110000);
}

}  // namespace

bool is_plain_line(std::string_view text) {
  std::uint32_t character = 0;
  while (!text.empty()) {
    if (!take(text, character)) return false;
    if ((character < 0x20 && character != '\t') || (character >= 0x7f && character < 0xa0)) return false;
  }
  return true;
}

}  // namespace netpolc::trust
