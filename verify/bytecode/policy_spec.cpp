// ir/decide/look_up.cpp with unknown peers: what it finds by walking the entries that hold is here a choice over all
// entries.
#include "verify/bytecode/policy_spec.h"

#include <algorithm>

#include "ir/map_layout.h"

namespace netpolc::verify::bytecode {
namespace {

using Entries = std::vector<ir::TableEntry>;

struct Judged {
  ir::Protocol protocol;
  std::uint8_t number;
  std::uint16_t highest;
};
constexpr Judged kJudged[] = {{ir::Protocol::Tcp, 6, 65535},
                              {ir::Protocol::Udp, 17, 65535},
                              {ir::Protocol::Sctp, 132, 65535},
                              {ir::Protocol::Icmp, 1, 255},
                              {ir::Protocol::Icmpv6, 58, 255}};
constexpr unsigned kModeBits = 8;

// One of the two candidates of section 5.4 as seen by the table: entries of the peer's own, or for everyone.
struct Candidate {
  std::vector<std::pair<z3::expr, const ir::TableEntry*>> chosen;  // exclusive
  z3::expr any;
  std::function<z3::expr(const ir::TableEntry&)> mode;  // where that entry is chosen
};

class Authentication {
 public:
  Authentication(Bits& bits, const Entries& entries, std::vector<z3::expr> holds) : bits_(bits), entries_(entries), holds_(std::move(holds)) {}

  z3::expr mode() {
    const Candidate own = candidate(false), all = candidate(true);
    z3::expr out = all_alone(all, number(ir::AuthMode::Unset));
    for (const auto& [when, mine] : own.chosen) {
      z3::expr here = own.mode(*mine);
      for (const auto& [also, everyones] : all.chosen) here = bits_.either(also, together(own, *mine, all, *everyones), here);
      out = bits_.either(when, here, out);
    }
    return out;
  }

 private:
  z3::expr number(ir::AuthMode mode) { return bits_.number(static_cast<std::uint64_t>(mode), kModeBits); }

  z3::expr all_alone(const Candidate& all, z3::expr out) {
    for (const auto& [when, entry] : all.chosen) out = bits_.either(when, all.mode(*entry), out);
    return out;
  }

  Candidate candidate(bool for_everyone) {
    Candidate out{{}, bits_.no(), {}};
    for (std::size_t e = 0; e < entries_.size(); ++e) {
      const ir::TableEntry& entry = entries_[e];
      if ((entry.bit == 0) != for_everyone) continue;
      // it is the first one, or narrower than the one so far and of its precedence
      z3::expr takes = bits_.negate(out.any);
      for (const auto& [when, other] : out.chosen)
        if (other->priority == entry.priority && entry.specificity > other->specificity) takes = bits_.one_of(takes, when);
      takes = bits_.both(holds_[e], takes);
      for (auto& [when, other] : out.chosen) when = bits_.both(when, bits_.negate(takes));
      out.chosen.emplace_back(takes, &entry);
      out.any = bits_.one_of(out.any, holds_[e]);
    }
    out.mode = [this, for_everyone](const ir::TableEntry& chosen) { return covering(chosen, for_everyone); };
    return out;
  }

  // Of the narrowest explicit entry that covers the chosen one; itself among them.
  z3::expr covering(const ir::TableEntry& chosen, bool for_everyone) {
    std::vector<std::size_t> order;
    for (std::size_t e = 0; e < entries_.size(); ++e)
      if ((entries_[e].bit == 0) == for_everyone && entries_[e].auth != ir::AuthMode::Unset && entries_[e].specificity <= chosen.specificity)
        order.push_back(e);
    const auto key = [&](std::size_t e) { return std::pair(entries_[e].specificity, entries_[e].auth); };
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    z3::expr out = number(ir::AuthMode::Unset);
    for (const std::size_t e : order) out = bits_.either(holds_[e], number(entries_[e].auth), out);
    return out;
  }

  z3::expr together(const Candidate& own, const ir::TableEntry& mine, const Candidate& all, const ir::TableEntry& everyones) {
    const bool equal = mine.priority == everyones.priority;
    const auto combined = [&](bool all_first) {
      const ir::TableEntry& first = all_first ? everyones : mine;
      const z3::expr one = all_first ? all.mode(everyones) : own.mode(mine);
      if (!equal || first.auth != ir::AuthMode::Unset) return one;
      const z3::expr other = all_first ? own.mode(mine) : all.mode(everyones);
      return bits_.either(bits_.below(one, other), other, one);
    };
    return combined(equal ? everyones.specificity > mine.specificity : wins_over(everyones, mine));
  }

  Bits& bits_;
  const Entries& entries_;
  std::vector<z3::expr> holds_;
};

std::uint32_t verdict(std::uint32_t reason, std::uint32_t rule) { return reason << 24 | rule; }

}  // namespace

Slices slices(const ir::DirectionTable& table) {
  Slices out;
  for (const Judged& judged : kJudged) {
    if (table.enforcement == ir::Enforcement::None) {
      out.all.push_back({judged.number, 0, judged.highest, nullptr});
      continue;
    }
    const auto of = [&](ir::Protocol protocol) {
      std::vector<const ir::L4Class*> found;
      for (const ir::L4Class& c : table.classes)
        if (c.protocol == protocol) found.push_back(&c);
      return found;
    };
    std::vector<const ir::L4Class*> classes = of(judged.protocol);
    if (classes.empty()) classes = of(ir::Protocol::Any);
    std::uint32_t next = 0;
    for (const ir::L4Class* c : classes) {
      if (c->first != next) break;
      if (c->first <= judged.highest) out.all.push_back({judged.number, c->first, std::min(c->last, judged.highest), &c->entries});
      next = c->last + 1u;
    }
    if (next <= judged.highest) out.gap = "the table says nothing about protocol " + std::to_string(judged.number) + " from number " + std::to_string(next) + " on";
  }
  return out;
}

z3::expr expected_verdict(Bits& bits, const ir::DirectionTable& table, const Entries* entries, const std::function<z3::expr(std::uint32_t)>& holds,
                          const z3::expr& identity) {
  const auto number = [&](std::uint32_t value) { return bits.number(value, 32); };
  if (entries == nullptr) return number(verdict(NP_REASON_FORWARDED, NP_NO_RULE));
  z3::expr out = number(verdict(NP_REASON_DEFAULT_DENY, NP_NO_RULE));
  if (table.localhost_exception) out = bits.either(bits.equal(identity, number(1)), number(verdict(NP_REASON_FORWARDED, NP_NO_RULE)), out);
  std::vector<z3::expr> having;
  for (const ir::TableEntry& entry : *entries) having.push_back(holds(entry.bit));
  std::optional<z3::expr> needs;  // authentication, that nobody does
  const bool asks = std::any_of(entries->begin(), entries->end(), [](const auto& e) { return e.auth >= ir::AuthMode::Required; });
  if (asks) needs = bits.at_most(bits.number(static_cast<std::uint64_t>(ir::AuthMode::Required), kModeBits), Authentication(bits, *entries, having).mode());
  for (std::size_t e = entries->size(); e-- > 0;) {
    const ir::TableEntry& entry = (*entries)[e];
    z3::expr one = number(verdict(entry.action == ir::Action::Deny ? NP_REASON_DENY : entry.l7 != ir::L7Parser::None ? NP_REASON_L7_NOT_ENFORCED : NP_REASON_FORWARDED,
                                  entry.rule));
    if (needs && entry.action == ir::Action::Allow) one = bits.either(*needs, number(verdict(NP_REASON_AUTH_REQUIRED, entry.rule)), one);
    out = bits.either(having[e], one, out);
  }
  return out;
}

}  // namespace netpolc::verify::bytecode
