// tools/agreement/solver.h — the judge that is a formula (verify/symbolic): pods are patterns that stand for every pod that
// could be, and only the question says that they have the labels and ports of one that exists.
#pragma once
#include <memory>

#include "tools/agreement/packets.h"
#include "tools/agreement/words.h"

namespace netpolc::agreement {

class Solver {
 public:
  // `world` outlives it. Of each so many packets one is asked about twice: whether there is another answer, too.
  explicit Solver(judges::World& world, std::uint64_t twice_every = 1);
  ~Solver();
  struct Sides {
    std::optional<Word> egress, ingress;  // none: nothing is enforced there
  };
  Sides ask(const Packet& packet);
  std::uint64_t questions() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace netpolc::agreement
