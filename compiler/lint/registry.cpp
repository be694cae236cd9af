#include <algorithm>

#include "compiler/lint/rule.h"

namespace netpolc::lint {

const char* to_string(Needs needs) {
  switch (needs) {
    case Needs::Policies: return "policies";
    case Needs::Workloads: return "workloads";
    case Needs::Services: return "services";
  }
  return "";
}

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all = [] {
    std::vector<Rule> out;
    for (const auto part : {default_deny_rules, entry_rules, cut_off_rules, node_rules, icmp_rules, route_rules, version_rules, cost_rules, proved_rules,
                            address_rules, cidr_list_rules, selector_rules, host_network_rules, name_rules, changing_name_rules, port_rules, service_rules, l7_rules,
                            request_rules, advisory_rules, reader_rules, reader_policy_rules}) {
      const std::vector<Rule> some = part();
      out.insert(out.end(), some.begin(), some.end());
    }
    std::sort(out.begin(), out.end(), [](const Rule& a, const Rule& b) { return a.kind < b.kind; });
    return out;
  }();
  return all;
}

const Rule* find_rule(DiagKind kind) {
  const auto at = std::lower_bound(rules().begin(), rules().end(), kind, [](const Rule& rule, DiagKind asked) { return rule.kind < asked; });
  return at != rules().end() && at->kind == kind ? &*at : nullptr;
}

const Rule* find_rule(std::string_view code) {
  const auto at = std::find_if(rules().begin(), rules().end(), [&](const Rule& rule) { return diag_code(rule.kind) == code; });
  return at == rules().end() ? nullptr : &*at;
}

}  // namespace netpolc::lint
