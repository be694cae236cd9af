#include "verify/bytecode/execute.h"

#include <doctest/doctest.h>

#include "verify/smt/solver.h"

using namespace netpolc::verify;
using namespace netpolc::verify::bytecode;

namespace {

Instruction make(std::uint8_t code, std::uint8_t dst, std::uint8_t src, std::int16_t off, std::int32_t imm) {
  Instruction out;
  out.code = code;
  out.dst = dst;
  out.src = src;
  out.off = off;
  out.imm = imm;
  return out;
}
Instruction move(std::uint8_t to, std::int32_t value) { return make(BPF_ALU64 | BPF_MOV, to, 0, 0, value); }
Instruction leave() { return make(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

// A function of r1 and r2 as the machine has it, for numbers.
struct Bench {
  z3::context context;
  Bits bits{context};
  Object object;
  Machine machine{bits, object};
  z3::expr a = context.bv_const("a", 64), b = context.bv_const("b", 64);

  Run run(std::vector<Instruction> code) { return execute(machine, Function{"f", std::move(code)}, {{a}, {b}}, {}); }
  // With Z3: is the result this, whatever a and b are?
  bool always(const z3::expr& result, const z3::expr& wanted) {
    smt::Solver solver(context, {});
    solver.add(result != wanted);
    for (const z3::expr& fact : machine.facts()) solver.add(fact);
    return std::holds_alternative<smt::Impossible>(solver.ask("is it that"));
  }
  bool may_fault() {
    smt::Solver solver(context, {});
    std::vector<z3::expr> all;
    for (const auto& fault : machine.faults()) all.push_back(fault.when);
    solver.add(smt::any(context, all));
    return !std::holds_alternative<smt::Impossible>(solver.ask("does it fault"));
  }
};

// One operation on 64 or 32 bits, computed here.
std::uint64_t wanted(std::uint8_t operation, bool wide, std::uint64_t x, std::uint64_t y) {
  if (!wide) x = static_cast<std::uint32_t>(x), y = static_cast<std::uint32_t>(y);
  const unsigned bits = wide ? 64 : 32;
  std::uint64_t out = 0;
  switch (operation) {
    case BPF_ADD: out = x + y; break;
    case BPF_SUB: out = x - y; break;
    case BPF_MUL: out = x * y; break;
    case BPF_DIV: out = y == 0 ? 0 : x / y; break;
    case BPF_MOD: out = y == 0 ? x : x % y; break;
    case BPF_AND: out = x & y; break;
    case BPF_OR: out = x | y; break;
    case BPF_XOR: out = x ^ y; break;
    case BPF_LSH: out = x << (y % bits); break;
    case BPF_RSH: out = x >> (y % bits); break;
    case BPF_ARSH: out = wide ? static_cast<std::uint64_t>(static_cast<std::int64_t>(x) >> (y % 64)) : static_cast<std::uint32_t>(static_cast<std::int32_t>(x) >> (y % 32)); break;
    default: break;
  }
  return wide ? out : static_cast<std::uint32_t>(out);
}

}  // namespace

TEST_CASE("arithmetic is the machine's, folded or not") {
  const std::uint64_t numbers[] = {0, 1, 2, 0x2a, 0x7fffffff, 0x80000000, 0xffffffff, 0x8000000000000000, 0xffffffffffffffff, 0x123456789abcdef0};
  for (const std::uint8_t operation : {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_MOD, BPF_AND, BPF_OR, BPF_XOR, BPF_LSH, BPF_RSH, BPF_ARSH})
    for (const bool wide : {true, false}) {
      CAPTURE(int(operation));
      CAPTURE(wide);
      Bench bench;
      const std::uint8_t code = static_cast<std::uint8_t>((wide ? BPF_ALU64 : BPF_ALU) | operation | BPF_X);
      const auto symbolic = bench.run({make(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0), make(code, 0, 2, 0, 0), leave()});
      for (const std::uint64_t x : numbers)
        for (const std::uint64_t y : numbers) {
          z3::expr_vector from(bench.context), to(bench.context);
          from.push_back(bench.a), from.push_back(bench.b);
          to.push_back(bench.bits.number(x, 64)), to.push_back(bench.bits.number(y, 64));
          z3::expr result = symbolic.result;
          CHECK(Bits::value(result.substitute(from, to).simplify()) == wanted(operation, wide, x, y));
          const Run folded = execute(bench.machine, Function{"f", {make(code, 1, 2, 0, 0), make(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 0, 0), leave()}},
                                     {bench.machine.number(x), bench.machine.number(y)}, {});
          CHECK(Bits::value(folded.result) == wanted(operation, wide, x, y));
        }
    }
}

TEST_CASE("ways that meet are merged, and what a comparison says holds on its side") {
  Bench bench;
  // r0 = 7; if r1 > 100 goto +1; r0 = 9
  const Run run = bench.run({move(0, 7), make(BPF_JMP | BPF_JGT, 1, 0, 1, 100), move(0, 9), leave()});
  CHECK(bench.always(run.result, z3::ite(z3::ugt(bench.a, bench.bits.number(100, 64)), bench.bits.number(7, 64), bench.bits.number(9, 64))));
  CHECK_FALSE(bench.always(run.result, bench.bits.number(7, 64)));
  CHECK(run.returns.is_true());
  const Run narrow = bench.run({move(0, 0), make(BPF_JMP32 | BPF_JSLT, 1, 0, 1, 0), move(0, 1), leave()});
  CHECK(bench.always(narrow.result, z3::ite(bench.a.extract(31, 31) == 1, bench.bits.number(0, 64), bench.bits.number(1, 64))));
}

TEST_CASE("a loop ends by itself, or is undecided") {
  Bench bench;
  // r0 = 0; r3 = 5; again: r0 += r1; r3 -= 1; if r3 != 0 goto again
  const std::vector<Instruction> loop = {move(0, 0), move(3, 5), make(BPF_ALU64 | BPF_ADD | BPF_X, 0, 1, 0, 0), make(BPF_ALU64 | BPF_SUB, 3, 0, 0, 1),
                                         make(BPF_JMP | BPF_JNE, 3, 0, -3, 0), leave()};
  CHECK(bench.always(bench.run(loop).result, bench.a * bench.bits.number(5, 64)));
  CHECK_THROWS_AS(bench.run({move(0, 0), make(BPF_JMP | BPF_JA, 0, 0, -1, 0), leave()}), NotModelled);
}

TEST_CASE("the stack keeps what was written, in parts too") {
  Bench bench;
  const auto store = [](std::uint8_t size, std::int16_t off, std::uint8_t from) { return make(static_cast<std::uint8_t>(BPF_STX | BPF_MEM | size), 10, from, off, 0); };
  const auto load = [](std::uint8_t size, std::int16_t off) { return make(static_cast<std::uint8_t>(BPF_LDX | BPF_MEM | size), 0, 10, off, 0); };
  CHECK(bench.always(bench.run({store(BPF_DW, -8, 1), load(BPF_DW, -8), leave()}).result, bench.a));
  CHECK(bench.always(bench.run({store(BPF_DW, -8, 1), load(BPF_H, -6), leave()}).result, z3::zext(bench.a.extract(31, 16), 48)));
  CHECK(bench.always(bench.run({store(BPF_DW, -8, 1), store(BPF_B, -5, 2), load(BPF_DW, -8), leave()}).result,
                     z3::concat(bench.a.extract(63, 32), z3::concat(bench.b.extract(7, 0), bench.a.extract(23, 0)))));
  CHECK_FALSE(bench.may_fault());
  CHECK_FALSE(bench.always(bench.run({load(BPF_DW, -16), leave()}).result, bench.bits.number(0, 64)));  // never written: anything
  bench.run({store(BPF_DW, -516, 1), move(0, 0), leave()});
  CHECK(bench.may_fault());
}

TEST_CASE("a look-up finds nothing or something, the same for the same key") {
  Bench bench;
  bench.object.maps.push_back({"m", BPF_MAP_TYPE_HASH, 4, 8, 1});
  Instruction map = make(BPF_LD | BPF_IMM | BPF_DW, 1, 1, 0, 0), second;
  map.refers = {Refers::Map, 0, 0};
  second.second = true;
  const std::vector<Instruction> ask = {make(BPF_STX | BPF_MEM | BPF_W, 10, 1, -4, 0), make(BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0),
                                        make(BPF_ALU64 | BPF_ADD, 2, 0, 0, -4), map, second, make(BPF_JMP | BPF_CALL, 0, 0, 0, 1)};
  const auto with = [&](std::vector<Instruction> rest) {
    std::vector<Instruction> code = ask;
    code.insert(code.end(), rest.begin(), rest.end());
    return code;
  };
  const Instruction read = make(BPF_LDX | BPF_MEM | BPF_DW, 0, 0, 0, 0);
  const Run checked = bench.run(with({make(BPF_JMP | BPF_JEQ, 0, 0, 1, 0), read, leave()}));
  CHECK_FALSE(bench.may_fault());
  const Run again = bench.run(with({make(BPF_JMP | BPF_JEQ, 0, 0, 1, 0), read, leave()}));
  CHECK(bench.always(checked.result, again.result));
  bench.run(with({read, leave()}));  // what found nothing is no address
  CHECK(bench.may_fault());
}

TEST_CASE("the lower halves of pointers are numbers, whose difference is that of their places") {
  Bench bench;
  const std::size_t memory = bench.machine.give("memory", 64), other = bench.machine.give("other memory", 64);
  const auto subtract = [&](const Value& from, const Value& what, std::uint8_t code) {
    return execute(bench.machine, Function{"f", {make(BPF_ALU | BPF_MOV | BPF_X, 0, 1, 0, 0), make(code, 0, 2, 0, 0), leave()}}, {from, what}, {}).result;
  };
  Value end = bench.machine.pointer(memory);
  end.pointers[0].offset = bench.bits.widen(bench.context.bv_const("length", 32), 64);
  const z3::expr length = subtract(end, bench.machine.pointer(memory), BPF_ALU | BPF_SUB | BPF_X);
  CHECK(z3::eq(length, end.pointers[0].offset));
  CHECK(bench.always(subtract(bench.machine.pointer(memory, 3), bench.machine.pointer(memory, 8), BPF_ALU | BPF_SUB | BPF_X), bench.bits.number(0xfffffffb, 64)));
  // of two places that have nothing to do with each other it is anything
  CHECK_FALSE(bench.always(subtract(bench.machine.pointer(memory), bench.machine.pointer(other), BPF_ALU | BPF_SUB | BPF_X), bench.bits.number(0, 64)));
  // and all of a number that may be a pointer is no number
  CHECK_THROWS_AS(subtract(end, end, BPF_ALU64 | BPF_MUL | BPF_X), NotModelled);
}

TEST_CASE("what has no model is named") {
  const auto why = [](std::vector<Instruction> code) -> std::string {
    Bench bench;
    try {
      bench.run(std::move(code));
    } catch (const NotModelled& problem) {
      return problem.why;
    }
    return "";
  };
  CHECK(why({make(BPF_JMP | BPF_CALL, 0, 0, 0, 181), leave()}) == "f, instruction 0 (call 181): the helper 181 has no contract here");
  CHECK(why({make(BPF_LDX | 0x80 | BPF_W, 0, 1, 0, 0), leave()}).find("such a load is not modelled") != std::string::npos);
  CHECK(why({move(0, 1)}) == "the code of f leaves the function");
  CHECK(why({make(BPF_ALU64 | BPF_MUL | BPF_X, 0, 10, 0, 0), leave()}).find("arithmetic on pointers is not modelled") != std::string::npos);
}
