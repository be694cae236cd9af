#include "ir/eval/conflicts.h"

#include <map>
#include <tuple>

namespace netpolc::ir::eval {
namespace {

const char* name_of(L7Parser parser) {
  switch (parser) {
    case L7Parser::None: return "none";
    case L7Parser::Http: return "http";
    case L7Parser::Dns: return "dns";
    case L7Parser::Kafka: return "kafka";
    case L7Parser::Generic: return "l7proto";
    case L7Parser::Tls: return "tls";
    case L7Parser::Crd: return "crd";
  }
  return "none";
}

// What the rules of one filter ask for one selector, so far.
struct Merged {
  L7Parser parser = L7Parser::None;
  std::string generic_name;
  std::vector<Listener> listeners;
  std::optional<TlsContext> terminating, originating;
  bool names = false, rules = false;
  AuthMode auth = AuthMode::Unset;
  RuleRef parser_from, listener_from, tls_from, names_from, auth_from;
};

bool has_rules(const L7& l7) {
  return !l7.http.empty() || !l7.dns.empty() || !l7.kafka.empty() || !l7.generic.empty();
}

Incomputable conflict(std::string reason, RuleRef a, RuleRef b) {
  Incomputable out{std::move(reason), {std::min(a, b), std::max(a, b)}};
  if (a == b) out.rules.pop_back();
  return out;
}

std::optional<Incomputable> merge_parser(Merged& merged, const L7& l7, RuleRef ref) {
  const L7Parser parser = redirect_of(l7).parser;
  if (parser == L7Parser::None) return std::nullopt;
  const bool promoted = merged.parser == L7Parser::Tls && parser == L7Parser::Http;
  const bool kept = merged.parser == L7Parser::Http && parser == L7Parser::Tls;
  if (merged.parser == L7Parser::None || promoted) {
    merged.parser = parser;
    merged.generic_name = l7.generic_name;
    merged.parser_from = ref;
  } else if (!kept && (merged.parser != parser || (parser == L7Parser::Generic && merged.generic_name != l7.generic_name))) {
    return conflict(std::string("cannot merge conflicting L7 parsers (") + name_of(merged.parser) + "/" + name_of(parser) + ")",
                    merged.parser_from, ref);
  }
  return std::nullopt;
}

std::optional<Incomputable> merge_listener(Merged& merged, const L7& l7, RuleRef ref) {
  if (!l7.listener) return std::nullopt;
  for (const Listener& other : merged.listeners) {
    if (other.priority == l7.listener->priority && other != *l7.listener) {
      return conflict("cannot merge conflicting listeners with the same priority", merged.listener_from, ref);
    }
  }
  if (merged.listeners.empty()) merged.listener_from = ref;
  merged.listeners.push_back(*l7.listener);
  return std::nullopt;
}

std::optional<Incomputable> merge_tls(std::optional<TlsContext>& merged, const std::optional<TlsContext>& tls, Merged& all, RuleRef ref, const char* which) {
  if (!tls) return std::nullopt;
  if (merged && *merged != *tls) return conflict(std::string("cannot merge conflicting ") + which + " TLS contexts", all.tls_from, ref);
  if (!merged) all.tls_from = ref;
  merged = tls;
  return std::nullopt;
}

std::optional<Incomputable> merge_l7(Merged& merged, const L7& l7, RuleRef ref) {
  if (l7.listener && l7.listener->unusable) {
    return conflict("a clusterwide policy cannot use a namespaced CiliumEnvoyConfig", ref, ref);
  }
  if (auto bad = merge_parser(merged, l7, ref)) return bad;
  if (auto bad = merge_listener(merged, l7, ref)) return bad;
  if (auto bad = merge_tls(merged.terminating, l7.terminating_tls, merged, ref, "terminating")) return bad;
  if (auto bad = merge_tls(merged.originating, l7.originating_tls, merged, ref, "originating")) return bad;
  if (!l7.server_names.empty() && !merged.names) merged.names_from = ref;
  merged.names |= !l7.server_names.empty();
  merged.rules |= has_rules(l7);
  return std::nullopt;
}

std::optional<Incomputable> merge_auth(Merged& merged, AuthMode auth, RuleRef ref) {
  if (auth == AuthMode::Unset) return std::nullopt;
  if (merged.auth != AuthMode::Unset && merged.auth != auth) {
    return conflict("cannot merge conflicting authentication modes", merged.auth_from, ref);
  }
  merged.auth = auth;
  merged.auth_from = ref;
  return std::nullopt;
}

using FilterKey = std::tuple<Protocol, std::uint16_t, std::uint16_t, std::string>;
using Filters = std::map<std::pair<FilterKey, std::string>, Merged>;

std::optional<Incomputable> merge(Filters& filters, const FilterKey& filter, const SelectedRule& rule, const L7& l7) {
  for (const ResolvedPeer& peer : *rule.peers) {
    Merged& merged = filters[{filter, peer.key}];
    if (auto bad = merge_l7(merged, l7, rule.ref)) return bad;
    if (auto bad = merge_auth(merged, rule.rule->auth, rule.ref)) return bad;
  }
  return std::nullopt;
}

std::optional<Incomputable> merge_rule(Filters& filters, const SelectedRule& rule) {
  if (rule.rule->any_l4) return merge(filters, {Protocol::Any, 0, 0, ""}, rule, L7{});
  for (const PortRule& item : rule.rule->ports) {
    for (const PortMatch& match : item.ports) {
      for (Protocol protocol : protocols_of(match.protocol)) {
        if (auto bad = merge(filters, {protocol, match.first, match.last, match.name}, rule, item.l7)) return bad;
      }
    }
  }
  return std::nullopt;
}

bool can_conflict(const Rule& rule) {
  if (rule.auth != AuthMode::Unset) return true;
  for (const PortRule& item : rule.ports) {
    if (item.l7.redirects()) return true;
  }
  return false;
}

}  // namespace

std::optional<Incomputable> find_conflict(const std::vector<SelectedRule>& rules) {
  Filters filters;
  for (const SelectedRule& rule : rules) {
    if (rule.rule->action == Action::Deny || !can_conflict(*rule.rule)) continue;
    if (auto bad = merge_rule(filters, rule)) return bad;
  }
  // Both halves may come from different rules, so this is judged at the end.
  for (const auto& [key, merged] : filters) {
    if (merged.names && merged.rules && !merged.terminating) {
      return conflict("`serverNames` with L7 rules need `terminatingTLS`", merged.names_from, merged.parser_from);
    }
  }
  return std::nullopt;
}

}  // namespace netpolc::ir::eval
