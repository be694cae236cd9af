// ir/text/token.h — words of the IR's text: bare, or quoted where they hold what a bare word can't.
#pragma once
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "ir/text/text.h"

namespace netpolc::ir::text {

// Bare where it is letters, digits and `_.*/+@-` only, else quoted: \" \\ and \xHH for control bytes.
std::string word(std::string_view value);

enum class TokenKind { Word, Mark, End };
struct Token {
  TokenKind kind = TokenKind::End;
  std::string value;  // Word: without quotes; Mark: one of { } ( ) , :
  bool quoted = false;
  std::size_t line = 1, column = 1;
};

class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}
  // Comments go from `#` to the end of the line.
  tl::expected<Token, TextError> next();

 private:
  TextError error(std::string message) const { return {line_, at_ - line_start_ + 1, std::move(message)}; }
  void skip();
  tl::expected<std::string, TextError> quoted();

  std::string_view text_;
  std::size_t at_ = 0, line_ = 1, line_start_ = 0;
};

}  // namespace netpolc::ir::text
