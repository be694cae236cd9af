// runtime-loader/selectors.h — the peer conditions that a bundle carries (docs/bundle.md,
// "Selectors"), and what they say of a peer.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/decide/condition_tree.h"
#include "runtime-loader/json_field.h"

namespace netpolc::loader {

// One condition a bit of a direction.
using Selectors = std::vector<ir::ConditionPtr>;

// Throws BadField where the text is no selector.
ir::ConditionPtr selector(const JsonField& field);
Selectors selectors(const JsonField& field);
// ["http", "TCP", 80]
ir::NamedPort named_port(const JsonField& field);

// The bits that hold, lowest first, bit 0 always.
std::vector<std::uint64_t> bits_of(const Selectors& selectors, std::size_t words, const ir::ConditionSubject& subject);

}  // namespace netpolc::loader
