// verify/bytecode/bits.h — terms over bit-vectors that fold as they are made, so that what an
// instruction computes from constants is a constant: which way a jump goes, where an address points.
// Whoever includes this links Z3.
//
// All of it is equivalence: a term that is made here has the value of the plain one wherever the
// promises given by `promise` hold. Whoever asks a solver must state the same promises to it.
#pragma once
#include <z3++.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace netpolc::verify::bytecode {

struct Range {
  std::uint64_t low = 0, high = ~std::uint64_t{0};
};

class Bits {
 public:
  explicit Bits(z3::context& context) : context_(context) {}
  z3::context& context() { return context_; }

  z3::expr number(std::uint64_t value, unsigned width);
  z3::expr yes() { return context_.bool_val(true); }
  z3::expr no() { return context_.bool_val(false); }
  // A constant nobody else has.
  z3::expr fresh(const char* name, unsigned width);
  // For proofs about hashes, where both sides must make the same terms. From now on a product of a number and a constant, both
  // of more than 32 bits, is a symbol, of which `facts` say that equal factors have equal products: less is known then,
  // nothing wrong. And operands are in one order, and bits that come from different sides of an OR are in their places.
  void abstract_products() { canonical_ = true; }
  // The lesser of two, where they were compared without a jump: `lesser` is `name` where `taken` holds, which is where
  // `other` - `before` is negative, else `before`. `name` has what `other` has. That is not in `facts`: a proof by steps says of
  // them what it needs.
  struct Lesser {
    z3::expr before, other, name, taken, lesser;
  };
  const std::vector<Lesser>& lesser() const { return lesser_; }
  // And from now on whether two numbers of 64 bits are equal is a truth of which nothing is known: both sides must ask the same.
  void abstract_equality() { forget_equality_ = true; }
  // To be stated to a solver.
  const std::vector<z3::expr>& facts() const { return facts_; }
  // A symbol that is what the term is, as `names` say; of a truth, one bit.
  z3::expr named(const z3::expr& term);
  struct Name {
    z3::expr symbol, fact;
  };
  const std::vector<Name>& names() const { return names_; }
  // A conjunction whose alternatives have names.
  z3::expr with_named_alternatives(const z3::expr& condition);
  // The constant `symbol` lies within `range`, from now on.
  void promise(const z3::expr& symbol, Range range);

  static std::optional<std::uint64_t> value(const z3::expr& term);  // of up to 64 bits
  static unsigned width(const z3::expr& term) { return term.get_sort().bv_size(); }
  // What the term certainly lies within.
  Range range(const z3::expr& term);
  // Of a choice between constants: each with when it is taken, disjoint and complete. None where it is something else
  // or there are more than `most`.
  std::optional<std::vector<std::pair<z3::expr, std::uint64_t>>> choices(const z3::expr& term, std::size_t most);

  // The term where choices are constants: those of a choice go through `leaf`. None where it is none.
  std::optional<z3::expr> through_choice(const z3::expr& term, const std::function<z3::expr(const z3::expr&)>& leaf);

  z3::expr add(const z3::expr& a, const z3::expr& b);
  z3::expr sub(const z3::expr& a, const z3::expr& b);
  z3::expr mul(const z3::expr& a, const z3::expr& b);
  z3::expr divide(const z3::expr& a, const z3::expr& b);  // by 0: 0, as the machine has it
  z3::expr modulo(const z3::expr& a, const z3::expr& b);  // by 0: a
  z3::expr bit_and(const z3::expr& a, const z3::expr& b);
  z3::expr bit_or(const z3::expr& a, const z3::expr& b);
  z3::expr bit_xor(const z3::expr& a, const z3::expr& b);
  // Distances count modulo the width.
  z3::expr shift_left(const z3::expr& a, const z3::expr& b);
  z3::expr shift_right(const z3::expr& a, const z3::expr& b);
  z3::expr shift_right_signed(const z3::expr& a, const z3::expr& b);
  z3::expr extract(const z3::expr& a, unsigned high, unsigned low);
  z3::expr widen(const z3::expr& a, unsigned width);  // with zeros
  z3::expr join(const z3::expr& upper, const z3::expr& lower);
  z3::expr swap_bytes(const z3::expr& a);

  z3::expr equal(const z3::expr& a, const z3::expr& b);
  z3::expr below(const z3::expr& a, const z3::expr& b);
  z3::expr at_most(const z3::expr& a, const z3::expr& b);
  z3::expr below_signed(const z3::expr& a, const z3::expr& b);
  z3::expr at_most_signed(const z3::expr& a, const z3::expr& b);

  z3::expr either(const z3::expr& condition, const z3::expr& then, const z3::expr& otherwise);
  z3::expr both(const z3::expr& a, const z3::expr& b);
  z3::expr one_of(const z3::expr& a, const z3::expr& b);
  z3::expr negate(const z3::expr& a);
  // Of two ways that exclude each other: what holds on the first of them and not on the other.
  z3::expr chooser(const z3::expr& a, const z3::expr& b);

 private:
  // Into the parts of a number of which some bits are constant.
  std::optional<z3::expr> by_parts(const z3::expr& term, std::uint64_t constant,
                                   const std::function<z3::expr(const z3::expr&, const z3::expr&)>& each);
  // Into both sides of choices, so that what is known of a side is known there. None where neither is a choice, or
  // it has gone on for too long.
  std::optional<z3::expr> split(char operation, const z3::expr& a, const z3::expr& b,
                                const std::function<z3::expr(const z3::expr&, const z3::expr&)>& each);
  // Both constant: `fold`; else `plain`.
  z3::expr apply(const z3::expr& a, const z3::expr& b, const std::function<std::uint64_t(std::uint64_t, std::uint64_t)>& fold,
                 const std::function<z3::expr(const z3::expr&, const z3::expr&)>& plain);
  z3::expr compare(const z3::expr& a, const z3::expr& b, const std::function<bool(std::uint64_t, std::uint64_t)>& fold,
                   const std::function<z3::expr(const z3::expr&, const z3::expr&)>& plain);
  z3::expr at_leaves(const z3::expr& term, const std::function<z3::expr(const z3::expr&)>& leaf);
  std::optional<z3::expr> one_of_bits(const z3::expr& a, std::uint64_t m);
  std::optional<z3::expr> without(const z3::expr& a, const z3::expr& b);
  std::optional<z3::expr> narrower(const z3::expr& a, const z3::expr& b);
  // Is it a small choice between constants?
  bool is_choice(const z3::expr& term, unsigned& left) const;
  Range range_of(const z3::expr& term);
  // Bits that can be set.
  std::uint64_t possible(const z3::expr& term);
  // With `abstract_products`; none where there is nothing to be done.
  bool unrelated(const z3::expr& a, const z3::expr& b) const;
  std::optional<z3::expr> plain_sum(const z3::expr& a, const z3::expr& b);
  std::optional<z3::expr> cut_out(const z3::expr& a, std::uint64_t m);
  std::optional<z3::expr> sign_below_zero(const z3::expr& a, unsigned high, unsigned low);
  std::optional<z3::expr> product(const z3::expr& a, std::uint64_t constant);
  std::optional<z3::expr> zero_bytes(const z3::expr& a, std::uint64_t m);
  std::optional<z3::expr> eight_copies(const z3::expr& a, const z3::expr& b);
  std::optional<z3::expr> is_constant(const z3::expr& a, std::uint64_t constant);
  std::optional<z3::expr> placed(const z3::expr& a, const z3::expr& b);
  std::optional<z3::expr> without_lowest(const z3::expr& a, const z3::expr& b);
  bool out_of_order(const z3::expr& a, const z3::expr& b) const;
  // The lowest bit of a number, or the bits below it, as a choice between the bits that it can be.
  z3::expr lowest(const z3::expr& term, bool below);
  std::optional<z3::expr> below_lowest(const z3::expr& a, const z3::expr& b, std::uint64_t m);
  std::optional<z3::expr> below_lowest(const z3::expr& a, std::uint64_t m);

  z3::context& context_;
  std::vector<z3::expr> kept_;  // so that ids stay theirs
  std::map<unsigned, Range> ranges_;
  std::map<std::tuple<char, unsigned, unsigned>, z3::expr> split_;  // what was split already
  unsigned splitting_ = 0, splits_left_ = 0;
  std::vector<Name> names_;
  bool canonical_ = false, forget_equality_ = false;
  std::map<std::uint64_t, std::vector<std::pair<z3::expr, z3::expr>>> products_;  // by constant: the other factor, the product
  std::vector<z3::expr> facts_;
  std::vector<Lesser> lesser_;
};

}  // namespace netpolc::verify::bytecode
