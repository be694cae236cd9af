// ir/decide/classes.h — from entries over port ranges to disjoint L4 classes.
#pragma once
#include <vector>

#include "ir/decide/table.h"

namespace netpolc::ir {

// `protocol` Any with `all`: every protocol and number.
struct RangeEntry {
  bool all = false;
  Protocol protocol = Protocol::Any;
  std::uint16_t first = 0, last = 65535;
  std::uint8_t priority = 0;  // of the redirect, smaller first; 0 for none
  TableEntry entry;
};

// `bits`: how many there are. `auth`: keep what authentication needs.
std::vector<L4Class> make_classes(std::vector<RangeEntry> entries, std::size_t bits, bool auth);

}  // namespace netpolc::ir
