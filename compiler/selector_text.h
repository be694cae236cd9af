// compiler/selector_text.h — the selectors of a bundle (docs/bundle.md, "Selectors") as conditions again, to be compared with
// those of the decision tables.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "ir/decide/condition_tree.h"

namespace netpolc::compiler {

struct BadSelector {
  std::string why;
};
// Throws BadSelector, or what the JSON library throws, where the text is no selector.
ir::ConditionPtr selector_of(const nlohmann::ordered_json& text);

// Labels of a peer for whom one holds and the other doesn't, if some are found among those that they speak of.
std::optional<std::string> told_apart(const ir::ConditionTree& one, const ir::ConditionTree& other);

}  // namespace netpolc::compiler
