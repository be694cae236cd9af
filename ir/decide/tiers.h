// ir/decide/tiers.h — passes (semantics reference, section 5.10) turned into entries, so that
// what is left is one list in the order in which entries win: whoever reads a table needs to
// know nothing of tiers.
//
// Whom a pass lets through meets, in its place, the entries of all later tiers: for "web passes"
// and a later "port 80 is allowed for db", port 80 is allowed for whoever is web and db.
#pragma once
#include <vector>

#include "ir/decide/classes.h"
#include "ir/decide/compiled_rule.h"

namespace netpolc::ir {

// Where an entry stands: lower places win, whatever they say. Equal places are one level.
using Place = std::vector<std::uint32_t>;
Place place_of(const Level& level);

struct PeerEntry {
  RangeEntry range;
  ConditionId peer = everyone;
  Place place = {};
};

// No pass is left. False where that takes more than `limit` further entries: then nothing is to
// be made of them.
inline constexpr std::size_t kMostPassedEntries = 500'000;
bool resolve_passes(std::vector<PeerEntry>& entries, Conditions& conditions, std::size_t limit = kMostPassedEntries);

}  // namespace netpolc::ir
