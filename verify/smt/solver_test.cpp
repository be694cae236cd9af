#include "verify/smt/solver.h"

#include <doctest/doctest.h>

using namespace netpolc::verify::smt;

TEST_CASE("what can be has a model, what can't has the assumptions that forbid it") {
  z3::context context;
  Solver solver(context, {});
  const z3::expr a = context.bool_const("a"), b = context.bool_const("b"), c = context.bool_const("c");
  solver.add(!(a && c));
  const Answer possible = solver.ask("a and b", {a, b});
  REQUIRE(std::holds_alternative<Possible>(possible));
  CHECK(std::get<Possible>(possible).model.eval(c).is_false());
  const Answer impossible = solver.ask("all of them", {b, a, c});
  REQUIRE(std::holds_alternative<Impossible>(impossible));
  CHECK(std::get<Impossible>(impossible).core == std::vector<std::size_t>{1, 2});
  CHECK(std::holds_alternative<Possible>(solver.ask("a question leaves nothing behind", {b, c})));
}

TEST_CASE("numbers are bounded as their bits are") {
  z3::context context;
  Solver solver(context, {});
  const z3::expr port = context.bv_const("port", 16);
  solver.add(z3::ult(port, 1024) && z3::uge(port, 1023));
  const Answer answer = solver.ask("a port");
  REQUIRE(std::holds_alternative<Possible>(answer));
  CHECK(std::get<Possible>(answer).model.eval(port, true).get_numeral_uint() == 1023);
}

TEST_CASE("a budget that is spent is no answer, and says whose it was; the same one gives the same count") {
  const auto ask = [](Budget budget, std::uint64_t* steps) {
    z3::context context;
    Solver solver(context, budget);
    // A product of two large primes: nobody finds the factors in a few steps.
    const z3::expr a = context.bv_const("a", 40), b = context.bv_const("b", 40);
    solver.add(z3::ult(a, context.bv_val(std::uint64_t{1} << 19, 40)) && z3::ult(b, context.bv_val(std::uint64_t{1} << 19, 40)));
    solver.add(a * b == context.bv_val(std::uint64_t{518'657} * 518'699, 40) && z3::ult(a, b) && a != 1);
    const Answer answer = solver.ask("factors", {});
    if (steps != nullptr) *steps = solver.steps();
    return answer;
  };
  std::uint64_t one = 0, two = 0;
  const Answer answer = ask({.steps = 20'000, .milliseconds = 60'000}, &one);
  REQUIRE(std::holds_alternative<Undecided>(answer));
  CHECK(std::get<Undecided>(answer).why == "factors: not decided within 20000 solver steps");
  CHECK(std::holds_alternative<Undecided>(ask({.steps = 20'000, .milliseconds = 60'000}, &two)));
  CHECK(one == two);
  CHECK(one > 0);
}

TEST_CASE("constants vanish from what is joined") {
  z3::context context;
  const z3::expr a = context.bool_const("a"), yes = context.bool_val(true), no = context.bool_val(false);
  CHECK(z3::eq(all(context, {yes, a, yes}), a));
  CHECK(all(context, {a, no}).is_false());
  CHECK(all(context, {}).is_true());
  CHECK(z3::eq(any(context, {no, a}), a));
  CHECK(any(context, {a, yes}).is_true());
  CHECK(any(context, {}).is_false());
  CHECK(z3::eq(negate(negate(a)), a));
  const z3::expr b = context.bool_const("b");
  CHECK(z3::eq(all(context, {a, b, a}), all(context, {b, a})));
  CHECK(z3::eq(any(context, {b, a}), any(context, {a, b, b})));
  CHECK(negate(no).is_true());
}
