// ir/decide/invariants.h — what holds for every decision table. Whoever makes one promises it,
// whoever reads one may rely on it; builds with assertions and the fuzzers check it.
#pragma once
#include <optional>
#include <string>

#include "ir/decide/table.h"

namespace netpolc::ir {

// None, or the first promise that is broken, in words:
//  * without enforcement there are no classes; else every protocol's classes cover 0 to 65535,
//    in order, without gap or overlap, and neighbours differ;
//  * entries name bits and rules that exist, come by level and within one as denies, redirects,
//    allows; none passes, and none is behind another that always holds where it does;
//  * bit 0 is everyone, and the identities of the others are sorted and unique;
//  * every rule has its text.
std::optional<std::string> violated(const DirectionTable& table);
// Both directions; a table that cannot be computed promises nothing.
std::optional<std::string> violated(const DecisionTable& table);

}  // namespace netpolc::ir
