// verify/bytecode/inquiry.h — what must never be, collected while a function is run, and asked at once.
// Whoever includes this links Z3.
#pragma once
#include "verify/bytecode/execute.h"
#include "verify/bytecode/prove.h"
#include "verify/smt/solver.h"

namespace netpolc::verify::bytecode {

class Inquiry {
 public:
  // Of `at_once` fears it is asked at a time: many where they have much in common. kAlone: each by a solver of its own, where they
  // are large and have little in common; those of one tag, if it is not 0, by one.
  static constexpr std::size_t kAlone = 0;
  Inquiry(const std::string& name, z3::context& context, Effort effort, std::size_t at_once = 256)
      : name_(name), context_(context), budget_{effort.steps, effort.milliseconds}, solver_(context, budget_), at_once_(at_once) {}

  void assume(const z3::expr& fact) {
    solver_.add(fact);
    if (at_once_ == kAlone) facts_.push_back(fact);
  }
  // What a symbol means that nobody else has: of the fears that are asked alone, those get it that speak of it.
  void define(const z3::expr& symbol, const z3::expr& fact);
  // `when` must be impossible. `tag` is the caller's.
  void never(const z3::expr& when, const std::string& what, std::size_t tag = 0) {
    if (!when.is_false()) fears_.push_back({when, what, tag});
  }
  void no_faults(const Machine& machine, std::size_t from = 0, std::size_t tag = 0) {
    small_from_ = fears_.size();
    for (std::size_t f = from; f < machine.faults().size(); ++f) never(machine.faults()[f].when, machine.faults()[f].what, tag);
  }

  struct Found {
    std::string what;
    std::size_t tag = 0;
    z3::model model;
  };
  // None: nothing of it can be. Throws NotModelled where the solver does not know.
  std::optional<Found> ask();
  std::uint64_t steps() const { return solver_.steps() + steps_; }

 private:
  struct Fear {
    z3::expr when;
    std::string what;
    std::size_t tag;
  };
  std::string name_;
  // What can be, of the fears from `from` on and before `to` that the answer is about.
  std::optional<Found> found(const smt::Answer& answer, std::size_t from, std::size_t to) const;

  z3::context& context_;
  smt::Budget budget_;
  smt::Solver solver_;
  std::size_t at_once_;
  // Of all that the terms speak of.
  std::vector<z3::expr> definitions_of(const std::vector<z3::expr>& terms) const;

  std::vector<z3::expr> facts_;
  std::map<unsigned, std::pair<z3::expr, z3::expr>> definitions_;  // by the symbol's number
  std::vector<Fear> fears_;
  std::uint64_t steps_ = 0;
  static constexpr std::size_t kSmall = 128;  // at once
  std::size_t small_from_ = ~std::size_t{0};  // fears about memory
};

// Functions of the prover, each for one part.
Part prove_policy(const Object& object, const ir::DirectionTable& table, ir::Direction direction, Effort effort);
Part prove_constants(const Object& object, const ir::DecisionTable& table, bool of_node);

// The part's answer by `work`, which throws NotModelled.
template <typename Work>
Part part(const std::string& name, const Work& work) {
  Part out{name, Proved{}};
  try {
    work(out);
  } catch (const NotModelled& problem) {
    out.answer = Undecided{name + ": " + problem.why};
  } catch (const z3::exception& problem) {
    out.answer = Undecided{name + ": the solver says: " + problem.msg()};
  }
  return out;
}

// What a program has in its constants about itself; none where it has no such constant.
struct Plan {
  std::uint32_t ingress = 0, egress = 0;
};
inline constexpr std::uint32_t kPlanJudged = 1, kPlanPrefixes = 2, kPlanNode = 4;
std::optional<Plan> plan_of(const Object& object);

}  // namespace netpolc::verify::bytecode
