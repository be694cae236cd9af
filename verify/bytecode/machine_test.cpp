#include "verify/bytecode/machine.h"

#include <doctest/doctest.h>

#include "verify/smt/solver.h"

using namespace netpolc::verify;
using namespace netpolc::verify::bytecode;

namespace {

struct Bench {
  z3::context context;
  Bits bits{context};
  Object object;
  Machine machine{bits, object};
  std::size_t region = machine.give("memory", 16);
  Stack stack;

  void store(const z3::expr& when, std::uint64_t at, unsigned size, std::uint64_t value) {
    machine.store(stack, when, machine.pointer(region), static_cast<std::int64_t>(at), size, machine.number(value));
  }
  z3::expr load(std::uint64_t at, unsigned size) { return bits.extract(machine.load(stack, bits.yes(), machine.pointer(region), static_cast<std::int64_t>(at), size).bits, size * 8 - 1, 0); }
  bool may_be(const z3::expr& what) {
    smt::Solver solver(context, {});
    solver.add(what);
    return !std::holds_alternative<smt::Impossible>(solver.ask("may it be"));
  }
  bool always(const z3::expr& what) { return !may_be(!what); }
};

}  // namespace

TEST_CASE("what a program wrote to memory of its own is what it reads there") {
  Bench bench;
  bench.machine.own(bench.region);
  const z3::expr taken = bench.context.bool_const("taken"), first = bench.machine.initial(bench.region, 0, 8);
  CHECK(bench.always(bench.load(0, 8) == first));
  bench.store(taken, 0, 8, 0x1122334455667788);
  bench.store(!taken, 4, 4, 0xaabbccdd);
  bench.store(taken, 2, 1, 0xff);
  CHECK(bench.always(z3::implies(taken, bench.load(0, 8) == bench.bits.number(0x1122334455ff7788, 64))));
  CHECK(bench.always(z3::implies(!taken, bench.load(4, 4) == bench.bits.number(0xaabbccdd, 32) && bench.load(0, 4) == first.extract(31, 0))));
  CHECK(bench.always(z3::implies(taken, bench.load(2, 2) == bench.bits.number(0x55ff, 16))));
  CHECK(bench.always(bench.load(8, 8) == bench.machine.initial(bench.region, 8, 8)));
  // before the last store
  CHECK(bench.always(bench.machine.contents(bench.region, 0, 8, 1, taken) == bench.bits.number(0x1122334455667788, 64)));
  CHECK_THROWS_AS(bench.machine.forget(bench.region, bench.bits.yes()), NotModelled);
}

TEST_CASE("what was written to memory that others may write to is anything") {
  Bench bench;
  bench.store(bench.bits.yes(), 0, 8, 7);
  CHECK(bench.may_be(bench.load(0, 8) != bench.bits.number(7, 64)));
}
