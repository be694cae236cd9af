#include "verify/bytecode/bits.h"

#include <doctest/doctest.h>

#include "verify/smt/solver.h"

using namespace netpolc::verify;
using namespace netpolc::verify::bytecode;

namespace {

// Z3 against the folding: can they differ?
bool same(z3::context& context, const z3::expr& one, const z3::expr& other, const std::vector<z3::expr>& facts = {}) {
  smt::Solver solver(context, {});
  solver.add(one != other);
  for (const z3::expr& fact : facts) solver.add(fact);
  return std::holds_alternative<smt::Impossible>(solver.ask("do they differ"));
}

}  // namespace

TEST_CASE("the lowest bit and what is below it are choices, and mean the same") {
  z3::context context;
  Bits bits(context);
  const z3::expr word = context.bv_const("word", 64), zero = bits.number(0, 64);
  for (const std::uint64_t m : {0x1ULL, 0xffULL, 0x8000000000000001ULL, 0x00f0'0a00'1000'0006ULL}) {
    const z3::expr mask = bits.number(m, 64), h = bits.bit_and(word, mask);
    const z3::expr lowest = bits.bit_and(h, bits.sub(zero, h));
    CHECK(bits.choices(lowest, 65));
    CHECK(same(context, lowest, (word & mask) & -(word & mask)));
    const z3::expr below = bits.bit_and(bits.bit_and(bits.add(h, bits.number(~0ULL, 64)), bits.bit_xor(word, bits.number(~0ULL, 64))), mask);
    CHECK(bits.choices(below, 65));
    CHECK(same(context, below, ((word & mask) - 1) & ~word & mask));
  }
  // not where the mask has more than h was made of
  const z3::expr h = bits.bit_and(word, bits.number(0xf0, 64));
  const z3::expr more = bits.bit_and(bits.bit_and(bits.add(h, bits.number(~0ULL, 64)), bits.bit_xor(word, bits.number(~0ULL, 64))), bits.number(0x1f0, 64));
  CHECK(same(context, more, ((word & bits.number(0xf0, 64)) - 1) & ~word & bits.number(0x1f0, 64)));
}

TEST_CASE("ranges decide comparisons only where the promise does") {
  z3::context context;
  Bits bits(context);
  const z3::expr port = context.bv_const("port", 16), wide = bits.widen(port, 32);
  bits.promise(port, {8000, 8099});
  CHECK(bits.equal(wide, bits.number(80, 32)).is_false());
  CHECK(bits.below(wide, bits.number(8100, 32)).is_true());
  CHECK_FALSE(bits.below(wide, bits.number(8050, 32)).is_true());
  // 8000 to 8099 less 8050 goes round
  const z3::expr less = bits.add(wide, bits.number(static_cast<std::uint32_t>(-8050), 32));
  CHECK(bits.range(less).high == 0xffffffff);
  CHECK(bits.below(bits.add(wide, bits.number(static_cast<std::uint32_t>(-8000), 32)), bits.number(100, 32)).is_true());
  // 1 << (port - 8000) & mask, as a switch is compiled, for the first few
  const z3::expr near = context.bv_const("near", 16);
  bits.promise(near, {8000, 8007});
  const z3::expr shifted = bits.shift_left(bits.number(1, 64), bits.add(bits.widen(near, 64), bits.number(static_cast<std::uint64_t>(-8000), 64)));
  const std::vector<z3::expr> facts = {z3::uge(near, 8000), z3::ule(near, 8007)};
  CHECK(same(context, shifted, z3::shl(bits.number(1, 64), z3::zext(near, 48) - bits.number(8000, 64)), facts));
}

TEST_CASE("operations go into choices and mean the same there") {
  z3::context context;
  Bits bits(context);
  const z3::expr p = context.bool_const("p"), q = context.bool_const("q"), x = context.bv_const("x", 64);
  const z3::expr one = bits.either(p, bits.number(5, 64), bits.either(q, x, bits.number(9, 64))), other = bits.either(q, bits.number(3, 64), bits.number(70, 64));
  const z3::expr plain_one = z3::ite(p, bits.number(5, 64), z3::ite(q, x, bits.number(9, 64))), plain_other = z3::ite(q, bits.number(3, 64), bits.number(70, 64));
  CHECK(same(context, bits.add(one, other), plain_one + plain_other));
  CHECK(same(context, bits.sub(one, other), plain_one - plain_other));
  CHECK(same(context, bits.bit_and(one, other), plain_one & plain_other));
  CHECK(same(context, bits.shift_left(one, other), z3::shl(plain_one, z3::urem(plain_other, bits.number(64, 64)))));
  CHECK(same(context, bits.extract(one, 11, 2), plain_one.extract(11, 2)));
  CHECK(same(context, bits.below(one, other), z3::ult(plain_one, plain_other)));
  CHECK(same(context, bits.equal(bits.bit_and(one, bits.number(0x15, 64)), bits.number(0, 64)), (plain_one & bits.number(0x15, 64)) == 0));
}

TEST_CASE("what is made for hashes means the same, but for products, of which equal ones are equal") {
  z3::context context;
  Bits bits(context);
  bits.abstract_products();
  const z3::expr word = context.bv_const("word", 64), other = context.bv_const("other", 64), byte = context.bv_const("byte", 8);
  const z3::expr one_bit = bits.widen(bits.extract(other, 5, 5), 64), half = context.bv_const("half", 32);
  const auto number = [&](std::uint64_t value) { return bits.number(value, 64); };
  CHECK(z3::eq(bits.add(word, other), bits.add(other, word)));
  CHECK(z3::eq(bits.bit_xor(word, other), bits.bit_xor(other, word)));
  CHECK(same(context, bits.mul(word, one_bit), word * one_bit));
  CHECK(same(context, bits.mul(bits.widen(byte, 64), number(0x0101010101010101)), z3::zext(byte, 56) * number(0x0101010101010101)));
  for (const std::uint64_t m : {0x80ULL, 0x0080808080808080ULL, 0x8001ULL}) {
    const z3::expr few = bits.bit_and(word, number(m));
    CHECK(same(context, bits.bit_and(few, bits.sub(few, number(1))), (word & number(m)) & ((word & number(m)) - 1)));
  }
  // bits in their places, in whatever order they come
  const z3::expr high = bits.shift_left(bits.widen(half, 64), number(32)), low = bits.widen(bits.extract(word, 15, 0), 64), middle = bits.shift_left(bits.widen(byte, 64), number(16));
  const z3::expr all = bits.bit_or(bits.bit_or(high, low), middle);
  CHECK(z3::eq(all, bits.bit_or(middle, bits.bit_or(low, high))));
  CHECK(same(context, all, high | low | middle));
  CHECK(same(context, bits.bit_or(all, number(0x8000000000f00100)), high | low | middle | number(0x8000000000f00100)));
  CHECK(same(context, bits.bit_or(word, middle), word | middle));
  // products
  const std::uint64_t odd = 0x9e3779b97f4a7c15;
  const z3::expr product = bits.mul(word, number(odd));
  CHECK(z3::eq(product, bits.mul(number(odd), word)));
  CHECK_FALSE(same(context, product, word * number(odd), bits.facts()));
  CHECK_FALSE(same(context, product, bits.mul(other, number(odd)), bits.facts()));
  std::vector<z3::expr> equal = bits.facts();
  equal.push_back(word == other);
  CHECK(same(context, product, bits.mul(other, number(odd)), equal));
  CHECK(same(context, bits.mul(word, number(3)), word * 3));
  CHECK(Bits::value(bits.mul(number(odd), number(odd))) == odd * odd);
}

TEST_CASE("bytes that are zero are found as the sum finds them, and equality can be forgotten") {
  z3::context context;
  Bits bits(context);
  bits.abstract_products();
  const z3::expr word = context.bv_const("word", 64), byte = context.bv_const("byte", 8), ones = bits.number(0x0101010101010101, 64);
  const z3::expr chosen = bits.widen(bits.either(byte == 0, bits.number(1, 8), byte), 64);
  const z3::expr differs = bits.bit_xor(word, bits.mul(chosen, ones)), plain = word ^ z3::ite(byte == 0, ones, z3::zext(byte, 56) * ones);
  const auto hits = [&](std::uint64_t less, std::uint64_t m) {
    return bits.bit_and(bits.bit_and(bits.add(differs, bits.number(less, 64)), bits.bit_xor(differs, bits.number(~0ULL, 64))), bits.number(m, 64));
  };
  // the upper byte of what is added may be left out where nobody looks at it, and only there
  for (const auto& [less, m] : {std::pair(0xfefefefefefefeffULL, 0x8080808080808080ULL), std::pair(0x00fefefefefefeffULL, 0x0080808080808080ULL), std::pair(0x00fefefefefefeffULL, 0x8080808080808080ULL)}) {
    const z3::expr found = hits(less, m);
    std::vector<z3::expr> said = bits.facts();
    for (const Bits::Name& name : bits.names()) said.push_back(name.fact);
    CHECK(same(context, found, (plain + bits.number(less, 64)) & ~plain & bits.number(m, 64), said));
  }
  const z3::expr other = context.bv_const("other", 64);
  CHECK(same(context, bits.equal(word, other), word == other));
  CHECK(same(context, bits.equal(bits.bit_or(bits.bit_xor(word, other), bits.widen(byte, 64)), bits.number(0, 64)), word == other && byte == 0));
  bits.abstract_equality();
  CHECK(z3::eq(bits.equal(word, other), bits.equal(other, word)));
  CHECK_FALSE(same(context, bits.equal(word, other), word == other, bits.facts()));
  CHECK(same(context, bits.equal(word, bits.number(5, 64)), word == 5));
}

TEST_CASE("what is added and taken away again leaves what it was added to") {
  z3::context context;
  Bits bits(context);
  const z3::expr a = context.bv_const("a", 32), b = context.bv_const("b", 32), c = context.bv_const("c", 32);
  CHECK(z3::eq(bits.sub(bits.add(a, b), b), a));
  CHECK(z3::eq(bits.sub(bits.add(b, a), b), a));
  CHECK(z3::eq(bits.sub(a, a), bits.number(0, 32)));
  CHECK(same(context, bits.sub(bits.add(a, b), c), a + b - c));
  CHECK_FALSE(z3::eq(bits.sub(bits.add(a, b), c), a));
}
