// verify/bytecode/prefixes.h — does a direction need to know which prefix an address is in? Programs that don't ask for
// prefixes take an address that is in a prefix, but not known by itself, for one of the world. So they must ask where an entry
// may hold for a prefix and not for the world, or the other way round: by what conditions mean (ir/decide/condition_tree.h),
// whatever other labels the identity of a prefix has.
#pragma once
#include "ir/decide/table.h"

namespace netpolc::verify::bytecode {

// Prefixes that are pods' or nodes' aside: of these the loader tells all programs.
bool needs_prefixes(const ir::DirectionTable& table);

}  // namespace netpolc::verify::bytecode
