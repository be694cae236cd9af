// Rules that the solver proves: policy without which every verdict on every pod that could be stays the same (verify/dead.h). They
// take seconds where others take milliseconds, and run only where they are asked for.
#include "compiler/lint/rule.h"
#include "frontend/label_filter.h"
#include "verify/dead.h"

namespace netpolc::lint {
namespace {

using verify::DeadPolicy;

std::vector<DeadPolicy> dead(const Facts& facts) {
  const ir::IdentityLock numbers;  // whatever they are
  verify::Judge judge(facts.world(), numbers);
  const frontend::LabelFilter filter(facts.cluster().config);
  std::uint64_t steps = 0;
  return verify::find_dead(facts.world(), judge, [&](const std::string& key) { return filter.keeps({"k8s", key, ""}); }, {}, steps);
}

// One search for both.
void find_dead(const Facts& facts, Findings& out) {
  for (const DeadPolicy& one : dead(facts)) {
    const ir::Policy& policy = facts.policies()[one.rule.policy];
    if (one.why == DeadPolicy::Why::NeverDecides)
      out.push_back({.kind = DiagKind::NeverDecides,
                     .where = policy.rules[one.rule.rule].where,
                     .message = "without this entry every verdict would be the same, whatever pods there are",
                     .label = one.note.empty() ? "others say the same wherever it speaks, or it never does" : one.note,
                     .severity = Severity::Warning});
    if (one.why == DeadPolicy::Why::SelectsNobodyEver)
      out.push_back({.kind = DiagKind::SelectsNobodyEver,
                     .where = facts.places().key(policy.where, policy.kind == ir::PolicyKind::NetworkPolicy ? "podSelector" : "endpointSelector"),
                     .message = "no pod that could be has what this policy asks for",
                     .label = "its conditions contradict each other, or ask for labels that identities do not have",
                     .severity = Severity::Warning});
  }
}

}  // namespace

std::vector<Rule> proved_rules() {
  return {
          {DiagKind::NeverDecides, Severity::Warning, Needs::Policies, find_dead,
           "The solver has found no pod, peer, port and request, of those that are and of those that could be, for which this entry "
           "decides anything: others allow or deny the same, or deny what it allows. It can go, or it does not say what its author "
           "thinks. What cannot be decided in time is not reported: `netpolc verify dead` lists it, too.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromEndpoints: [{matchLabels: {team: blue}}]
  - fromEndpoints: [{matchLabels: {team: blue, app: checkout}}]
    toPorts:
    - ports: [{port: "8080", protocol: TCP}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromEndpoints: [{matchLabels: {team: blue}}]
  - fromEndpoints: [{matchLabels: {team: red, app: checkout}}]
    toPorts:
    - ports: [{port: "8080", protocol: TCP}]
)",
           {}, true},
          {DiagKind::SelectsNobodyEver, Severity::Warning, Needs::Policies, find_dead,
           "The solver has found no pod that this policy could select: its conditions exclude each other. It does nothing, not even "
           "deny by default.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels: {app: cart}
    matchExpressions: [{key: app, operator: NotIn, values: [cart, checkout]}]
  ingress:
  - fromEntities: [cluster]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector:
    matchLabels: {app: cart}
    matchExpressions: [{key: tier, operator: NotIn, values: [cart, checkout]}]
  ingress:
  - fromEntities: [cluster]
)",
           {}, true}};
}

}  // namespace netpolc::lint
