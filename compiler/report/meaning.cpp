// What a policy means, in the words of `explain policy`: selectors as Cilium reads them, so with the namespace that it adds.
#include <algorithm>

#include "compiler/explain/policy.h"
#include "compiler/explain/words.h"
#include "compiler/report/model.h"

namespace netpolc::compiler {
namespace {

std::string default_deny_words(const ir::Policy& policy, const ir::Config& config) {
  if (config.mode == ir::PolicyMode::Always) return "default deny is on for everybody (`enable-policy` is `always`)";
  if (config.mode == ir::PolicyMode::Never) return "nothing is enforced (`enable-policy` is `never`)";
  std::string out;
  for (const ir::Direction direction : {ir::Direction::Ingress, ir::Direction::Egress}) {
    const bool speaks = std::any_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& rule) { return rule.direction == direction; });
    if (speaks && explain::denies_by_default(policy, direction, config)) out += std::string(out.empty() ? "" : " and ") + (direction == ir::Direction::Ingress ? "ingress" : "egress");
  }
  return out.empty() ? "leaves default deny off" : "switches default deny on for " + out;
}

std::string rule_words(const ir::Rule& rule) {
  const bool ingress = rule.direction == ir::Direction::Ingress;
  const char* verb = rule.action == ir::Action::Allow ? "allows " : rule.action == ir::Action::Deny ? "denies " : "passes on ";
  std::string out = rule.path + " " + verb + (ingress ? "from " : "to ") + explain::peers_words(rule) + ", on " + explain::ports_words(rule);
  for (const ir::PortRule& ports : rule.ports)
    for (const std::string& condition : explain::l7_words(ports.l7)) out += "; " + condition;
  return out + (rule.auth == ir::AuthMode::Unset ? "" : "; authentication: " + explain::auth_words(rule.auth));
}

}  // namespace

std::vector<std::string> meaning_of(const ir::Policy& policy, const ir::Config& config) {
  std::vector<std::string> out{"for " + explain::subject_words(policy) + "; " + default_deny_words(policy, config)};
  for (const ir::Rule& rule : policy.rules) out.push_back(rule_words(rule));
  return out;
}

}  // namespace netpolc::compiler
