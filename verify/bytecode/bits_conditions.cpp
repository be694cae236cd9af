// Conditions, and choices by them.
#include <algorithm>

#include "verify/bytecode/bits.h"
#include "verify/smt/solver.h"

namespace netpolc::verify::bytecode {
namespace {

bool is(const z3::expr& term, Z3_decl_kind kind) { return term.is_app() && term.decl().decl_kind() == kind; }

void conjuncts(const z3::expr& term, std::vector<z3::expr>& out) {
  if (!term.is_and()) return out.push_back(term);
  for (unsigned i = 0; i < term.num_args(); ++i) conjuncts(term.arg(i), out);
}

// What both conjunctions have, and what is of one alone.
struct Shared {
  std::vector<z3::expr> common, first, second;
};

Shared shared(const z3::expr& a, const z3::expr& b) {
  std::vector<z3::expr> of_a, of_b;
  conjuncts(a, of_a);
  conjuncts(b, of_b);
  const auto contains = [](const std::vector<z3::expr>& list, const z3::expr& term) {
    return std::any_of(list.begin(), list.end(), [&](const z3::expr& other) { return z3::eq(other, term); });
  };
  Shared out;
  for (const z3::expr& term : of_a) (contains(of_b, term) ? out.common : out.first).push_back(term);
  for (const z3::expr& term : of_b)
    if (!contains(of_a, term)) out.second.push_back(term);
  return out;
}

}  // namespace

z3::expr Bits::either(const z3::expr& condition, const z3::expr& then, const z3::expr& otherwise) {
  if (condition.is_true() || z3::eq(then, otherwise)) return then;
  if (condition.is_false()) return otherwise;
  if (canonical_ && condition.is_not()) return either(condition.arg(0), otherwise, then);
  if (canonical_ && is(then, Z3_OP_ITE) && !then.is_bool() && z3::eq(then.arg(2), otherwise)) return either(both(condition, then.arg(0)), then.arg(1), otherwise);
  if (is(then, Z3_OP_ITE) && z3::eq(then.arg(0), condition)) return either(condition, then.arg(1), otherwise);
  if (is(otherwise, Z3_OP_ITE) && z3::eq(otherwise.arg(0), condition)) return either(condition, then, otherwise.arg(2));
  if (then.is_bool()) return one_of(both(condition, then), both(negate(condition), otherwise));
  return z3::ite(condition, then, otherwise);
}

z3::expr Bits::both(const z3::expr& a, const z3::expr& b) {
  if (z3::eq(a, b)) return a;
  if (z3::eq(a, negate(b))) return no();
  return smt::all(context_, {a, b});
}

z3::expr Bits::one_of(const z3::expr& a, const z3::expr& b) {
  if (z3::eq(a, b)) return a;
  if (z3::eq(a, negate(b))) return yes();
  // (g and c) or (g and not c): where two ways meet again
  if (a.is_and() && b.is_and() && a.num_args() == 2 && b.num_args() == 2 && z3::eq(a.arg(0), b.arg(0)))
    return both(a.arg(0), one_of(a.arg(1), b.arg(1)));
  // g or (g and c)
  if (b.is_and() && z3::eq(b.arg(0), a)) return a;
  if (a.is_and() && z3::eq(a.arg(0), b)) return b;
  if (canonical_) {
    const Shared both_have = shared(a, b);
    const z3::expr own = smt::all(context_, both_have.first), others = smt::all(context_, both_have.second);
    if (own.is_true() || others.is_true() || z3::eq(own, negate(others))) return smt::all(context_, both_have.common);
    if (!both_have.common.empty()) return smt::all(context_, {smt::all(context_, both_have.common), smt::any(context_, {own, others})});
  }
  return smt::any(context_, {a, b});
}

z3::expr Bits::with_named_alternatives(const z3::expr& condition) {
  std::vector<z3::expr> parts;
  conjuncts(condition, parts);
  for (z3::expr& part : parts)
    if (part.is_or()) part = equal(named(part), number(1, 1));
  return smt::all(context_, parts);
}

z3::expr Bits::chooser(const z3::expr& a, const z3::expr& b) {
  if (!canonical_) {
    const bool split = a.is_and() && b.is_and() && a.num_args() == 2 && b.num_args() == 2 && z3::eq(a.arg(0), b.arg(0)) && z3::eq(a.arg(1), negate(b.arg(1)));
    return split ? a.arg(1) : a;
  }
  const Shared both_have = shared(a, b);
  if (both_have.second.size() < both_have.first.size() && !both_have.second.empty()) return negate(smt::all(context_, both_have.second));
  return smt::all(context_, both_have.first);
}

z3::expr Bits::negate(const z3::expr& a) { return smt::negate(a); }

}  // namespace netpolc::verify::bytecode
