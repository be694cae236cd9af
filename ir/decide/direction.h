// ir/decide/direction.h — one direction of one table from the rules that apply to it.
#pragma once
#include <optional>
#include <vector>

#include "ir/decide/conditions.h"
#include "ir/decide/compiled_rule.h"
#include "ir/decide/table.h"

namespace netpolc::ir {

struct DirectionInput {
  Direction direction = Direction::Ingress;
  Enforcement enforcement = Enforcement::None;
  bool localhost_exception = false;
  std::vector<const CompiledRule*> rules;  // that can match, unique by text, sorted by text
  // What from/toRequires of the endpoint's rules add to its endpoint selectors (section 2.5).
  std::vector<Requirement> allow_requires, deny_requires;
  const std::vector<NamedPort>* named_ports = nullptr;  // ingress: the endpoint's own; egress: of all pods
  CiliumVersion version = 18;
};

// How many rules follow `input.rules` in the table that are nobody's (synthesized_rule).
std::size_t synthesized_rules(const DirectionInput& input);

// Conflicting rules end up in `incomputable`.
DirectionTable make_direction(const DirectionInput& input, const Identities& identities, const SelectorIndex& index,
                              Conditions& conditions, std::optional<Incomputable>& incomputable);

}  // namespace netpolc::ir
