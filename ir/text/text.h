// ir/text/text.h — the policies of the IR as text, to be read by people and read back (docs/ir.md).
//
// Promises: parse(print(set)) is `set`, but for places; print(parse(text)) is a fixed point; any
// bytes may be in names and values; a parser never crashes and has work and memory bounded by the
// size of the text.
#pragma once
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "ir/policy.h"

namespace netpolc::ir {

struct TextError {
  std::size_t line = 1, column = 1;  // of the token that does not fit
  std::string message;
};

std::string print(const PolicySet& set);
tl::expected<PolicySet, TextError> parse(std::string_view text);

}  // namespace netpolc::ir
