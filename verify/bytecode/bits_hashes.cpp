// Bits with abstract_products: where the terms of both sides of a proof about hashes must become the same.
#include <bit>

#include "verify/bytecode/bits.h"

namespace netpolc::verify::bytecode {
namespace {

constexpr unsigned kMostLeaves = 4096;

std::uint64_t mask(unsigned width) { return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1; }

bool is(const z3::expr& term, Z3_decl_kind kind) { return term.is_app() && term.decl().decl_kind() == kind; }

}  // namespace

bool Bits::out_of_order(const z3::expr& a, const z3::expr& b) const {
  if (!canonical_) return false;
  const bool x = value(a).has_value(), y = value(b).has_value();
  return x != y ? x : !x && b.id() < a.id();
}

z3::expr Bits::named(const z3::expr& term) {
  const auto key = std::tuple('n', term.id(), 0u);
  if (const auto known = split_.find(key); known != split_.end()) return known->second;
  const z3::expr name = fresh("name", term.is_bool() ? 1 : width(term));
  names_.push_back({name, term.is_bool() ? (name == number(1, 1)) == term : name == term});
  if (!term.is_bool() && width(term) <= 64) promise(name, range(term));
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

// The bits of a mask, where they lie, and zeros between them.
std::optional<z3::expr> Bits::cut_out(const z3::expr& a, std::uint64_t m) {
  const unsigned bits = width(a);
  if (!canonical_ || bits > 64 || value(a)) return std::nullopt;
  std::optional<z3::expr> out;
  for (unsigned from = 0; from < bits;) {
    unsigned to = from;
    while (to + 1 < bits && (m >> (to + 1) & 1) == (m >> from & 1)) ++to;
    const z3::expr run = (m >> from & 1) != 0 ? extract(a, to, from) : number(0, to - from + 1);
    out = out ? join(run, *out) : run;
    from = to + 1;
  }
  return out;
}

// The sign of a small number less 1: is it 0? That of a difference is anything.
std::optional<z3::expr> Bits::sign_below_zero(const z3::expr& a, unsigned high, unsigned low) {
  const unsigned bits = width(a);
  if (!canonical_ || bits > 64 || high != bits - 1 || low != high || a.num_args() != 2) return std::nullopt;
  if (is(a, Z3_OP_BSUB) && bits == 64) {
    const auto key = std::tuple('d', a.id(), 0u);
    if (const auto known = split_.find(key); known != split_.end()) return known->second;
    kept_.push_back(a);
    return split_.emplace(key, fresh("sign", 1)).first->second;
  }
  if (!is(a, Z3_OP_BADD)) return std::nullopt;
  if (value(a.arg(1)) != mask(bits) || range(a.arg(0)).high > mask(bits) >> 1) return std::nullopt;
  return named(equal(a.arg(0), number(0, bits)));
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

// An OR is made of the bits of both sides where they lie.
std::optional<z3::expr> Bits::placed(const z3::expr& a, const z3::expr& b) {
  const unsigned bits = width(a);
  if (!canonical_ || bits > 64) return std::nullopt;
  const auto x = value(a), y = value(b);
  if (x && y) return std::nullopt;
  const std::uint64_t ones = x.value_or(0) | y.value_or(0), in_a = possible(a) & ~ones, in_b = possible(b) & ~ones;
  if ((in_a & in_b) != 0 && (in_a | in_b) == mask(bits)) return std::nullopt;
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
  // 0: nobody, 1: a, 2: b, 3: both, 4: one
  const auto owner = [&](unsigned bit) { return (ones >> bit & 1) != 0 ? 4u : static_cast<unsigned>((in_a >> bit & 1) | (in_b >> bit & 1) << 1); };
  for (unsigned from = 0; from < bits;) {
    unsigned to = from;
    while (to + 1 < bits && owner(to + 1) == owner(from)) ++to;
    const unsigned whose = owner(from);
    if (whose == 3) take(bit_or(extract(a, to, from), extract(b, to, from)));
    else take(whose == 1 ? extract(a, to, from) : whose == 2 ? extract(b, to, from) : number(whose == 4 ? ~std::uint64_t{0} : 0, to - from + 1));
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

// Sums of two choices that have nothing to do with each other would be of as many parts as both have together.
bool Bits::unrelated(const z3::expr& a, const z3::expr& b) const {
  unsigned most = kMostLeaves;
  return canonical_ && is(a, Z3_OP_ITE) && is(b, Z3_OP_ITE) && !z3::eq(a.arg(0), b.arg(0)) && !is_choice(a, most) && !is_choice(b, most);
}

// (p - b) + b, constants before what is subtracted, and the same or nothing: the lesser of two without a jump.
std::optional<z3::expr> Bits::plain_sum(const z3::expr& a, const z3::expr& b) {
  if (!canonical_ || width(a) > 64) return std::nullopt;
  for (const auto& [x, y] : {std::pair(a, b), std::pair(b, a)}) {
    if (value(x) == 0) return y;
    if (is(x, Z3_OP_BSUB) && x.num_args() == 2 && z3::eq(x.arg(1), y)) return x.arg(0);
    if (is(x, Z3_OP_BSUB) && x.num_args() == 2 && value(y)) return sub(add(x.arg(0), y), x.arg(1));
    if (is(x, Z3_OP_ITE) && (value(x.arg(1)) == 0 || value(x.arg(2)) == 0)) {
      const bool first = value(x.arg(1)) == 0;
      const z3::expr taken = first ? negate(x.arg(0)) : x.arg(0);
      if (const auto sum = plain_sum(x.arg(first ? 2 : 1), y)) {
        const z3::expr name = width(*sum) == 64 ? join(fresh("upper", 61), extract(*sum, 2, 0)) : *sum;
        lesser_.push_back({y, *sum, name, taken, either(taken, name, y)});
        return lesser_.back().lesser;
      }
    }
  }
  return std::nullopt;
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

}  // namespace netpolc::verify::bytecode
