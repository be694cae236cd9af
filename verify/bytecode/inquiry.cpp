#include "verify/bytecode/inquiry.h"

#include <cstring>

namespace netpolc::verify::bytecode {

std::optional<Plan> plan_of(const Object& object) {
  const std::string_view bytes = object.constant("np_plan");
  Plan out;
  if (bytes.size() != 2 * sizeof(std::uint32_t)) return std::nullopt;
  std::memcpy(&out.ingress, bytes.data(), sizeof out.ingress);
  std::memcpy(&out.egress, bytes.data() + sizeof out.ingress, sizeof out.egress);
  return out;
}

std::optional<Inquiry::Found> Inquiry::ask() {
  // a proof from premises that can't be is none
  const smt::Answer premises = solver_.ask(name_ + ", premises");
  if (const auto* unknown = std::get_if<smt::Undecided>(&premises)) throw NotModelled{unknown->why};
  if (std::holds_alternative<smt::Impossible>(premises)) throw NotModelled{"what was assumed contradicts itself"};
  if (at_once_ == kAlone) {
    for (std::size_t f = 0; f < fears_.size();) {
      smt::Solver solver(context_, budget_);
      for (const z3::expr& fact : facts_) solver.add(fact);
      // what is feared of memory is much alike
      std::vector<z3::expr> all;
      const std::size_t from = f;
      do all.push_back(fears_[f++].when);
      while (f < fears_.size() && f - from < kSmall && (from >= small_from_ || (fears_[f].tag != 0 && fears_[f].tag == fears_[from].tag)));
      solver.add(smt::any(context_, all));
      const smt::Answer answer = solver.ask(name_);
      steps_ += solver.steps();
      if (auto out = found(answer, from, f)) return out;
    }
    return std::nullopt;
  }
  for (std::size_t from = 0; from < fears_.size(); from += at_once_) {
    const std::size_t to = std::min(fears_.size(), from + at_once_);
    std::vector<z3::expr> all;
    for (std::size_t f = from; f < to; ++f) all.push_back(fears_[f].when);
    const z3::expr some(context_, Z3_mk_fresh_const(context_, "some", context_.bool_sort()));
    solver_.add(z3::implies(some, smt::any(context_, all)));
    if (auto out = found(solver_.ask(name_, {some}), from, to)) return out;
  }
  return std::nullopt;
}

std::optional<Inquiry::Found> Inquiry::found(const smt::Answer& answer, std::size_t from, std::size_t to) const {
  if (const auto* unknown = std::get_if<smt::Undecided>(&answer)) throw NotModelled{unknown->why};
  const auto* possible = std::get_if<smt::Possible>(&answer);
  if (possible == nullptr) return std::nullopt;
  for (std::size_t f = from; f < to; ++f)
    if (possible->model.eval(fears_[f].when, true).is_true()) return Found{fears_[f].what, fears_[f].tag, possible->model};
  throw NotModelled{"the solver's example shows nothing"};
}

}  // namespace netpolc::verify::bytecode
