#include "tools/agreement/words.h"

#include "compiler/kernel_judge/reasons.h"
#include "ir/map_layout.h"

namespace netpolc::agreement {

Word word_of(const ir::SideVerdict& verdict) {
  return {verdict.verdict == ir::Verdict::Allow || verdict.verdict == ir::Verdict::AllowL7, verdict.verdict == ir::Verdict::AllowL7, kernel_judge::reason_of(verdict), {}};
}

Word word_of_reason(std::uint8_t reason) {
  Word out{.allowed = kernel_judge::is_allowed(reason), .proxied = {}, .reason = reason, .wrong = {}};
  if (reason != NP_REASON_AUTH_REQUIRED) out.proxied = reason == NP_REASON_L7_NOT_ENFORCED;
  return out;
}

std::string to_string(const Word& word) {
  if (!word.wrong.empty()) return word.wrong;
  if (word.reason) return std::string(kernel_judge::to_string(*word.reason)) + " (" + std::to_string(*word.reason) + ")";
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
