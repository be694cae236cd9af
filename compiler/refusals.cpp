#include "compiler/refusals.h"

#include <algorithm>
#include <map>

#include "compiler/answers.h"

namespace netpolc::compiler {
namespace {

constexpr std::size_t kNamesShown = 3;

std::string subject(ir::RuleRef ref, const ir::PolicySet& policies) {
  const ir::Policy& policy = policies.policies[ref.policy];
  std::string out = std::string(ir::to_string(policy.kind)) + " `" + (policy.ns.empty() ? "" : policy.ns + "/") + policy.name + "`";
  if (ref.rule < policy.rules.size()) out += " " + policy.rules[ref.rule].path;
  return out;
}

// "a/x, a/y, a/z and 4 more"
std::string listed(const std::set<std::string>& names) {
  std::string out;
  std::size_t shown = 0;
  for (const auto& name : names) {
    if (shown++ == kNamesShown) return out + " and " + std::to_string(names.size() - kNamesShown) + " more";
    out += (out.empty() ? "" : ", ") + name;
  }
  return out;
}

// A rule of a policy, as opposed to what default allow adds.
bool is_written(ir::RuleRef ref, const ir::PolicySet& policies) { return ref.policy < policies.policies.size(); }

void count_policies(const std::set<ir::RuleRef>& rules, const ir::PolicySet& policies, Refusals& out) {
  std::set<std::string> objects;
  for (const auto ref : rules) {
    const ir::Policy& policy = policies.policies[ref.policy];
    objects.insert(std::string(ir::to_string(policy.kind)) + " " + policy.ns + "/" + policy.name);
  }
  out.policies += objects.size();
}

// The same rules for the same reason, and whom they hit.
using Faults = std::map<std::pair<std::vector<ir::RuleRef>, std::string>, std::set<std::string>>;

Diagnostic fault(const std::vector<ir::RuleRef>& rules, const std::string& message, const std::set<std::string>& whom,
                 const ir::PolicySet& policies, DiagKind kind) {
  Diagnostic out{.kind = kind, .where = std::nullopt, .message = message};
  if (!rules.empty()) {
    out.where = place_of(rules.front(), policies);
    out.message = subject(rules.front(), policies) + ": " + message;
  }
  for (std::size_t i = 1; i < rules.size(); ++i)
    out.notes.push_back({place_of(rules[i], policies), "the other rule, " + subject(rules[i], policies)});
  out.notes.push_back({std::nullopt, "it applies to " + listed(whom)});
  return out;
}

void add(const Faults& faults, DiagKind kind, const ir::PolicySet& policies, Refusals& out) {
  std::set<ir::RuleRef> all;
  for (const auto& [what, whom] : faults) {
    all.insert(what.first.begin(), what.first.end());
    out.diagnostics.push_back(fault(what.first, what.second, whom, policies, kind));
  }
  count_policies(all, policies, out);
}

}  // namespace

void refuse_endpoints(const std::vector<codegen_bpf::RefusedEndpoint>& refused, const ir::Cluster& cluster, const ir::PolicySet& policies,
                      Refusals& out) {
  Faults conflicts, sizes, unenforced;
  for (const auto& endpoint : refused) {
    const std::string name = endpoint.is_host ? "node " + cluster.nodes[endpoint.endpoint].name
                                              : cluster.endpoints[endpoint.endpoint].ns + "/" + cluster.endpoints[endpoint.endpoint].name;
    std::vector<ir::RuleRef> rules;
    for (const ir::RuleRef ref : endpoint.why.rules)
      if (is_written(ref, policies)) rules.push_back(ref);
    switch (endpoint.why.obstacle) {
      case codegen_bpf::Obstacle::Conflict: conflicts[{rules, endpoint.why.reason}].insert(name); break;
      case codegen_bpf::Obstacle::Size: sizes[{{}, endpoint.why.reason}].insert(name); break;
      case codegen_bpf::Obstacle::L7:
        for (const ir::RuleRef ref : rules) unenforced[{{ref}, endpoint.why.reason}].insert(name);
    }
  }
  add(conflicts, DiagKind::RulesConflict, policies, out);
  add(sizes, DiagKind::PolicyTooLarge, policies, out);
  add(unenforced, DiagKind::NotEnforced, policies, out);
  if (!unenforced.empty()) out.advice.insert("--l7=drop compiles them all the same: what only an L7 rule allows is dropped");
}

}  // namespace netpolc::compiler
