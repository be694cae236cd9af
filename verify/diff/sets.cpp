#include "verify/diff/sets.h"

namespace netpolc::verify::diffs {
namespace {

ir::Resolutions with(ir::Resolutions known, const ir::Resolutions& more) {
  known.insert(more.begin(), more.end());
  return known;
}

}  // namespace

Set::Set(const DiffWorld& world, const ir::Resolutions& names, AccessSets& common)
    : resolutions_(with(world.resolutions, names)),
      world_{world.policies, world.cluster, resolutions_},
      sets_(common),
      judge(world_, world.lock),
      ports(world_, world.lock, judge) {}

AccessId Set::common(AccessId own) {
  if (own == nothing || own == everything) return own;
  if (known_.size() <= own) known_.resize(ports.sets().size());
  if (known_[own]) return *known_[own];
  Access spans = ports.sets()[own];
  for (PortSpan& span : spans) span.marks = sets_.intern(ports.sets().marks(span.marks));
  const AccessId out = sets_.intern(spans);
  known_[own] = out;
  return out;
}

}  // namespace netpolc::verify::diffs
