#include "compiler/kernel_judge/reasons.h"

#include <algorithm>

#include "ir/map_layout.h"

namespace netpolc::kernel_judge {

std::uint8_t reason_of(const ir::SideVerdict& verdict) {
  if (verdict.encapsulation) return NP_REASON_ENCAPSULATION;
  switch (verdict.verdict) {
    case ir::Verdict::Deny: return NP_REASON_DENY;
    case ir::Verdict::DefaultDeny: return NP_REASON_DEFAULT_DENY;
    case ir::Verdict::Allow:
    case ir::Verdict::AllowL7: break;
  }
  if (verdict.auth >= ir::AuthMode::Required) return NP_REASON_AUTH_REQUIRED;
  return verdict.verdict == ir::Verdict::AllowL7 ? NP_REASON_L7_NOT_ENFORCED : NP_REASON_FORWARDED;
}

bool is_allowed(std::uint8_t reason) { return reason == NP_REASON_FORWARDED || reason == NP_REASON_L7_NOT_ENFORCED || reason == NP_REASON_AUTH_REQUIRED; }

const char* to_string(std::uint8_t reason) {
  switch (reason) {
    case NP_REASON_FORWARDED: return "allowed";
    case NP_REASON_DENY: return "denied by a rule";
    case NP_REASON_DEFAULT_DENY: return "denied by default";
    case NP_REASON_AUTH_REQUIRED: return "allowed to who is authenticated";
    case NP_REASON_L7_NOT_ENFORCED: return "allowed through a proxy";
    case NP_REASON_ENCAPSULATION: return "denied, the overlay's port";
    default: return "dropped";
  }
}

bool names_who_decided(const ir::DirectionTable& table, const std::vector<ir::RuleRef>& own, const ir::SideVerdict& verdict, std::uint32_t rule) {
  const bool by_default = verdict.verdict == ir::Verdict::DefaultDeny;
  if (rule == NP_NO_RULE) return by_default || verdict.enforcement == ir::Enforcement::None || verdict.localhost_exception || verdict.encapsulation;
  if (rule >= table.rules.size() || rule >= own.size()) return false;
  if (table.rules[rule] != ir::synthesized_rule) return !by_default && std::find(verdict.rules.begin(), verdict.rules.end(), own[rule]) != verdict.rules.end();
  // Nobody's rule: what all may where no policy asks for default deny, what the own node may, and beside rules that pass, which
  // say "deny" then, default deny (semantics 4.4, 4.5, 5.10).
  if (verdict.verdict == ir::Verdict::Deny) return verdict.enforcement == ir::Enforcement::DefaultDeny;
  return verdict.verdict == ir::Verdict::Allow && (verdict.enforcement == ir::Enforcement::DefaultAllow || verdict.localhost_exception);
}

}  // namespace netpolc::kernel_judge
