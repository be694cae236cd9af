// verify/strings/regex.h — the structure of a regular expression in RE2's syntax: what is repeated, what is an alternative.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "verify/strings/automaton.h"

namespace netpolc::verify::strings {

struct Regex;
using RegexPtr = std::shared_ptr<const Regex>;
struct Regex {
  enum class Kind : std::uint8_t { Empty, OneOf, Begin, End, Sequence, Alternatives, Repeat };
  Kind kind = Kind::Empty;
  Characters characters = {};
  std::vector<RegexPtr> parts = {};
  unsigned least = 0, most = 0;  // of Repeat; most == kNoLimit: no limit
  static constexpr unsigned kNoLimit = ~0u;
};

// Precondition: RE2 compiles it. An error names what is not understood.
tl::expected<RegexPtr, std::string> parse(const std::string& text);

}  // namespace netpolc::verify::strings
