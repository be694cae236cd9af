#include <doctest/doctest.h>

#include "verify/smt/reasons.h"
#include "verify/smt/solver.h"

using namespace netpolc::verify;

namespace {

#ifdef NETPOLC_SANITIZED
constexpr std::uint32_t kShare = 10;  // a part of the seeds runs every line
#else
constexpr std::uint32_t kShare = 1;
#endif

// Whether the facts hold whatever the open constants are that were not chosen.
bool suffices(z3::context& context, const std::vector<z3::expr>& facts, const z3::model& model, const std::vector<z3::expr>& all, const std::vector<z3::expr>& open, const std::vector<z3::expr>& needed) {
  z3::solver solver(context);
  const z3::model told = smt::without(model, open, needed);
  for (const z3::expr& one : all)
    if (const z3::expr value = told.eval(one, false); value.is_true() || value.is_false()) solver.add(one == value);
  solver.add(!smt::all(context, facts));
  return solver.check() == z3::unsat;
}

z3::model found(z3::context& context, const std::vector<z3::expr>& facts) {
  smt::Solver solver(context, {});
  for (const z3::expr& fact : facts) solver.add(fact);
  return std::get<smt::Possible>(solver.ask("test")).model;
}

}  // namespace

TEST_CASE("what nothing needs is not among the reasons") {
  z3::context context;
  const auto text = [&](const char* name) { return context.bool_const(name); };
  const z3::expr a = text("a"), b = text("b"), c = text("c"), label = context.bool_const("label");
  const std::vector<z3::expr> open{a, b, c};
  const auto needed = [&](const std::vector<z3::expr>& facts, const std::vector<z3::expr>& also) {
    std::vector<z3::expr> all = facts;
    all.insert(all.end(), also.begin(), also.end());
    const z3::model model = found(context, all);
    smt::Reasons reasons;
    for (const z3::expr& fact : facts) reasons.add(fact);
    std::string names;
    for (const z3::expr& one : reasons.needed(model, open)) names += one.to_string();
    return names;
  };
  CHECK(needed({a || b}, {a, b}) == "a");            // one of them is enough
  CHECK(needed({a || b}, {!a, b}) == "b");
  CHECK(needed({a || !b}, {a, !b}) == "b");          // rather one that is not
  CHECK(needed({label || a}, {label, a}) == "");     // what isn't open is there anyhow
  CHECK(needed({!(a && b)}, {!a, !b}) == "a");
  CHECK(needed({(a && b) || c}, {a, b, c}) == "c");  // fewer of them
  CHECK(needed({a == b}, {a, b}) == "ab");           // no matter how they are joined
  CHECK(needed({}, {a, b}) == "");
}

TEST_CASE("the reasons suffice") {
  z3::context context;
  std::vector<z3::expr> open, all;
  for (int i = 0; i < 6; ++i) open.push_back(context.bool_const(("text " + std::to_string(i)).c_str()));
  all = open;
  for (int i = 0; i < 3; ++i) all.push_back(context.bool_const(("label " + std::to_string(i)).c_str()));
  std::size_t fewer = 0;
  for (std::uint32_t seed = 0; seed < 200 / kShare; ++seed) {
    std::uint32_t state = seed * 2654435761U + 1;
    const auto below = [&](std::uint32_t n) { return (state = state * 1664525U + 1013904223U) / 65536U % n; };
    std::vector<z3::expr> terms = all;
    for (int i = 0; i < 20; ++i) {
      const z3::expr one = terms[below(static_cast<std::uint32_t>(terms.size()))], other = terms[below(static_cast<std::uint32_t>(terms.size()))];
      terms.push_back(below(3) == 0 ? !one : below(2) == 0 ? one && other : one || other);
    }
    const std::vector<z3::expr> facts{terms.back(), terms[terms.size() - 2] || terms[terms.size() - 3]};
    smt::Solver solver(context, {});
    for (const z3::expr& fact : facts) solver.add(fact);
    const smt::Answer answer = solver.ask("test");
    const auto* possible = std::get_if<smt::Possible>(&answer);
    if (possible == nullptr) continue;
    smt::Reasons reasons;
    for (const z3::expr& fact : facts) reasons.add(fact);
    const auto needed = reasons.needed(possible->model, open);
    INFO("seed " << seed);
    CHECK(suffices(context, facts, possible->model, all, open, needed));
    fewer += needed.size() < open.size();
  }
  CHECK(fewer > 100 / (kShare * kShare));
}
