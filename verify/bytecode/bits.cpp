#include "verify/bytecode/bits.h"

#include <algorithm>
#include <bit>

#include "verify/smt/solver.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr unsigned kMostLeaves = 4096;
constexpr unsigned kMostSplits = 20'000;  // of one operation

std::uint64_t mask(unsigned width) { return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1; }

std::int64_t as_signed(std::uint64_t value, unsigned width) {
  const unsigned unused = 64 - width;
  return static_cast<std::int64_t>(value << unused) >> unused;
}

bool is(const z3::expr& term, Z3_decl_kind kind) { return term.is_app() && term.decl().decl_kind() == kind; }

// Ones from bit 0 on, and nothing else.
std::optional<unsigned> low_ones(std::uint64_t value) {
  if (value == 0 || (value & (value + 1)) != 0) return std::nullopt;
  unsigned count = 0;
  for (; value != 0; value >>= 1) ++count;
  return count;
}

}  // namespace

z3::expr Bits::number(std::uint64_t value, unsigned width) { return context_.bv_val(value & mask(width), width); }

z3::expr Bits::fresh(const char* name, unsigned width) {
  return z3::expr(context_, Z3_mk_fresh_const(context_, name, context_.bv_sort(width)));
}

void Bits::promise(const z3::expr& symbol, Range range) {
  kept_.push_back(symbol);
  ranges_[symbol.id()] = range;
}

std::optional<std::uint64_t> Bits::value(const z3::expr& term) {
  std::uint64_t out = 0;
  if (!term.is_bv() || !term.is_numeral_u64(out)) return std::nullopt;
  return out;
}

Range Bits::range(const z3::expr& term) {
  if (const auto known = value(term)) return {*known, *known};
  const auto found = ranges_.find(term.id());
  if (found != ranges_.end()) return found->second;
  const Range out = range_of(term);
  promise(term, out);
  return out;
}

Range Bits::range_of(const z3::expr& term) {
  const unsigned bits = width(term);
  const Range all{0, mask(bits)};
  if (bits > 64) return all;
  if (is(term, Z3_OP_ZERO_EXT)) return range(term.arg(0));
  if (is(term, Z3_OP_CONCAT) && term.num_args() == 2) {
    const Range upper = range(term.arg(0)), lower = range(term.arg(1));
    const unsigned shift = width(term.arg(1));
    if (shift >= 64) return all;
    return {upper.low << shift | lower.low, upper.high << shift | lower.high};
  }
  if (is(term, Z3_OP_EXTRACT) && term.lo() == 0 && width(term.arg(0)) <= 64) {
    const Range whole = range(term.arg(0));
    return whole.high <= all.high ? whole : all;
  }
  if (is(term, Z3_OP_ITE)) {
    const Range a = range(term.arg(1)), b = range(term.arg(2));
    return {std::min(a.low, b.low), std::max(a.high, b.high)};
  }
  if (is(term, Z3_OP_BADD) && term.num_args() == 2) {
    const Range a = range(term.arg(0)), b = range(term.arg(1));
    // where the sum of none or of all goes round, the order stays
    const unsigned __int128 low = static_cast<unsigned __int128>(a.low) + b.low, high = static_cast<unsigned __int128>(a.high) + b.high;
    const unsigned __int128 turn = static_cast<unsigned __int128>(mask(bits)) + 1;
    if (low / turn == high / turn) return {static_cast<std::uint64_t>(low % turn), static_cast<std::uint64_t>(high % turn)};
  }
  if (is(term, Z3_OP_BMUL) && term.num_args() == 2) {
    const Range a = range(term.arg(0)), b = range(term.arg(1));
    const unsigned __int128 high = static_cast<unsigned __int128>(a.high) * b.high;
    if (high <= mask(bits)) return {a.low * b.low, a.high * b.high};
  }
  if (is(term, Z3_OP_BAND) && term.num_args() == 2) return {0, std::min(range(term.arg(0)).high, range(term.arg(1)).high)};
  return all;
}

std::optional<std::vector<std::pair<z3::expr, std::uint64_t>>> Bits::choices(const z3::expr& term, std::size_t most) {
  std::vector<std::pair<z3::expr, std::uint64_t>> out;
  const std::function<bool(const z3::expr&, const z3::expr&)> visit = [&](const z3::expr& one, const z3::expr& when) {
    if (const auto known = value(one)) {
      out.emplace_back(when, *known);
      return out.size() <= most;
    }
    if (!is(one, Z3_OP_ITE)) return false;
    return visit(one.arg(1), both(when, one.arg(0))) && visit(one.arg(2), both(when, negate(one.arg(0))));
  };
  if (!visit(term, yes())) return std::nullopt;
  return out;
}

bool Bits::is_choice(const z3::expr& term, unsigned& left) const {
  if (value(term)) return left-- > 0;
  return is(term, Z3_OP_ITE) && left > 0 && is_choice(term.arg(1), left) && is_choice(term.arg(2), left);
}

z3::expr Bits::at_leaves(const z3::expr& term, const std::function<z3::expr(const z3::expr&)>& leaf) {
  if (value(term)) return leaf(term);
  const z3::expr then = at_leaves(term.arg(1), leaf), otherwise = at_leaves(term.arg(2), leaf);
  return then.is_bool() ? one_of(both(term.arg(0), then), both(negate(term.arg(0)), otherwise)) : either(term.arg(0), then, otherwise);
}

std::optional<z3::expr> Bits::through_choice(const z3::expr& term, const std::function<z3::expr(const z3::expr&)>& leaf) {
  unsigned left = kMostLeaves;
  if (!is_choice(term, left)) return std::nullopt;
  return at_leaves(term, leaf);
}

std::uint64_t Bits::possible(const z3::expr& term) {
  if (const auto known = value(term)) return *known;
  const std::uint64_t all = mask(width(term));
  if (width(term) > 64) return all;
  if (is(term, Z3_OP_ZERO_EXT)) return possible(term.arg(0));
  if (is(term, Z3_OP_BAND) && term.num_args() == 2) return possible(term.arg(0)) & possible(term.arg(1));
  if (is(term, Z3_OP_CONCAT) && term.num_args() == 2 && width(term.arg(1)) < 64)
    return possible(term.arg(0)) << width(term.arg(1)) | possible(term.arg(1));
  if (is(term, Z3_OP_EXTRACT) && width(term.arg(0)) <= 64) return possible(term.arg(0)) >> term.lo() & all;
  return all;
}

z3::expr Bits::lowest(const z3::expr& term, bool below) {
  const unsigned bits = width(term);
  const std::uint64_t can = possible(term);
  // with none set, what is below is everything
  z3::expr out = number(below ? mask(bits) : 0, bits);
  for (unsigned bit = bits; bit-- > 0;)
    if ((can >> bit & 1) != 0) {
      const std::uint64_t one = std::uint64_t{1} << bit;
      out = either(equal(extract(term, bit, bit), number(1, 1)), number(below ? one - 1 : one, bits), out);
    }
  return out;
}

std::optional<z3::expr> Bits::split(char operation, const z3::expr& a, const z3::expr& b,
                                    const std::function<z3::expr(const z3::expr&, const z3::expr&)>& each) {
  const bool first = is(a, Z3_OP_ITE), second = is(b, Z3_OP_ITE);
  if (!first && !second) return std::nullopt;
  const auto key = std::tuple(operation, a.id(), b.id());
  if (const auto known = split_.find(key); known != split_.end()) return known->second;
  if (splitting_ == 0) splits_left_ = kMostSplits;
  if (splits_left_ == 0) return std::nullopt;
  --splits_left_;
  ++splitting_;
  const z3::expr condition = first ? a.arg(0) : b.arg(0);
  const bool both_sides = first && second && z3::eq(condition, b.arg(0));
  const z3::expr then = each(first ? a.arg(1) : a, !first || both_sides ? b.arg(1) : b);
  const z3::expr otherwise = each(first ? a.arg(2) : a, !first || both_sides ? b.arg(2) : b);
  --splitting_;
  const z3::expr out = either(condition, then, otherwise);
  kept_.insert(kept_.end(), {a, b});
  split_.emplace(key, out);
  return out;
}

z3::expr Bits::apply(const z3::expr& a, const z3::expr& b, const std::function<std::uint64_t(std::uint64_t, std::uint64_t)>& fold,
                     const std::function<z3::expr(const z3::expr&, const z3::expr&)>& plain) {
  const auto x = value(a), y = value(b);
  return x && y ? number(fold(*x, *y), width(a)) : plain(a, b);
}

z3::expr Bits::add(const z3::expr& a, const z3::expr& b) {
  if (const auto out = plain_sum(a, b)) return *out;
  if (unrelated(a, b)) return out_of_order(a, b) ? b + a : a + b;
  if (const auto out = split('+', a, b, [&](const auto& x, const auto& y) { return add(x, y); })) return *out;
  if (value(b) == 0) return a;
  if (value(a) == 0) return b;
  // one order of terms, and one constant at the end of a sum, so that equal sums are the same term
  const auto ends = [](const z3::expr& sum) { return is(sum, Z3_OP_BADD) && sum.num_args() == 2 && value(sum.arg(1)); };
  if (!value(a) && !value(b) && ends(b) && !ends(a)) return add(b, a);
  if (value(a) && !value(b)) return add(b, a);
  if (ends(a)) return value(b) ? add(a.arg(0), add(a.arg(1), b)) : add(add(a.arg(0), b), a.arg(1));
  if (!value(b) && a.id() > b.id()) return add(b, a);
  return apply(a, b, [](auto x, auto y) { return x + y; }, [](const auto& x, const auto& y) { return x + y; });
}
// (x + b) - b
std::optional<z3::expr> Bits::without(const z3::expr& a, const z3::expr& b) {
  if (z3::eq(a, b)) return number(0, width(a));
  for (const unsigned at : {0u, 1u})
    if (is(a, Z3_OP_BADD) && a.num_args() == 2 && z3::eq(a.arg(at), b)) return a.arg(1 - at);
  return std::nullopt;
}
z3::expr Bits::sub(const z3::expr& a, const z3::expr& b) {
  if (const auto y = value(b)) return add(a, number(std::uint64_t{0} - *y, width(a)));
  if (const auto rest = without(a, b)) return *rest;
  if (unrelated(a, b)) return a - b;
  if (const auto out = split('-', a, b, [&](const auto& x, const auto& y) { return sub(x, y); })) return *out;
  return apply(a, b, [](auto x, auto y) { return x - y; }, [](const auto& x, const auto& y) { return x - y; });
}
z3::expr Bits::mul(const z3::expr& a, const z3::expr& b) {
  if (const auto copies = eight_copies(a, b)) return *copies;
  if (const auto out = split('*', a, b, [&](const auto& x, const auto& y) { return mul(x, y); })) return *out;
  if (out_of_order(a, b)) return mul(b, a);
  if (const auto y = value(b); y && canonical_)
    if (const auto out = product(a, *y)) return *out;
  // a truth as a factor is a choice
  for (const auto& [x, truth] : {std::pair(a, b), std::pair(b, a)})
    if (canonical_ && !value(truth) && range(truth).high == 1) return either(equal(extract(truth, 0, 0), number(1, 1)), x, number(0, width(a)));
  return apply(a, b, [](auto x, auto y) { return x * y; }, [](const auto& x, const auto& y) { return x * y; });
}
z3::expr Bits::divide(const z3::expr& a, const z3::expr& b) {
  return apply(a, b, [](auto x, auto y) { return y == 0 ? 0 : x / y; },
               [&](const auto& x, const auto& y) { return either(equal(y, number(0, width(y))), number(0, width(x)), z3::udiv(x, y)); });
}
z3::expr Bits::modulo(const z3::expr& a, const z3::expr& b) {
  if (const auto y = value(b); y && width(a) <= 64 && range(a).high < *y) return a;
  return apply(a, b, [](auto x, auto y) { return y == 0 ? x : x % y; },
               [&](const auto& x, const auto& y) { return either(equal(y, number(0, width(y))), x, z3::urem(x, y)); });
}

// (h - 1) & ~w & m, where h has those bits of w that are in a mask with all of m: the bits of m below the lowest one
// of h. Above it, h - 1 has the bits that h has, which ~w takes away; below it w has none of m.
std::optional<z3::expr> Bits::below_lowest(const z3::expr& a, const z3::expr& b, std::uint64_t m) {
  const std::uint64_t all = mask(width(a));
  for (const auto& [minus, inverse] : {std::pair(a, b), std::pair(b, a)}) {
    if (!is(minus, Z3_OP_BADD) || minus.num_args() != 2 || value(minus.arg(1)) != all) continue;
    if (!is(inverse, Z3_OP_BXOR) || inverse.num_args() != 2 || value(inverse.arg(1)) != all) continue;
    const z3::expr h = minus.arg(0), w = inverse.arg(0);
    std::uint64_t kept = 0;
    if (z3::eq(h, w)) kept = all;
    else if (is(h, Z3_OP_BAND) && h.num_args() == 2 && z3::eq(h.arg(0), w)) kept = value(h.arg(1)).value_or(0);
    else if (is(h, Z3_OP_ZERO_EXT) && z3::eq(h.arg(0), extract(w, width(h.arg(0)) - 1, 0))) kept = mask(width(h.arg(0)));
    if ((m & ~kept) == 0) return bit_and(lowest(h, true), number(m, width(a)));
  }
  return std::nullopt;
}

std::optional<z3::expr> Bits::below_lowest(const z3::expr& a, std::uint64_t m) {
  if (!is(a, Z3_OP_BAND) || a.num_args() != 2 || width(a) > 64) return std::nullopt;
  return below_lowest(a.arg(0), a.arg(1), m);
}

std::optional<z3::expr> Bits::by_parts(const z3::expr& term, std::uint64_t constant, const std::function<z3::expr(const z3::expr&, const z3::expr&)>& each) {
  const std::function<bool(const z3::expr&)> partly_constant = [&](const z3::expr& part) {
    return value(part) || is(part, Z3_OP_ZERO_EXT) || (is(part, Z3_OP_CONCAT) && part.num_args() == 2 && (partly_constant(part.arg(0)) || partly_constant(part.arg(1))));
  };
  if (value(term) || width(term) > 64 || !partly_constant(term)) return std::nullopt;
  const bool zeros = is(term, Z3_OP_ZERO_EXT);
  const z3::expr lower = term.arg(zeros ? 0 : 1), upper = zeros ? number(0, width(term) - width(lower)) : term.arg(0);
  return join(each(upper, number(constant >> width(lower), width(upper))), each(lower, number(constant, width(lower))));
}

// 1 << x & m, as a compiler asks whether a number is one of a set.
std::optional<z3::expr> Bits::one_of_bits(const z3::expr& a, std::uint64_t m) {
  if (!canonical_ || !is(a, Z3_OP_BSHL) || value(a.arg(0)) != 1) return std::nullopt;
  z3::expr out = number(0, width(a));
  for (unsigned bit = width(a); bit-- > 0;)
    if ((m >> bit & 1) != 0) out = either(equal(a.arg(1), number(bit, width(a))), number(std::uint64_t{1} << bit, width(a)), out);
  return out;
}

z3::expr Bits::bit_and(const z3::expr& a, const z3::expr& b) {
  if (const auto out = split('&', a, b, [&](const auto& x, const auto& y) { return bit_and(x, y); })) return *out;
  if (value(a) && !value(b)) return bit_and(b, a);
  if (const auto y = value(b)) {
    if (*y == 0) return b;
    if (*y == mask(width(b))) return a;
    if (const auto rank = below_lowest(a, *y)) return *rank;
    if (const auto bit = one_of_bits(a, *y)) return *bit;
    if (const auto hits = zero_bytes(a, *y)) return *hits;
    if (const auto runs = cut_out(a, *y)) return *runs;
    if (const auto ones = low_ones(*y); ones && !value(a)) return widen(extract(a, *ones - 1, 0), width(a));
    if (const auto parts = by_parts(a, *y, [&](const auto& p, const auto& q) { return bit_and(p, q); })) return *parts;
    // a run of ones
    const auto from = static_cast<unsigned>(std::countr_zero(*y)), to = static_cast<unsigned>(std::bit_width(*y)) - 1;
    if (canonical_ && !value(a) && to > from && low_ones(*y >> from)) return widen(join(extract(a, to, from), number(0, from)), width(a));
  }
  if (out_of_order(a, b)) return bit_and(b, a);
  if (const auto out = without_lowest(a, b)) return *out;
  // x & -x
  if (width(a) <= 64) {
    const auto negative = [&](const z3::expr& x, const z3::expr& y) { return is(y, Z3_OP_BSUB) && y.num_args() == 2 && value(y.arg(0)) == 0 && z3::eq(y.arg(1), x); };
    if (negative(a, b)) return lowest(a, false);
    if (negative(b, a)) return lowest(b, false);
    if (const auto all = below_lowest(a, b, mask(width(a)))) return *all;
  }
  return apply(a, b, [](auto x, auto y) { return x & y; }, [](const auto& x, const auto& y) { return x & y; });
}
z3::expr Bits::bit_or(const z3::expr& a, const z3::expr& b) {
  if (const auto out = split('|', a, b, [&](const auto& x, const auto& y) { return bit_or(x, y); })) return *out;
  if (value(b) == 0) return a;
  if (value(a) == 0) return b;
  if (const auto out = placed(a, b)) return *out;
  if (out_of_order(a, b)) return bit_or(b, a);
  return apply(a, b, [](auto x, auto y) { return x | y; }, [](const auto& x, const auto& y) { return x | y; });
}
z3::expr Bits::bit_xor(const z3::expr& a, const z3::expr& b) {
  if (const auto out = split('^', a, b, [&](const auto& x, const auto& y) { return bit_xor(x, y); })) return *out;
  if (value(b) == 0) return a;
  if (z3::eq(a, b)) return number(0, width(a));
  if (value(a) && !value(b)) return bit_xor(b, a);
  if (out_of_order(a, b)) return bit_xor(b, a);
  if (const auto y = value(b))
    if (const auto parts = by_parts(a, *y, [&](const auto& p, const auto& q) { return bit_xor(p, q); })) return *parts;
  return apply(a, b, [](auto x, auto y) { return x ^ y; }, [](const auto& x, const auto& y) { return x ^ y; });
}

z3::expr Bits::shift_left(const z3::expr& a, const z3::expr& b) {
  if (const auto out = split('<', a, b, [&](const auto& x, const auto& y) { return shift_left(x, y); })) return *out;
  const unsigned bits = width(a);
  if (const auto y = value(b); y && !value(a)) {
    const unsigned by = static_cast<unsigned>(*y % bits);
    return by == 0 ? a : join(extract(a, bits - 1 - by, 0), number(0, by));
  }
  if (canonical_ && value(a) == 1 && !value(b) && std::has_single_bit(bits))
    return z3::shl(a, widen(extract(b, static_cast<unsigned>(std::countr_zero(bits)) - 1, 0), bits));  // see `one_of_bits`
  // a constant by one of few distances, as `switch` is compiled: a choice between constants
  if (const auto x = value(a); x && !value(b) && range(b).high < bits) {
    z3::expr out = number(*x << range(b).high, bits);
    for (std::uint64_t by = range(b).high; by-- > range(b).low;) out = either(equal(b, number(by, bits)), number(*x << by, bits), out);
    return out;
  }
  return apply(a, b, [&](auto x, auto y) { return x << (y % bits); },
               [&](const auto& x, const auto& y) { return z3::shl(x, modulo(y, number(bits, bits))); });
}
z3::expr Bits::shift_right(const z3::expr& a, const z3::expr& b) {
  if (const auto out = split('>', a, b, [&](const auto& x, const auto& y) { return shift_right(x, y); })) return *out;
  const unsigned bits = width(a);
  if (const auto y = value(b); y && !value(a)) {
    const unsigned by = static_cast<unsigned>(*y % bits);
    return by == 0 ? a : widen(extract(a, bits - 1, by), bits);
  }
  return apply(a, b, [&](auto x, auto y) { return x >> (y % bits); },
               [&](const auto& x, const auto& y) { return z3::lshr(x, modulo(y, number(bits, bits))); });
}
z3::expr Bits::shift_right_signed(const z3::expr& a, const z3::expr& b) {
  if (const auto out = split('s', a, b, [&](const auto& x, const auto& y) { return shift_right_signed(x, y); })) return *out;
  const unsigned bits = width(a);
  return apply(a, b, [&](auto x, auto y) { return static_cast<std::uint64_t>(as_signed(x, bits) >> (y % bits)); },
               [&](const auto& x, const auto& y) { return z3::ashr(x, modulo(y, number(bits, bits))); });
}

z3::expr Bits::extract(const z3::expr& a, unsigned high, unsigned low) {
  const unsigned bits = high - low + 1;
  if (bits == width(a)) return a;
  if (const auto x = value(a)) return number(*x >> low, bits);
  // places are told apart by their number
  const auto split_at = number(high << 8 | low, 32);
  if (const auto out = split('x', a, split_at, [&](const auto& x, const auto&) { return extract(x, high, low); })) return *out;
  if (is(a, Z3_OP_EXTRACT)) return extract(a.arg(0), high + a.lo(), low + a.lo());
  if (is(a, Z3_OP_ZERO_EXT)) {
    const unsigned inner = width(a.arg(0));
    if (low >= inner) return number(0, bits);
    return high < inner ? extract(a.arg(0), high, low) : widen(extract(a.arg(0), inner - 1, low), bits);
  }
  if (is(a, Z3_OP_CONCAT) && a.num_args() == 2) {
    const unsigned lower = width(a.arg(1));
    if (high < lower) return extract(a.arg(1), high, low);
    if (low >= lower) return extract(a.arg(0), high - lower, low - lower);
    return join(extract(a.arg(0), high - lower, 0), extract(a.arg(1), lower - 1, low));
  }
  if (is(a, Z3_OP_BAND) && a.num_args() == 2 && value(a.arg(1))) return bit_and(extract(a.arg(0), high, low), extract(a.arg(1), high, low));
  if (const auto sign = sign_below_zero(a, high, low)) return *sign;
  if (canonical_ && a.num_args() == 2) {
    if (low == 0 && is(a, Z3_OP_BADD)) return add(extract(a.arg(0), high, 0), extract(a.arg(1), high, 0));
    if (is(a, Z3_OP_BXOR)) return bit_xor(extract(a.arg(0), high, low), extract(a.arg(1), high, low));
    if (is(a, Z3_OP_BOR)) return bit_or(extract(a.arg(0), high, low), extract(a.arg(1), high, low));
    if (is(a, Z3_OP_BAND)) return bit_and(extract(a.arg(0), high, low), extract(a.arg(1), high, low));
  }
  return a.extract(high, low);
}

z3::expr Bits::widen(const z3::expr& a, unsigned to) {
  const unsigned bits = width(a);
  if (bits == to) return a;
  if (const auto x = value(a)) return number(*x, to);
  if (is(a, Z3_OP_ZERO_EXT)) return widen(a.arg(0), to);
  if (const auto out = split('w', a, number(to, 32), [&](const auto& x, const auto&) { return widen(x, to); })) return *out;
  return z3::zext(a, to - bits);
}

z3::expr Bits::join(const z3::expr& upper, const z3::expr& lower) {
  const auto x = value(upper), y = value(lower);
  const unsigned bits = width(upper) + width(lower);
  if (const auto out = split('j', upper, lower, [&](const auto& p, const auto& q) { return join(p, q); })) return *out;
  if (x && y && bits <= 64) return number(*x << width(lower) | *y, bits);
  if (x == 0 && width(upper) <= 64) return widen(lower, bits);
  if (canonical_ && is(upper, Z3_OP_ZERO_EXT)) return widen(join(upper.arg(0), lower), bits);
  // halves of one thing
  if (is(upper, Z3_OP_EXTRACT) && is(lower, Z3_OP_EXTRACT) && z3::eq(upper.arg(0), lower.arg(0)) && upper.lo() == lower.hi() + 1)
    return extract(upper.arg(0), upper.hi(), lower.lo());
  return z3::concat(upper, lower);
}

z3::expr Bits::swap_bytes(const z3::expr& a) {
  z3::expr out = extract(a, 7, 0);
  for (unsigned at = 8; at < width(a); at += 8) out = join(out, extract(a, at + 7, at));
  return out;
}

z3::expr Bits::compare(const z3::expr& a, const z3::expr& b, const std::function<bool(std::uint64_t, std::uint64_t)>& fold,
                       const std::function<z3::expr(const z3::expr&, const z3::expr&)>& plain) {
  const auto x = value(a), y = value(b);
  if (x && y) return context_.bool_val(fold(*x, *y));
  unsigned left = kMostLeaves;
  if (y && is_choice(a, left)) return at_leaves(a, [&](const z3::expr& leaf) { return context_.bool_val(fold(*value(leaf), *y)); });
  if (x && is_choice(b, left)) return at_leaves(b, [&](const z3::expr& leaf) { return context_.bool_val(fold(*x, *value(leaf))); });
  return plain(a, b);
}

z3::expr Bits::equal(const z3::expr& a, const z3::expr& b) {
  if (z3::eq(a, b)) return yes();
  if (value(a) && !value(b)) return equal(b, a);
  if (out_of_order(a, b)) return equal(b, a);
  if (width(a) <= 64) {
    const Range x = range(a), y = range(b);
    if (x.high < y.low || y.high < x.low) return no();
    if (x.low == x.high && y.low == y.high) return context_.bool_val(x.low == y.low);
  }
  if (const auto y = value(b); y && canonical_)
    if (const auto out = is_constant(a, *y)) return *out;
  if (const auto y = value(b)) {
    // bit by bit, as the other side of a proof speaks of them
    if (*y == 0 && is(a, Z3_OP_BAND) && a.num_args() == 2 && value(a.arg(1))) {
      std::vector<z3::expr> bits;
      for (unsigned bit = 0; bit < width(a); ++bit)
        if ((*value(a.arg(1)) >> bit & 1) != 0) bits.push_back(negate(equal(extract(a.arg(0), bit, bit), number(1, 1))));
      return smt::all(context_, bits);
    }
    if (is(a, Z3_OP_ZERO_EXT)) return equal(a.arg(0), number(*y, width(a.arg(0))));  // what is above was told apart by ranges
    if (is(a, Z3_OP_CONCAT) && a.num_args() == 2 && width(a) <= 64) {
      const unsigned lower = width(a.arg(1));
      return both(equal(a.arg(0), number(*y >> lower, width(a) - lower)), equal(a.arg(1), number(*y, lower)));
    }
  }
  if (forget_equality_ && width(a) == 64 && !value(a) && !value(b)) {
    if ((range(a).high | range(b).high) >> 32 == 0) return equal(extract(a, 31, 0), extract(b, 31, 0));
    if (b.id() < a.id()) return equal(b, a);
    for (const auto& [choice, other] : {std::pair(a, b), std::pair(b, a)})
      if (is(choice, Z3_OP_ITE)) return either(choice.arg(0), equal(choice.arg(1), other), equal(choice.arg(2), other));
    const auto key = std::tuple('e', a.id(), b.id());
    if (const auto known = split_.find(key); known != split_.end()) return known->second;
    kept_.insert(kept_.end(), {a, b});
    return split_.emplace(key, z3::expr(context_, Z3_mk_fresh_const(context_, "equal", context_.bool_sort()))).first->second;
  }
  return compare(a, b, [](auto x, auto y) { return x == y; }, [](const auto& x, const auto& y) { return x == y; });
}

// Without zeros above or below, which a constant on the other side need not have (ranges have told what is above apart).
std::optional<z3::expr> Bits::narrower(const z3::expr& a, const z3::expr& b) {
  const auto x = value(a), y = value(b);
  if (!canonical_ || (!x && !y) || width(a) > 64) return std::nullopt;
  const z3::expr& term = x ? b : a;
  if (is(term, Z3_OP_ZERO_EXT)) {
    const unsigned inner = width(term.arg(0));
    return x ? below(number(*x, inner), term.arg(0)) : below(term.arg(0), number(*y, inner));
  }
  if (!is(term, Z3_OP_CONCAT) || term.num_args() != 2 || value(term.arg(1)) != 0) return std::nullopt;
  const unsigned zeros = width(term.arg(1)), rest = width(term) - zeros;
  return x ? below(number(*x >> zeros, rest), term.arg(0)) : below(term.arg(0), number(((*y - 1) >> zeros) + 1, rest));
}

z3::expr Bits::below(const z3::expr& a, const z3::expr& b) {
  const Range x = range(a), y = range(b);
  if (x.high < y.low) return yes();
  if (x.low >= y.high) return no();
  if (const auto narrow = narrower(a, b)) return *narrow;
  return compare(a, b, [](auto p, auto q) { return p < q; }, [](const auto& p, const auto& q) { return z3::ult(p, q); });
}
z3::expr Bits::at_most(const z3::expr& a, const z3::expr& b) { return negate(below(b, a)); }
z3::expr Bits::below_signed(const z3::expr& a, const z3::expr& b) {
  const unsigned bits = width(a);
  const std::uint64_t half = mask(bits) >> 1;
  if (range(a).high <= half && range(b).high <= half) return below(a, b);
  return compare(a, b, [&](auto p, auto q) { return as_signed(p, bits) < as_signed(q, bits); },
                 [](const auto& p, const auto& q) { return z3::slt(p, q); });
}
z3::expr Bits::at_most_signed(const z3::expr& a, const z3::expr& b) { return negate(below_signed(b, a)); }

}  // namespace netpolc::verify::bytecode
