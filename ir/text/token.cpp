#include "ir/text/token.h"

namespace netpolc::ir::text {
namespace {

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("_.*/+@-").find(c) != std::string_view::npos;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string word(std::string_view value) {
  bool bare = !value.empty();
  for (const char c : value) bare = bare && is_bare(c);
  if (bare) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      constexpr char digits[] = "0123456789abcdef";
      out += "\\x";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += c;
    }
  }
  return out + '"';
}

void Tokens::skip() {
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '#') {
      while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
    } else if (c == '\n') {
      ++line_;
      line_start_ = at_ + 1;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      return;
    }
  }
}

tl::expected<std::string, TextError> Tokens::quoted() {
  std::string out;
  for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return out;
    }
    if (c != '\\') {
      out += c;
      continue;
    }
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (next == '"' || next == '\\') {
      out += next;
      ++at_;
    } else if (next == 'x' && at_ + 3 < text_.size() && hex(text_[at_ + 2]) >= 0 && hex(text_[at_ + 3]) >= 0) {
      out += static_cast<char>(hex(text_[at_ + 2]) * 16 + hex(text_[at_ + 3]));
      at_ += 3;
    } else {
      return tl::unexpected(error("unknown escape: expected \\\", \\\\ or \\xHH"));
    }
  }
  return tl::unexpected(error("a quoted word does not end on its line"));
}

tl::expected<Token, TextError> Tokens::next() {
  skip();
  Token token{TokenKind::End, "", false, line_, at_ - line_start_ + 1};
  if (at_ == text_.size()) return token;
  const char c = text_[at_];
  if (std::string_view("{}(),:").find(c) != std::string_view::npos) {
    token.kind = TokenKind::Mark;
    token.value = c;
    ++at_;
    return token;
  }
  token.kind = TokenKind::Word;
  if (c == '"') {
    auto value = quoted();
    if (!value) return tl::unexpected(value.error());
    token.value = std::move(*value);
    token.quoted = true;
    return token;
  }
  while (at_ < text_.size() && is_bare(text_[at_])) token.value += text_[at_++];
  if (token.value.empty()) return tl::unexpected(error("unexpected byte"));
  return token;
}

}  // namespace netpolc::ir::text
