// Is this text at all? The same answer as Go's YAML reader: UTF-8 without control characters.
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "frontend/yaml/syntax.h"

namespace netpolc::frontend::yaml {
namespace {

unsigned char at(std::string_view text, std::size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}

bool looks_like_utf16(std::string_view text) {
  if (text.size() < 2) return false;
  const bool mark = (at(text, 0) == 0xFF && at(text, 1) == 0xFE) || (at(text, 0) == 0xFE && at(text, 1) == 0xFF);
  return mark || at(text, 0) == 0 || at(text, 1) == 0;
}

// The length of the well-formed UTF-8 sequence at `i`, 0 if there is none.
std::size_t sequence_length(std::string_view text, std::size_t i) {
  const unsigned char lead = at(text, i);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80;  // of the second byte
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) length = 2;
  if (lead >= 0xE0 && lead <= 0xEF) length = 3;
  if (lead >= 0xF0 && lead <= 0xF4) length = 4;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  if (length == 0 || i + length > text.size()) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    const unsigned char byte = at(text, i + k);
    if (byte < (k == 1 ? low : 0x80) || byte > (k == 1 ? high : 0xBF)) return 0;
  }
  return length;
}

bool is_control(unsigned char c) { return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F; }

// Eight bytes that are all printable ASCII, which is most of a text.
bool is_plain(std::string_view text, std::size_t i) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHigh = kOnes * 0x80;
  if (text.size() - i < sizeof(std::uint64_t)) return false;
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, text.data() + i, sizeof bytes);
  const std::uint64_t below_blank = (bytes - kOnes * 0x20) & ~bytes, of_delete = bytes ^ kOnes * 0x7F, is_delete = (of_delete - kOnes) & ~of_delete;
  return ((bytes | below_blank | is_delete) & kHigh) == 0;
}

Diagnostic fault(const Input& input, std::size_t offset, std::string message) {
  const auto begin = static_cast<std::uint32_t>(offset);
  return {.kind = DiagKind::YamlSyntax, .where = Span{input.file, begin, begin + 1}, .message = std::move(message)};
}

}  // namespace

Input input_of(FileId file, std::string_view text) { return {file, text, text.starts_with("\xEF\xBB\xBF") ? 3U : 0U}; }

bool begins_like_json(const Input& input) {
  const std::size_t first = input.text.find_first_not_of(" \t\r\n", input.start);
  return first != std::string_view::npos && (input.text[first] == '{' || input.text[first] == '[');
}

std::optional<Diagnostic> check_text(const Input& input) {
  const std::string_view text = input.text;
  if (text.size() > kMaxFileSize) {
    return Diagnostic{.kind = DiagKind::InputTooLarge,
                      .where = Span{input.file, 0, 0},
                      .message = "the file has " + std::to_string(text.size()) + " bytes, the limit is " +
                                 std::to_string(kMaxFileSize)};
  }
  if (looks_like_utf16(text)) return fault(input, 0, "the text is not UTF-8, but looks like UTF-16 or UTF-32");
  for (std::size_t i = input.start; i < text.size();) {
    if (is_plain(text, i)) {
      i += sizeof(std::uint64_t);
      continue;
    }
    const unsigned char c = at(text, i);
    if (c >= 0x20 && c < 0x7F) {
      ++i;
      continue;
    }
    if (is_control(c)) {
      char message[64];
      std::snprintf(message, sizeof message, "control character 0x%02X is not allowed", c);
      return fault(input, i, message);
    }
    const std::size_t length = sequence_length(text, i);
    if (length == 0) return fault(input, i, "the text is not UTF-8");
    i += length;
  }
  return std::nullopt;
}

}  // namespace netpolc::frontend::yaml
