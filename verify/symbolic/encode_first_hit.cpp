// Which redirect Cilium 1.16 takes: that of the first entry of the policy map that is hit (semantics reference 5.4, 4.5).
#include <algorithm>
#include <bit>

#include "verify/smt/solver.h"
#include "verify/symbolic/encode.h"

namespace netpolc::verify::symbolic {
namespace {

constexpr int kPortBits = 16, kProtocolBits = 8;

// Entries by port come first, the longest first, then those by protocol, then those by peer alone; of each the peer's own.
int place(int key_bits, bool everyone) {
  if (key_bits > kProtocolBits) return (everyone ? kPortBits : 0) + kProtocolBits + kPortBits - key_bits;
  return 2 * kPortBits + (key_bits == 0 ? 2 : 0) + (everyone ? 1 : 0);
}

// A range has an entry for each largest aligned block (section 1.6).
struct Block {
  std::uint16_t first, last;
  int key_bits;
};
std::vector<Block> blocks(std::uint32_t first, std::uint32_t last) {
  std::vector<Block> out;
  for (std::uint32_t begin = first; begin <= last;) {
    std::uint32_t size = 1;
    while (begin % (2 * size) == 0 && begin + 2 * size - 1 <= last) size *= 2;
    out.push_back({static_cast<std::uint16_t>(begin), static_cast<std::uint16_t>(begin + size - 1), kProtocolBits + kPortBits - static_cast<int>(std::bit_width(size) - 1)});
    begin += size;
  }
  return out;
}

struct Hits {
  std::vector<z3::expr> any, redirect, http, tls, dns;
  void add(const z3::expr& hit, ir::eval::Redirect to) {
    if (hit.is_false()) return;
    any.push_back(hit);
    if (to.rank > 0) redirect.push_back(hit);
    if (to.parser == ir::L7Parser::Http) http.push_back(hit);
    if (to.parser == ir::L7Parser::Tls) tls.push_back(hit);
    if (to.parser == ir::L7Parser::Dns) dns.push_back(hit);
  }
};

}  // namespace

Encoder::Chosen Encoder::first_hit(const std::vector<Selected>& selected, const z3::expr& narrowed, Question& question) {
  std::map<int, Hits> places;
  const auto any = [&](const std::vector<z3::expr>& terms) { return smt::any(context_, terms); };
  const auto all = [&](const std::vector<z3::expr>& terms) { return smt::all(context_, terms); };
  std::vector<z3::expr> denies{constant(world_.cluster.config.mode == ir::PolicyMode::Always), has_key(question.subject, "init")};
  for (const Selected& s : selected) {
    if (s.policy->default_denies[index(question.direction)]) denies.push_back(s.by);
    for (const PreparedRule& rule : s.policy->rules[index(question.direction)]) {
      if (rule.ref == left_out_ || rule.rule->action != ir::Action::Allow) continue;
      std::vector<z3::expr> by[2];
      for (const ir::eval::ResolvedPeer& peer : rule.peers) by[std::holds_alternative<ir::eval::Everyone>(peer.matcher) ? 1 : 0].push_back(is_peer(peer, question.peer, narrowed));
      const auto add = [&](int key_bits, const z3::expr& here, ir::eval::Redirect to) {
        for (const bool everyone : {false, true}) places[place(key_bits, everyone)].add(all({s.by, any(by[everyone ? 1 : 0]), here}), to);
      };
      if (rule.rule->any_l4) add(0, constant(true), {});
      for (const ir::PortRule& item : rule.rule->ports) {
        const ir::eval::Redirect to = ir::eval::redirect_of(item.l7);
        for (const ir::PortMatch& match : item.ports)
          for (const ir::Protocol protocol : ir::eval::protocols_of(match.protocol)) {
            const bool every = match.name.empty() && match.first == 0 && match.last == 0;
            if (!match.name.empty() || every) {
              const z3::expr here = port(match, protocol, question.direction, question.subject, question.peer, question.traffic);
              add(every ? kProtocolBits : kProtocolBits + kPortBits, here, to);
              if (is_named_range(match)) question.unmodelled.push_back(all({s.by, is_peer(rule, question.peer, narrowed), here}));
              continue;
            }
            const z3::expr is = question.traffic.is(protocol);
            if (is.is_false()) continue;
            for (const Block& block : blocks(match.first, match.last)) add(block.key_bits, all({is, question.traffic.within(block.first, block.last)}), to);
          }
      }
    }
  }
  Chosen out{constant(false), constant(false), constant(false), constant(false)};
  z3::expr earlier = constant(false);
  for (const auto& [at, hits] : places) {
    const z3::expr here = all({smt::negate(earlier), any(hits.any)}), http = any(hits.http), tls = any(hits.tls);
    out.redirected = any({out.redirected, all({here, any(hits.redirect)})});
    out.http = any({out.http, all({here, http})});
    out.tls = any({out.tls, all({here, smt::negate(http), tls})});
    out.dns = any({out.dns, all({here, smt::negate(http), smt::negate(tls), any(hits.dns)})});
    earlier = any({earlier, any(hits.any)});
  }
  // The host's own exception goes around proxies (section 4.5).
  const bool localhost = question.direction == ir::Direction::Ingress && world_.cluster.config.allow_localhost && !question.subject.is_host() && question.peer.pod == nullptr &&
                         ir::eval::has_label(question.peer.facts->labels, "reserved", "host");
  if (!localhost) return out;
  const z3::expr asked = smt::negate(any(denies));
  return {all({asked, out.redirected}), all({asked, out.http}), all({asked, out.tls}), all({asked, out.dns})};
}

}  // namespace netpolc::verify::symbolic
