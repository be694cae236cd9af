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
z3::expr Bits::sub(const z3::expr& a, const z3::expr& b) {
  if (const auto y = value(b)) return add(a, number(std::uint64_t{0} - *y, width(a)));
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

bool Bits::out_of_order(const z3::expr& a, const z3::expr& b) const {
  if (!canonical_) return false;
  const bool x = value(a).has_value(), y = value(b).has_value();
  return x != y ? x : !x && b.id() < a.id();
}

z3::expr Bits::named(const z3::expr& term) {
  const auto key = std::tuple('n', term.id(), 0u);
  if (const auto known = split_.find(key); known != split_.end()) return known->second;
  const z3::expr name = fresh("name", term.is_bool() ? 1 : width(term));
  facts_.push_back(term.is_bool() ? (name == number(1, 1)) == term : name == term);
  kept_.push_back(term);
  split_.emplace(key, name);
  return name;
}

// (d - 0x0101..01) & ~d & m, where m has highest bits of bytes: which bytes of d are 0; and those that are 1 where the one
// below is such a byte, since it borrows.
std::optional<z3::expr> Bits::zero_bytes(const z3::expr& a, std::uint64_t m) {
  constexpr std::uint64_t highs = 0x8080808080808080, minus_ones = 0 - std::uint64_t{0x0101010101010101};
  if (!canonical_ || width(a) != 64 || m == 0 || (m & ~highs) != 0 || !is(a, Z3_OP_BAND) || a.num_args() != 2) return std::nullopt;
  const unsigned bytes = (std::bit_width(m) + 7) / 8;
  for (const auto& [minus, inverse] : {std::pair(a.arg(0), a.arg(1)), std::pair(a.arg(1), a.arg(0))}) {
    if (!is(minus, Z3_OP_BADD) || minus.num_args() != 2 || !is(inverse, Z3_OP_BXOR) || inverse.num_args() != 2) continue;
    const auto less = value(minus.arg(1)), ones = value(inverse.arg(1));
    const z3::expr d = minus.arg(0);
    if (!less || !ones || ((*less ^ minus_ones) & mask(bytes * 8)) != 0 || *ones != mask(64) || !z3::eq(d, inverse.arg(0))) continue;
    std::optional<z3::expr> out;
    z3::expr below = no();
    for (unsigned byte = 0; byte < 8; ++byte) {
      const auto is_it = [&](std::uint64_t wanted) { return equal(extract(d, byte * 8 + 7, byte * 8), number(wanted, 8)); };
      z3::expr here = number(0, 8);
      if (byte < bytes) {
        const z3::expr hit = named(one_of(is_it(0), both(is_it(1), below)));
        if ((m >> (byte * 8 + 7) & 1) != 0) here = join(hit, number(0, 7));
        below = equal(hit, number(1, 1));
      }
      out = out ? join(here, *out) : here;
    }
    return out;
  }
  return std::nullopt;
}

// Of a byte. A choice gets a name first, or whatever is made of it would be one.
std::optional<z3::expr> Bits::eight_copies(const z3::expr& a, const z3::expr& b) {
  constexpr std::uint64_t copies = 0x0101010101010101;
  if (!canonical_ || width(a) != 64) return std::nullopt;
  if (value(a) == copies) return value(b) == copies ? std::nullopt : eight_copies(b, a);
  unsigned left = kMostLeaves;
  if (value(b) != copies || range(a).high > 0xff || is_choice(a, left)) return std::nullopt;
  const z3::expr whole = extract(a, 7, 0), byte = is(whole, Z3_OP_ITE) ? named(whole) : whole;
  z3::expr out = byte;
  for (int i = 1; i < 8; ++i) out = join(byte, out);
  return out;
}

std::optional<z3::expr> Bits::product(const z3::expr& a, std::uint64_t constant) {
  if (value(a) || width(a) != 64) return std::nullopt;
  if (constant >> 32 == 0 || range(a).high >> 32 == 0) return std::nullopt;
  auto& known = products_[constant];
  for (const auto& [factor, product] : known)
    if (z3::eq(factor, a)) return product;
  const z3::expr out = fresh("product", 64);
  for (const auto& [factor, product] : known) facts_.push_back(z3::implies(factor == a, product == out));
  known.emplace_back(a, out);
  return out;
}

// An OR whose sides have no bits in common, but for those of constants, is made of the bits of both.
std::optional<z3::expr> Bits::placed(const z3::expr& a, const z3::expr& b) {
  const unsigned bits = width(a);
  if (!canonical_ || bits > 64) return std::nullopt;
  const auto x = value(a), y = value(b);
  if (x && y) return std::nullopt;
  const std::uint64_t ones = x.value_or(0) | y.value_or(0), in_a = possible(a) & ~ones, in_b = possible(b) & ~ones;
  if ((in_a & in_b) != 0) return std::nullopt;
  // from the lowest on, as they lie, so that the same bits make the same term
  std::vector<z3::expr> pieces;
  const std::function<void(const z3::expr&)> take = [&](const z3::expr& piece) {
    if (is(piece, Z3_OP_CONCAT)) {
      for (unsigned i = piece.num_args(); i-- > 0;) take(piece.arg(i));
    } else if (is(piece, Z3_OP_ZERO_EXT)) {
      take(piece.arg(0));
      take(number(0, width(piece) - width(piece.arg(0))));
    } else if (!pieces.empty() && value(piece) && value(pieces.back())) {
      pieces.back() = join(piece, pieces.back());
    } else {
      pieces.push_back(piece);
    }
  };
  const auto owner = [&](unsigned bit) { return (ones >> bit & 1) != 0 ? 3 : (in_a >> bit & 1) != 0 ? 1 : (in_b >> bit & 1) != 0 ? 2 : 0; };
  for (unsigned from = 0; from < bits;) {
    unsigned to = from;
    while (to + 1 < bits && owner(to + 1) == owner(from)) ++to;
    const int whose = owner(from);
    take(whose == 1 ? extract(a, to, from) : whose == 2 ? extract(b, to, from) : number(whose == 3 ? ~std::uint64_t{0} : 0, to - from + 1));
    from = to + 1;
  }
  z3::expr out = pieces.front();
  for (std::size_t i = 1; i < pieces.size(); ++i) out = join(pieces[i], out);
  return out;
}

// x & (x - 1) of a number that has few bits: each stays if there is one below it.
std::optional<z3::expr> Bits::without_lowest(const z3::expr& a, const z3::expr& b) {
  if (!canonical_ || width(a) > 64) return std::nullopt;
  for (const auto& [x, less] : {std::pair(a, b), std::pair(b, a)}) {
    if (!is(less, Z3_OP_BADD) || less.num_args() != 2 || value(less.arg(1)) != mask(width(a)) || !z3::eq(less.arg(0), x)) continue;
    const std::uint64_t can = possible(x);
    z3::expr below = number(0, 1);
    std::optional<z3::expr> out;
    for (unsigned bit = 0; bit < width(a); ++bit) {
      const bool there = (can >> bit & 1) != 0;
      const z3::expr own = there ? extract(x, bit, bit) : number(0, 1), kept = value(below) || !there ? number(0, 1) : bit_and(own, below);
      out = out ? join(kept, *out) : kept;
      if (there) below = bit_or(below, own);
    }
    return out;
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

z3::expr Bits::bit_and(const z3::expr& a, const z3::expr& b) {
  if (const auto out = split('&', a, b, [&](const auto& x, const auto& y) { return bit_and(x, y); })) return *out;
  if (value(a) && !value(b)) return bit_and(b, a);
  if (const auto y = value(b)) {
    if (*y == 0) return b;
    if (*y == mask(width(b))) return a;
    if (const auto rank = below_lowest(a, *y)) return *rank;
    if (const auto hits = zero_bytes(a, *y)) return *hits;
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
  if (canonical_ && a.num_args() == 2) {
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

// Each part of the number by itself, so that comparisons are of what was read.
std::optional<z3::expr> Bits::is_constant(const z3::expr& a, std::uint64_t constant) {
  const z3::expr wanted = number(constant, width(a));
  if (const auto out = split('=', a, wanted, [&](const auto& x, const auto& y) { return equal(x, y); })) return *out;
  if (width(a) == 1 && constant == 0) return negate(equal(a, number(1, 1)));
  if (constant != 0 || a.num_args() != 2) return std::nullopt;
  if (is(a, Z3_OP_BOR)) return both(equal(a.arg(0), wanted), equal(a.arg(1), wanted));
  if (is(a, Z3_OP_BXOR)) return equal(a.arg(0), a.arg(1));
  return std::nullopt;
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
  return smt::any(context_, {a, b});
}

z3::expr Bits::negate(const z3::expr& a) { return smt::negate(a); }

}  // namespace netpolc::verify::bytecode
