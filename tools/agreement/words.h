// tools/agreement/words.h — what judges say, in a form in which it can be compared.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "ir/verdict.h"

namespace netpolc::agreement {

// Of one side of a packet, as far as a judge can tell.
struct Word {
  bool allowed = false;                // by policy, whatever a proxy or authentication ask for on top
  std::optional<bool> proxied;         // allowed through a proxy only
  std::optional<std::uint8_t> reason;  // NP_REASON_*, 0 for what passes
  std::string wrong;                   // why there is no word; then the rest says nothing
};
Word word_of(const ir::SideVerdict& verdict);
Word word_of_reason(std::uint8_t reason);
std::string to_string(const Word& word);
// Without which proxy and which authentication are chosen.
Word without_choice(Word word);
// As far as both can tell.
bool agree(const Word& one, const Word& other);

// Of both sides together.
struct PairWord {
  bool allowed = false, proxied = false, authenticated = false;
  auto operator<=>(const PairWord&) const = default;
};
std::string to_string(const PairWord& word);

}  // namespace netpolc::agreement
