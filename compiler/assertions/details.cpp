#include "compiler/assertions/details.h"

#include "compiler/answers.h"

namespace netpolc::compiler::assertions {

const char* to_string(Status status) {
  switch (status) {
    case Status::Passed: return "passed";
    case Status::Failed: return "failed";
    case Status::Vacuous: return "vacuous";
    case Status::Undecided: return "undecided";
  }
  return "undecided";
}

void worsen(Outcome& all, Outcome more) {
  const auto weight = [](Status status) { return status == Status::Failed ? 3 : status == Status::Vacuous ? 2 : status == Status::Undecided ? 1 : 0; };
  all.policies.insert(more.policies.begin(), more.policies.end());
  if (all.scope.empty()) all.scope = more.scope;
  if (weight(more.status) < weight(all.status)) return;
  if (weight(more.status) > weight(all.status)) {
    all.status = more.status;
    all.details.clear();
  }
  all.details.insert(all.details.end(), std::make_move_iterator(more.details.begin()), std::make_move_iterator(more.details.end()));
}

namespace {

bool refuses(const verify::Side& side) { return side.request && side.request->word == ir::RequestVerdict::Word::Denied; }

}  // namespace

bool denies(const std::optional<verify::Side>& side) {
  if (!side || side->verdict == nullptr) return false;
  return refuses(*side) || side->verdict->verdict == ir::Verdict::Deny || side->verdict->verdict == ir::Verdict::DefaultDeny;
}

void say(const char* name, const std::optional<verify::Side>& side, const ir::PolicySet& policies, std::vector<Detail>& out) {
  if (!side || side->verdict == nullptr) return;
  const auto& rules = side->request ? side->request->rules : side->verdict->rules;
  const std::string said = std::string(name) + ": " + (side->request ? because(*side->request) : because(*side->verdict));
  if (rules.empty()) return out.push_back({said});
  // A policy that switches on default deny does so by all its rules: one will do.
  const bool by_default = !side->request && side->verdict->verdict == ir::Verdict::DefaultDeny;
  std::set<std::uint32_t> named;
  for (const ir::RuleRef& ref : rules)
    if (named.insert(ref.policy).second || !by_default) out.push_back({said + " " + rule_name(ref, policies), place_of(ref, policies)});
}

void note_policies(const std::optional<verify::Side>& side, std::set<std::uint32_t>& out) {
  if (!side || side->verdict == nullptr) return;
  for (const ir::RuleRef& ref : side->verdict->rules) out.insert(ref.policy);
  if (side->request)
    for (const ir::RuleRef& ref : side->request->rules) out.insert(ref.policy);
}

}  // namespace netpolc::compiler::assertions
