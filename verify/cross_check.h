// verify/cross_check.h — what decision tables say of one side, asked of the solver again: two ways from the same policies
// to the same answer, which share how names are looked up and nothing else.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "ir/eval/eval.h"
#include "verify/access.h"
#include "verify/claims.h"

namespace netpolc::verify {

class CrossCheck {
 public:
  // Everything outlives it.
  CrossCheck(const ir::eval::World& world, const AccessSets& sets, SolverBudget budget = {});
  ~CrossCheck();
  // Of all traffic between the two: is what policy of `subject` allows, and (from Cilium 1.17 on) what no proxy looks at,
  // just what is in `access`? Throws std::logic_error that says what either says where they disagree.
  // False: the budget is used up.
  bool agrees(const ir::Subject& subject, ir::Direction direction, const ir::PeerFacts& peer, const Access& access);
  std::size_t asked() const { return asked_; }

 private:
  struct Prepared;
  const AccessSets& sets_;
  SolverBudget budget_;
  std::unique_ptr<Prepared> prepared_;
  std::size_t asked_ = 0;
};

}  // namespace netpolc::verify
