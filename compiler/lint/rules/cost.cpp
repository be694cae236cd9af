// Rules about what policies cost: entries of an endpoint's policy map (semantics reference, sections 1.6 and 5.4), and identities.
#include <algorithm>
#include <set>

#include "compiler/lint/policy_maps.h"
#include "compiler/lint/selectors.h"

namespace netpolc::lint {
namespace {

// ---- entries -------------------------------------------------------------------------------------
void report_map(const Facts& facts, std::size_t position, std::size_t entries, std::vector<std::pair<std::size_t, ir::RuleRef>> added, Findings& out) {
  constexpr std::size_t kShown = 3;
  std::sort(added.begin(), added.end(), [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  const ir::RuleRef dearest = added.front().second;
  const ir::Rule& rule = facts.policies()[dearest.policy].rules[dearest.rule];
  Diagnostic found{.kind = DiagKind::PolicyMapFull,
                   .where = rule.where,
                   .message = "the policies of `" + facts.endpoint_name(facts.endpoints_at(position).front()) + "` need " + std::to_string(entries) + " entries of its policy map, which holds " +
                              std::to_string(facts.cluster().config.policy_map_max),
                   .label = std::to_string(added.front().first) + " of them are for this entry",
                   .severity = Severity::Warning};
  for (std::size_t i = 1; i < added.size() && i < kShown; ++i)
    found.notes.push_back({facts.policies()[added[i].second.policy].rules[added[i].second.rule].where, std::to_string(added[i].first) + " more are for this one"});
  out.push_back(std::move(found));
}

// The sum over policies comes first: it is cheap, and mostly far from the limit.
void find_full_maps(const Facts& facts, Findings& out) {
  const PolicyMaps maps(facts);
  const std::vector<std::size_t> most = maps.most();
  std::set<Span> reported;
  for (std::size_t position = 0; position < most.size(); ++position) {
    if (most[position] <= facts.cluster().config.policy_map_max || facts.endpoints_at(position).empty()) continue;
    std::vector<std::pair<std::size_t, ir::RuleRef>> added;
    const std::size_t entries = maps.entries(position, added);
    if (entries <= facts.cluster().config.policy_map_max) continue;
    Findings one;
    report_map(facts, position, entries, std::move(added), one);
    if (reported.insert(*one.front().where).second) out.push_back(std::move(one.front()));
  }
}

// ---- identities ----------------------------------------------------------------------------------
constexpr std::size_t kManyValues = 16, kManyIdentities = 256;

// What selectors ask for, of policies and of services.
std::set<std::string> keys_in_use(const Facts& facts) {
  std::set<std::string> out;
  const auto add = [&](const ir::Selector& selector) {
    for (const ir::Requirement& one : selector.requirements) out.insert(one.key);
  };
  each_selector(facts, [&](const SelectorUse& use) { add(use.selector); });
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Selector& selector : rule.requires_all) add(selector);
  for (const ir::Service& service : facts.cluster().services)
    for (const auto& [key, value] : service.selector) out.insert(key);
  return out;
}

bool is_of_cilium(const std::string& key) { return key == namespace_key || key.rfind("io.cilium.k8s.", 0) == 0; }

std::set<std::string> unused_with_many_values(const Facts& facts) {
  const std::set<std::string> used = keys_in_use(facts);
  std::set<std::string> out;
  for (const auto& [key, values] : facts.values())
    if (values.size() >= kManyValues && !is_of_cilium(key) && used.count(key) == 0) out.insert(key);
  return out;
}

void find_multiplying(const Facts& facts, Findings& out) {
  const std::set<std::string> keys = unused_with_many_values(facts);
  if (keys.empty()) return;
  std::set<ir::LabelSet> rest;
  std::size_t all = 0;
  std::optional<std::uint32_t> first;
  facts.managed().each([&](std::size_t position) {
    ++all;
    ir::LabelSet labels = facts.identity(position).labels;
    const std::size_t before = labels.size();
    std::erase_if(labels, [&](const ir::Label& label) { return keys.count(label.key) != 0; });
    if (labels.size() != before && !facts.endpoints_at(position).empty() && (!first || facts.endpoints_at(position).front() < *first)) first = facts.endpoints_at(position).front();
    rest.insert(std::move(labels));
  });
  if (!first || rest.size() * 2 > all) return;
  std::string names;
  for (const std::string& key : keys) names += (names.empty() ? "`" : ", `") + key + "`";
  out.push_back({.kind = DiagKind::LabelMultiplies,
                 .where = facts.cluster().endpoints[*first].where,
                 .message = "no selector asks for " + names + ": there are " + std::to_string(all) + " identities with these labels, and " + std::to_string(rest.size()) + " would be without",
                 .label = "`labels` of cilium-config can leave labels out of identities",
                 .severity = all - rest.size() >= kManyIdentities ? Severity::Warning : Severity::Note});
}

// A Job for each run.
std::string runs(std::size_t count) {
  std::string out = "apiVersion: v1\nkind: List\nitems:\n";
  for (std::size_t i = 1; i <= count; ++i)
    out += "- {apiVersion: batch/v1, kind: Job, metadata: {name: report-" + std::to_string(i) + ", namespace: shop}, spec: {template: {metadata: {labels: {app: report}}, spec: {containers: []}}}}\n";
  return out;
}

constexpr std::string_view kPolicyOfReports = R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: report, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: report}}
  ingress: [{}]
---
)";

}  // namespace

std::vector<Rule> cost_rules() {
  static const std::string many = std::string(kPolicyOfReports) + runs(kManyValues), few = std::string(kPolicyOfReports) + runs(2);
  return {
          {DiagKind::PolicyMapFull, Severity::Warning, Needs::Workloads, find_full_maps,
           "An endpoint's policy map has an entry for every identity that a rule lets in, times its ports, and a range of ports is "
           "up to 30 of them. It holds `bpf-policy-map-max` entries, 16384 unless cilium-config says otherwise; what does not fit is "
           "missing, and which entries these are is chance. Name fewer ports or peers, or raise the limit. The entries that cost most are "
           "named.",
           R"(apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {bpf-policy-map-max: "256"}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toCIDR: [192.0.2.1/32, 192.0.2.5/32, 192.0.2.9/32, 192.0.2.13/32, 192.0.2.17/32]
    toPorts:
    - ports: [{port: "1", endPort: 65534}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)",
           R"(apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {bpf-policy-map-max: "256"}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toCIDR: [192.0.2.1/32, 192.0.2.5/32, 192.0.2.9/32, 192.0.2.13/32, 192.0.2.17/32]
    toPorts:
    - ports: [{port: "1024", endPort: 65535}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)"},
          {DiagKind::LabelMultiplies, Severity::Warning, Needs::Workloads, find_multiplying,
           "Pods with other labels have another identity, and there are 65,000 of these at most; each new one is work for all nodes. "
           "Labels that differ from pod to pod or from run to run (`job-name`) and that no selector asks for cost identities and are "
           "good for nothing. Leave them out: `labels` of cilium-config. Said where half of the identities would be enough; a "
           "warning from 256 superfluous ones on, else a note.",
           many, few}};
}

}  // namespace netpolc::lint
