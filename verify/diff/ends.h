// verify/diff/ends.h — who is there to be compared: the ends of both sets, cut by all that either tells apart.
#pragma once
#include "verify/diff/names.h"
#include "verify/diff/sets.h"

namespace netpolc::verify::diffs {

// An end that both sets have.
struct Shared {
  DiffEnd end;
  Party before, after;
};
// One that only one of them has.
struct Single {
  DiffEnd end;
  Party party;
  bool came = false;
};

struct AllEnds {
  std::vector<Shared> shared;
  std::vector<Single> singles;
};
// Whether addresses of the world in it are routed on the internet: not private, link-local or the like.
bool is_routed(const IpPrefix& prefix);
AllEnds all_ends(Sets& both, const StandIns& names);

}  // namespace netpolc::verify::diffs
