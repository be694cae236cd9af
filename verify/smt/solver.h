// verify/smt/solver.h — the one door to Z3: a named question, a budget, and one of three answers.
// Terms are Z3's own; whoever includes this links Z3, so that headers for other folders leave it out.
//
// Steps (Z3's rlimit) decide when a question is given up, so that answers repeat from one machine
// and run to the next; milliseconds only end what would go on regardless.
#pragma once
#include <z3++.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace netpolc::verify::smt {

struct Budget {
  std::uint32_t steps = 100'000'000;
  std::uint32_t milliseconds = 60'000;
};

// No model: what was asked for can't be. `core`: indices of assumptions that suffice for that.
struct Impossible {
  std::vector<std::size_t> core;
};
struct Possible {
  z3::model model;
};
struct Undecided {
  std::string why;  // names the question
};
using Answer = std::variant<Impossible, Possible, Undecided>;

class Solver {
 public:
  Solver(z3::context& context, Budget budget);
  // Holds in every question from now on.
  void add(const z3::expr& fact);
  // Is there a model of all facts and assumptions? Assumptions are literals: constants, or negations of constants.
  Answer ask(const std::string& question, const std::vector<z3::expr>& assumptions = {});
  // What all questions took so far.
  std::uint64_t steps() const { return used_; }

 private:
  z3::context& context_;
  Budget budget_;
  z3::solver solver_;
  std::uint64_t used_ = 0, counted_ = 0;
};

// Conjunction and disjunction that drop what is constant or said twice; the same terms in another order give the same term.
z3::expr all(z3::context& context, const std::vector<z3::expr>& terms);
z3::expr any(z3::context& context, const std::vector<z3::expr>& terms);
z3::expr negate(const z3::expr& term);

}  // namespace netpolc::verify::smt
