#include "frontend/whole_input.h"

#include <algorithm>

namespace netpolc::frontend {
namespace {

void warn(DiagSink& sink, DiagKind kind, Span where, std::string message, std::string label) {
  sink.warning({.kind = kind, .where = where, .message = std::move(message), .label = std::move(label),
                .severity = Severity::Warning});
}

bool allows_beside(const DenyOnly& rule, const ir::PolicySet& policies) {
  return std::any_of(policies.policies.begin(), policies.policies.end(), [&](const ir::Policy& policy) {
    const bool meets = policy.ns.empty() || rule.ns.empty() || policy.ns == rule.ns;
    return meets && std::any_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& other) {
             return other.direction == rule.direction && other.action == ir::Action::Allow;
           });
  });
}

}  // namespace

void warn_unnamespaced(const std::vector<Unnamespaced>& objects, const ir::Cluster& cluster, DiagSink& sink) {
  const auto& endpoints = cluster.endpoints;
  if (endpoints.empty()) return;
  if (std::any_of(endpoints.begin(), endpoints.end(), [](const auto& e) { return e.ns == "default"; })) return;
  for (const auto& object : objects)
    warn(sink, DiagKind::NoNamespace, object.where, object.kind + " `" + object.name + "` has no namespace",
         "it is taken for one of namespace `default`, where no endpoint is");
}

void warn_deny_only(const std::vector<DenyOnly>& rules, const ir::PolicySet& policies, DiagSink& sink) {
  for (const auto& rule : rules) {
    if (allows_beside(rule, policies)) continue;
    const std::string name = rule.direction == ir::Direction::Ingress ? "ingress" : "egress";
    warn(sink, DiagKind::DenyOnly, rule.where, "nothing allows any " + name + " here: these rules deny all of it",
         "deny rules switch on default deny; `enableDefaultDeny." + name + ": false` keeps it off");
  }
}

}  // namespace netpolc::frontend
