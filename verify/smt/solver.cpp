#include "verify/smt/solver.h"

#include <algorithm>

namespace netpolc::verify::smt {
namespace {

// Z3's count of the work that a context has done, which questions only add to.
std::uint64_t steps_of(const z3::solver& solver) {
  const z3::stats stats = solver.statistics();
  for (unsigned i = 0; i < stats.size(); ++i)
    if (stats.key(i) == "rlimit count") return stats.is_uint(i) ? stats.uint_value(i) : static_cast<std::uint64_t>(stats.double_value(i));
  return 0;
}

// Of a budget of steps that was spent Z3's solvers give various reasons, or none.
std::string in_plain_words(const std::string& reason, std::uint64_t steps, const Budget& budget) {
  if (steps >= budget.steps)
    return "not decided within " + std::to_string(budget.steps) + " solver steps";
  if (reason == "timeout" || reason == "canceled") return "not decided within " + std::to_string(budget.milliseconds) + " ms";
  return "the solver gave up: " + reason;
}

}  // namespace

Solver::Solver(z3::context& context, Budget budget) : context_(context), budget_(budget), solver_(context, "QF_FD") {
  z3::params params(context);
  params.set("rlimit", budget.steps);
  params.set("timeout", budget.milliseconds);
  solver_.set(params);
  // The count is the context's, and a solver that was never asked doesn't tell it.
  if (solver_.check() == z3::sat) counted_ = steps_of(solver_);
}

void Solver::add(const z3::expr& fact) { solver_.add(fact); }

Answer Solver::ask(const std::string& question, const std::vector<z3::expr>& assumptions) {
  z3::expr_vector given(context_);
  for (const z3::expr& assumption : assumptions) given.push_back(assumption);
  const z3::check_result result = solver_.check(given);
  const std::uint64_t now = steps_of(solver_), steps = now > counted_ ? now - counted_ : 0;
  counted_ = std::max(counted_, now);
  used_ += steps;
  if (result == z3::sat) return Possible{solver_.get_model()};
  if (result == z3::unknown) return Undecided{question + ": " + in_plain_words(solver_.reason_unknown(), steps, budget_)};
  Impossible out;
  const z3::expr_vector core = solver_.unsat_core();
  for (unsigned i = 0; i < core.size(); ++i)
    for (std::size_t at = 0; at < assumptions.size(); ++at)
      if (z3::eq(core[i], assumptions[at])) out.core.push_back(at);
  std::sort(out.core.begin(), out.core.end());
  return out;
}

z3::expr negate(const z3::expr& term) {
  if (term.is_true()) return term.ctx().bool_val(false);
  if (term.is_false()) return term.ctx().bool_val(true);
  return term.is_not() ? term.arg(0) : !term;
}

namespace {

// By Z3's own numbers: equal terms have one.
void sort_terms(std::vector<z3::expr>& terms) {
  std::sort(terms.begin(), terms.end(), [](const z3::expr& a, const z3::expr& b) { return a.id() < b.id(); });
  terms.erase(std::unique(terms.begin(), terms.end(), [](const z3::expr& a, const z3::expr& b) { return a.id() == b.id(); }), terms.end());
}

z3::expr join(z3::context& context, const std::vector<z3::expr>& terms, bool conjunction) {
  std::vector<z3::expr> kept;
  for (const z3::expr& term : terms) {
    if (conjunction ? term.is_false() : term.is_true()) return term;
    if (conjunction ? !term.is_true() : !term.is_false()) kept.push_back(term);
  }
  sort_terms(kept);
  if (kept.empty()) return context.bool_val(conjunction);
  if (kept.size() == 1) return kept[0];
  z3::expr_vector out(context);
  for (const z3::expr& term : kept) out.push_back(term);
  return conjunction ? z3::mk_and(out) : z3::mk_or(out);
}

}  // namespace

z3::expr all(z3::context& context, const std::vector<z3::expr>& terms) { return join(context, terms, true); }
z3::expr any(z3::context& context, const std::vector<z3::expr>& terms) { return join(context, terms, false); }

}  // namespace netpolc::verify::smt
