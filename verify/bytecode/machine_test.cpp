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

TEST_CASE("bytes of the packet that were said are read, and no others") {
  Bench bench;
  const z3::expr length = bench.context.bv_const("length", 32), type = bench.context.bv_const("type", 16);
  const std::size_t packet = bench.machine.give_packet(length, length);
  bench.machine.set_packet(12, type);
  const auto read = [&](std::int64_t at, unsigned size) { return bench.bits.extract(bench.machine.load(bench.stack, bench.bits.yes(), bench.machine.pointer(packet), at, size).bits, size * 8 - 1, 0); };
  CHECK(z3::eq(read(12, 2), type));
  CHECK(bench.always(read(13, 1) == type.extract(15, 8)));
  CHECK(bench.may_be(read(14, 2) != type));
  CHECK(bench.may_be(read(11, 1) != type.extract(7, 0)));
}

namespace {

// A value of a map, 1,024 words, and a place in it that may be any of the first 512.
struct Table : Bench {
  z3::expr place = bits.widen(bits.join(context.bv_const("word", 9), bits.number(0, 3)), 64), other = bits.widen(bits.join(context.bv_const("other", 9), bits.number(0, 3)), 64);
  std::size_t value;
  Table() {
    object.maps.push_back({"m", BPF_MAP_TYPE_ARRAY, 4, 8192, 8});
    value = machine.look_up(0, bits.number(0, 32)).region;
  }
  Value at(const z3::expr& offset) { return {bits.number(0, 64), {{bits.yes(), value, offset}}}; }
  z3::expr read(const z3::expr& offset, std::int64_t distance = 0) { return machine.load(stack, bits.yes(), at(offset), distance, 8).bits; }
  bool must_be(const z3::expr& what) {
    smt::Solver solver(context, {});
    for (const z3::expr& fact : machine.facts()) solver.add(fact);
    for (const auto& fault : machine.faults()) solver.add(!fault.when);
    solver.add(!what);
    return std::holds_alternative<smt::Impossible>(solver.ask("must it be"));
  }
  bool may_fault() {
    smt::Solver solver(context, {});
    z3::expr any = context.bool_val(false);
    for (const auto& fault : machine.faults()) any = any || fault.when;
    solver.add(any);
    return !std::holds_alternative<smt::Impossible>(solver.ask("may it fault"));
  }
};

}  // namespace

TEST_CASE("a value of a map at a place that may be one of many: equal places have equal bytes") {
  Table table;
  const z3::expr one = table.read(table.place), another = table.read(table.other);
  CHECK(table.must_be(one == table.read(table.place)));
  CHECK(table.must_be(z3::implies(table.place == table.other, one == another)));
  CHECK_FALSE(table.must_be(one == another));
  CHECK(z3::eq(one, table.machine.initial(table.value, table.place, 8)));
  CHECK_FALSE(table.may_fault());
  table.read(table.place, 0x1000);
  CHECK_FALSE(table.may_fault());
  table.read(table.place, 0x1008);
  CHECK(table.may_fault());
}

TEST_CASE("what was written to a value of a map is anything at a place that is not constant") {
  Table table;
  const z3::expr before = table.read(table.place), taken = table.context.bool_const("taken");
  table.machine.store(table.stack, taken, table.at(table.bits.number(8, 64)), 0, 8, table.machine.number(7));
  const z3::expr after = table.read(table.place);
  CHECK(table.must_be(z3::implies(!taken, before == after)));
  CHECK_FALSE(table.must_be(before == after));
}

TEST_CASE("values of a map that are nobody else's keep what was written, for one key") {
  Table table;
  table.object.maps.push_back({"own", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 16, 8});
  table.machine.own_values(1);
  const std::size_t value = table.machine.look_up(1, table.context.bv_const("key", 32)).region;
  table.machine.store(table.stack, table.bits.yes(), table.machine.pointer(value), 0, 8, table.machine.number(7));
  CHECK(table.must_be(table.machine.load(table.stack, table.bits.yes(), table.machine.pointer(value), 0, 8).bits == table.bits.number(7, 64)));
  CHECK(table.machine.look_up(1, table.context.bv_const("key", 32)).region == value);
  CHECK_THROWS_AS(table.machine.look_up(1, table.context.bv_const("another", 32)), NotModelled);
}
