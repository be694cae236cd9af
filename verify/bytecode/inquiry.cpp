#include "verify/bytecode/inquiry.h"

#include <cstring>
#include <set>

namespace netpolc::verify::bytecode {

std::optional<Plan> plan_of(const Object& object) {
  const std::string_view bytes = object.constant("np_plan");
  Plan out;
  if (bytes.size() != 2 * sizeof(std::uint32_t)) return std::nullopt;
  std::memcpy(&out.ingress, bytes.data(), sizeof out.ingress);
  std::memcpy(&out.egress, bytes.data() + sizeof out.ingress, sizeof out.egress);
  return out;
}

void Inquiry::define(const z3::expr& symbol, const z3::expr& fact) {
  solver_.add(fact);
  if (at_once_ == kAlone) definitions_.insert_or_assign(symbol.id(), std::pair(symbol, fact));
}

std::vector<z3::expr> Inquiry::definitions_of(const std::vector<z3::expr>& terms) const {
  std::vector<z3::expr> out;
  if (definitions_.empty()) return out;
  std::set<unsigned> seen;
  std::vector<z3::expr> left = terms;
  while (!left.empty()) {
    const z3::expr term = left.back();
    left.pop_back();
    if (!term.is_app() || !seen.insert(term.id()).second) continue;
    for (unsigned i = 0; i < term.num_args(); ++i) left.push_back(term.arg(i));
    const auto known = term.num_args() == 0 ? definitions_.find(term.id()) : definitions_.end();
    if (known == definitions_.end()) continue;
    out.push_back(known->second.second);
    left.push_back(out.back());
  }
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
      // what is feared of memory is much alike
      std::vector<z3::expr> all;
      const std::size_t from = f;
      do all.push_back(fears_[f++].when);
      while (f < fears_.size() && f - from < kSmall && (from >= small_from_ || (fears_[f].tag != 0 && fears_[f].tag == fears_[from].tag)));
      std::vector<z3::expr> said = facts_;
      said.push_back(smt::any(context_, all));
      for (const z3::expr& fact : definitions_of(said)) solver.add(fact);
      for (const z3::expr& fact : said) solver.add(fact);
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
