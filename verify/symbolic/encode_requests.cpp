// What proxies let pass, as formulas: sections 5.6, 5.8 and 7 of the semantics reference.
#include <algorithm>

#include "ir/eval/requests.h"
#include "verify/smt/solver.h"
#include "verify/symbolic/encode.h"

namespace netpolc::verify::symbolic {

void Encoder::collect_names(const std::vector<Selected>& selected, Question& question) {
  const bool narrows = world_.cluster.config.version < 19;
  for (const Selected& s : selected)
    for (const PreparedRule& rule : s.policy->rules[index(question.direction)]) {
      if (rule.ref == left_out_ || rule.rule->action != ir::Action::Allow) continue;
      question.names_unknown |= narrows && !rule.rule->requires_all.empty();
      if (!rule.names) continue;
      for (const ir::PortRule& item : rule.rule->ports) {
        if (item.l7.server_names.empty() || !ir::eval::unmodelled(item.l7, request_->kind(), ir::Protocol::Tcp, world_.cluster.config.version).empty()) continue;
        const z3::expr missing = guarded(smt::negate(request_->has_server_name(item.l7)), {rule.ref, false, true});
        for (const ir::PortMatch& match : item.ports)
          for (const ir::Protocol protocol : ir::eval::protocols_of(match.protocol))
            for (const ir::eval::ResolvedPeer& peer : rule.peers) {
              Names& names = question.names[{rule.level, protocol, match.first, match.last, match.name, peer.key}];
              names.asked.push_back(s.by);
              names.listed.push_back(smt::all(context_, {s.by, smt::negate(missing)}));
            }
      }
    }
}

// The rule's policy selects, and one of its selectors means the peer and asks for no name, or for the request's.
z3::expr Encoder::by_server_name(const Selected& selected, const PreparedRule& rule, const ir::PortMatch& match, ir::Protocol protocol, const z3::expr& narrowed, const Question& question) {
  std::vector<z3::expr> out;
  for (const ir::eval::ResolvedPeer& peer : rule.peers) {
    const z3::expr is = is_peer(peer, question.peer, narrowed);
    if (is.is_false()) continue;
    const auto names = question.names.find({rule.level, protocol, match.first, match.last, match.name, peer.key});
    const z3::expr named = names == question.names.end() ? constant(true) : smt::any(context_, {smt::negate(smt::any(context_, names->second.asked)), smt::any(context_, names->second.listed)});
    out.push_back(smt::all(context_, {is, named}));
  }
  return smt::all(context_, {selected.by, smt::any(context_, out)});
}

// Which of the rule's lists have the request. The DNS proxy asks those of just this port, Envoy all.
void Encoder::lists(const Selected& selected, const PreparedRule& rule, const z3::expr& narrowed, Question& question, Sums& out) {
  const std::size_t kind = request_->kind();
  const bool dns = kind == ir::eval::kDnsKind;
  const z3::expr who = smt::all(context_, {selected.by, is_peer(rule, question.peer, narrowed)});
  if (rule.rule->any_l4) {
    (dns ? out.at_names : out.through).push_back(who);
    return;
  }
  const auto version = world_.cluster.config.version;
  const Forbids by_list{rule.ref, false, true};
  for (const ir::PortRule& item : rule.rule->ports)
    for (const ir::PortMatch& match : item.ports)
      for (const ir::Protocol protocol : ir::eval::protocols_of(match.protocol)) {
        const z3::expr here = port(match, protocol, question.direction, question.subject, question.peer, question.traffic);
        if (here.is_false()) continue;
        const z3::expr asked = smt::all(context_, {who, here});
        const bool named_range = !match.name.empty() && match.last != 0 && version < 20;
        const bool of_this_port = !match.name.empty() || (match.first == match.last && match.first != 0);
        if (!ir::eval::unmodelled(item.l7, kind, protocol, version).empty() || (dns && (named_range || (!item.l7.dns.empty() && !of_this_port))) ||
            (question.names_unknown && !item.l7.server_names.empty())) {
          question.unmodelled.push_back(asked);
          continue;
        }
        switch (ir::eval::redirect_of(item.l7).parser) {
          case ir::L7Parser::Http: out.http.push_back(asked), out.http_ends.push_back(guarded(asked, by_list)); break;
          case ir::L7Parser::Dns: out.dns.push_back(asked), out.dns_ends.push_back(guarded(asked, by_list)); break;
          case ir::L7Parser::Tls: out.tls.push_back(asked); break;
          default: break;
        }
        if (dns && of_this_port) {
          const z3::expr missing = item.l7.http.empty() ? guarded(smt::negate(request_->in_list(item.l7)), by_list) : constant(true);
          out.through.push_back(smt::all(context_, {asked, smt::negate(missing)}));
        }
        if (!item.l7.dns.empty()) {
          out.perhaps.push_back(asked);
          continue;
        }
        const z3::expr listed = kind == ir::eval::kHttpKind ? request_->in_list(item.l7) : constant(item.l7.http.empty());
        const z3::expr by = question.names.empty() ? who : by_server_name(selected, rule, match, protocol, narrowed, question);
        (dns ? out.at_names : out.through).push_back(smt::all(context_, {by, here, smt::negate(guarded(smt::negate(listed), by_list))}));
      }
}

// Of several proxies, where it is not another question, HTTP's is chosen before the one for server names, and that before the DNS proxy (section 5.4).
Encoder::AtProxy Encoder::at_proxy(const Sums& sums, const std::optional<Chosen>& chosen, const z3::expr& unknown, const z3::expr& anything, const z3::expr& proxied, const z3::expr& at_names) {
  const auto any = [&](const std::vector<z3::expr>& terms) { return smt::any(context_, terms); };
  const auto all = [&](const std::vector<z3::expr>& terms) { return smt::all(context_, terms); };
  const z3::expr http = chosen ? chosen->http : any(sums.http), tls = chosen ? chosen->tls : any(sums.tls), envoy = any({http, tls});
  const std::size_t kind = request_->kind();
  const bool dns = kind == ir::eval::kDnsKind;
  const z3::expr perhaps = all({any(sums.perhaps), anything});
  if (const z3::expr doubtful = all({any(sums.perhaps), kind == ir::eval::kHttpKind ? envoy : tls}); !doubtful.is_false()) unmodelled_.push_back(doubtful);
  const z3::expr through = dns ? any({any(sums.through), proxied}) : any({any(sums.through), perhaps, proxied});
  const z3::expr through_names = dns ? any({any(sums.at_names), perhaps, at_names}) : constant(false);
  const z3::expr http_ends = chosen ? chosen->http : any(sums.http_ends), dns_ends = chosen ? chosen->dns : all({any(sums.dns_ends), smt::negate(envoy)});
  const z3::expr ends = dns ? http_ends : kind == ir::eval::kHttpKind ? dns_ends : any({http_ends, dns_ends});
  const z3::expr lets = dns ? any({all({tls, through_names}), all({smt::negate(tls), through})}) : through;
  return {any({all({unknown, anything}), all({smt::negate(unknown), smt::negate(ends), lets})}), through, through_names};
}

}  // namespace netpolc::verify::symbolic
