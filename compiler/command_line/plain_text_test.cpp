#include "compiler/command_line/plain_text.h"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace netpolc::compiler;

namespace {

// The three variables as given, and again as they were.
bool with(const char* all, const char* ctype, const char* lang) {
  const char* names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  const char* values[] = {all, ctype, lang};
  std::string kept[3];
  bool was_set[3];
  for (int i = 0; i < 3; ++i) {
    const char* before = std::getenv(names[i]);
    was_set[i] = before != nullptr;
    if (was_set[i]) kept[i] = before;
    if (values[i] == nullptr) unsetenv(names[i]);
    else setenv(names[i], values[i], 1);
  }
  const bool out = locale_is_utf8();
  for (int i = 0; i < 3; ++i) {
    if (was_set[i]) setenv(names[i], kept[i].c_str(), 1);
    else unsetenv(names[i]);
  }
  return out;
}

std::string in_pieces(const std::string& text, std::size_t size) {
  ToAscii ascii;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += size) out += ascii(std::string_view(text).substr(at, size));
  return out + ascii.rest();
}

}  // namespace

TEST_CASE("the first variable that is set says whether the locale is one of UTF-8") {
  CHECK(with(nullptr, nullptr, nullptr));
  CHECK(with("", "", ""));
  CHECK(with("C.UTF-8", "C", "C"));
  CHECK_FALSE(with("C", "C.UTF-8", "C.UTF-8"));
  CHECK(with("", "en_US.utf8", "C"));
  CHECK_FALSE(with(nullptr, "POSIX", "en_US.UTF-8"));
  CHECK(with(nullptr, nullptr, "de_DE.UTF-8@euro"));
  CHECK_FALSE(with(nullptr, nullptr, "de_DE@euro"));
  CHECK_FALSE(with(nullptr, nullptr, "en_US"));
  CHECK_FALSE(with(nullptr, nullptr, "en_US.ISO-8859-1"));
  CHECK(with(nullptr, "UTF-8", nullptr));
}

TEST_CASE("netpolc's signs become ASCII, and all else stays as it is, however it is cut") {
  const std::string text = "✓ a → b · ✗ … × ∀ größe 名 \xff\xe2\x86 x\xe2", plain = "v a -> b | x ... x all größe 名 \xff\xe2\x86 x\xe2";
  for (std::size_t size = 1; size <= text.size(); ++size) CHECK(in_pieces(text, size) == plain);
}
