// ir/decide/merge.h — rules of one endpoint that meet in one filter for one peer condition
// (semantics reference, section 5.6).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/decide/compiled_rule.h"

namespace netpolc::ir {

// Precedence of a redirect: smaller wins. 0 is no redirect. Listeners have 1 to 100 by their
// author's choice, parsers and listeners without priority follow (section 5.4).
std::uint8_t redirect_priority(const L7& l7);
L7Parser redirect_parser(const L7& l7);

struct Contribution {
  const CompiledRule* rule = nullptr;
  const L7* l7 = nullptr;  // null: none
  std::uint32_t index = 0;  // of the rule in the table
};
struct Merged {
  Action action = Action::Allow;  // Deny beats Allow beats Pass
  L7Parser parser = L7Parser::None;
  std::uint8_t priority = 0;
  AuthMode auth = AuthMode::Unset;
  std::uint32_t rule = 0;
};
struct MergeResult {
  Merged merged;
  std::optional<std::string> conflict;
  std::pair<std::uint32_t, std::uint32_t> between{};  // indices of rules
};

// All of one level. `all` is not empty and in the order of the table's rules.
MergeResult merge(const Contribution* begin, const Contribution* end);

}  // namespace netpolc::ir
