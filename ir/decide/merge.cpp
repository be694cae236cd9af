#include "ir/decide/merge.h"

#include <algorithm>

namespace netpolc::ir {
namespace {

std::string parser_name(L7Parser parser, const L7& l7) {
  switch (parser) {
    case L7Parser::None: return "none";
    case L7Parser::Http: return "http";
    case L7Parser::Dns: return "dns";
    case L7Parser::Kafka: return "kafka";
    case L7Parser::Generic: return l7.generic_name;
    case L7Parser::Tls: return "tls";
    case L7Parser::Crd: return "crd";
  }
  return "none";
}

bool has_rules(const L7& l7) {
  return !l7.http.empty() || !l7.dns.empty() || !l7.kafka.empty() || !l7.generic.empty() || l7.parser == L7Parser::Generic;
}

bool same_listener(const Listener& a, const Listener& b) {
  return a.kind == b.kind && a.config_name == b.config_name && a.name == b.name && a.config_namespace == b.config_namespace;
}

// The allows of one filter and peer, folded one by one.
class Fold {
 public:
  std::optional<std::string> add(const Contribution& next) {
    if (next.rule->auth != AuthMode::Unset) {
      if (merged.auth != AuthMode::Unset && merged.auth != next.rule->auth) return "conflicting authentication modes";
      merged.auth = next.rule->auth;
    }
    if (!next.l7 || !next.l7->redirects()) return std::nullopt;
    const L7& l7 = *next.l7;
    if (auto conflict = parser(l7, next.index)) return conflict;
    if (auto conflict = tls(terminating_, l7.terminating_tls, "terminating")) return conflict;
    if (auto conflict = tls(originating_, l7.originating_tls, "originating")) return conflict;
    names_ |= !l7.server_names.empty();
    rules_ |= has_rules(l7);
    if (names_ && rules_ && !terminating_) return "server names together with L7 rules without TLS termination";
    return std::nullopt;
  }
  Merged merged;

 private:
  std::optional<std::string> parser(const L7& l7, std::uint32_t index) {
    const L7Parser next = redirect_parser(l7);
    const bool web = (next == L7Parser::Http && merged.parser == L7Parser::Tls) || (next == L7Parser::Tls && merged.parser == L7Parser::Http);
    const bool differ = first_ && merged.parser != next && !web;
    if (differ || (first_ && next == L7Parser::Generic && first_->generic_name != l7.generic_name))
      return "conflicting L7 parsers (" + parser_name(merged.parser, *first_) + "/" + parser_name(next, l7) + ")";
    const std::uint8_t priority = redirect_priority(l7);
    if (next == L7Parser::Crd && first_ && priority == merged.priority && !same_listener(*first_->listener, *l7.listener))
      return "conflicting listeners of equal priority";
    if (!first_ || priority < merged.priority) {
      first_ = &l7;
      merged.priority = priority;
      merged.parser = next;
      merged.rule = index;
    }
    return std::nullopt;
  }
  std::optional<std::string> tls(const TlsContext*& known, const std::optional<TlsContext>& next, const char* which) {
    if (!next) return std::nullopt;
    if (known && *known != *next) return std::string("conflicting ") + which + " TLS contexts";
    known = &*next;
    return std::nullopt;
  }

  const L7* first_ = nullptr;  // the redirect of highest precedence so far
  const TlsContext* terminating_ = nullptr;
  const TlsContext* originating_ = nullptr;
  bool names_ = false, rules_ = false;
};

}  // namespace

L7Parser redirect_parser(const L7& l7) {
  if (!l7.redirects()) return L7Parser::None;
  if (l7.listener) return L7Parser::Crd;
  return has_rules(l7) ? l7.parser : L7Parser::Tls;
}

std::uint8_t redirect_priority(const L7& l7) {
  switch (redirect_parser(l7)) {
    case L7Parser::None: return 0;
    case L7Parser::Http: return 101;
    case L7Parser::Kafka: return 106;
    case L7Parser::Generic: return 111;
    case L7Parser::Tls: return 116;
    case L7Parser::Dns: return 121;
    case L7Parser::Crd: break;
  }
  const std::uint16_t own = l7.listener ? l7.listener->priority : 0;
  return own == 0 || own > 126 ? 126 : static_cast<std::uint8_t>(own);
}

MergeResult merge(const Contribution* begin, const Contribution* end) {
  MergeResult out;
  for (const Contribution* c = begin; c != end; ++c) {
    if (c->rule->action != Action::Deny) continue;
    out.merged = {Action::Deny, L7Parser::None, 0, AuthMode::Unset, c->index};
    return out;
  }
  const Contribution* first = std::find_if(begin, end, [](const Contribution& c) { return c.rule->action == Action::Allow; });
  if (first == end) {
    out.merged = {Action::Pass, L7Parser::None, 0, AuthMode::Unset, begin->index};
    return out;
  }
  Fold fold;
  fold.merged.rule = first->index;
  for (const Contribution* c = first; c != end; ++c) {
    if (c->rule->action != Action::Allow) continue;
    if (const auto conflict = fold.add(*c)) {
      out.conflict = conflict;
      out.between = {first->index, c->index};
      return out;
    }
  }
  out.merged = fold.merged;
  return out;
}

}  // namespace netpolc::ir
