#include "tools/agreement/words.h"

#include "ir/map_layout.h"

namespace netpolc::agreement {
namespace {

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

const char* name(std::uint8_t reason) {
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

}  // namespace

Word word_of(const ir::SideVerdict& verdict) {
  return {verdict.verdict == ir::Verdict::Allow || verdict.verdict == ir::Verdict::AllowL7, verdict.verdict == ir::Verdict::AllowL7, reason_of(verdict), {}};
}

Word word_of_reason(std::uint8_t reason) {
  Word out{.allowed = reason == NP_REASON_FORWARDED || reason == NP_REASON_L7_NOT_ENFORCED || reason == NP_REASON_AUTH_REQUIRED, .proxied = {}, .reason = reason, .wrong = {}};
  if (reason != NP_REASON_AUTH_REQUIRED) out.proxied = reason == NP_REASON_L7_NOT_ENFORCED;
  return out;
}

std::string to_string(const Word& word) {
  if (!word.wrong.empty()) return word.wrong;
  if (word.reason) return std::string(name(*word.reason)) + " (" + std::to_string(*word.reason) + ")";
  if (!word.allowed) return "denied";
  return !word.proxied ? "allowed" : *word.proxied ? "allowed through a proxy" : "allowed without a proxy";
}

Word without_choice(Word word) {
  if (word.allowed) word.proxied = std::nullopt, word.reason = std::nullopt;
  return word;
}

bool agree(const Word& one, const Word& other) {
  if (!one.wrong.empty() || !other.wrong.empty() || one.allowed != other.allowed) return false;
  if (one.proxied && other.proxied && one.proxied != other.proxied) return false;
  return !one.reason || !other.reason || one.reason == other.reason;
}

std::string to_string(const PairWord& word) {
  if (!word.allowed) return "denied";
  return std::string("allowed") + (word.proxied ? " through a proxy" : "") + (word.authenticated ? ", authenticated" : "");
}

}  // namespace netpolc::agreement
