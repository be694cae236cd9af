// verify/diff/sets.h — the two sets of a comparison, each with what answers about it. Their sets of traffic have numbers of
// their own: `Set::common` says them in those of the comparison.
#pragma once
#include <memory>

#include "verify/all_ports.h"
#include "verify/diff/diff.h"

namespace netpolc::verify::diffs {

// One set.
class Set {
 public:
  // `names` are resolved besides those that the set knows. `common` outlives this.
  Set(const DiffWorld& world, const ir::Resolutions& names, AccessSets& common);
  Set(const Set&) = delete;
  Set& operator=(const Set&) = delete;

  AccessId common(AccessId own);
  const ir::Cluster& cluster() const { return world_.cluster; }
  const ir::PolicySet& policies() const { return world_.policies; }
  const ir::eval::World& world() const { return world_; }

 private:
  ir::Resolutions resolutions_;
  ir::eval::World world_;
  AccessSets& sets_;
  std::vector<std::optional<AccessId>> known_;

 public:
  Judge judge;
  AllPorts ports;
};

struct Sets {
  Set before, after;
};

}  // namespace netpolc::verify::diffs
