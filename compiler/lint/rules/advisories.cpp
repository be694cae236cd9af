// Rules about faults of Cilium itself: what one version of it does to an input that is right.
#include <algorithm>

#include "compiler/lint/rule.h"

namespace netpolc::lint {
namespace {

using frontend::Node;

const Node* below(const Node* node, std::string_view key) { return node != nullptr && node->is_mapping() ? node->find(key) : nullptr; }

bool contains(const Node& node, Span place) { return node.span.begin <= place.begin && place.end <= node.span.end; }

// The object that a place is in: a document, or an item of a List.
const Node* object_at(const Node& candidate, Span place) {
  if (!candidate.is_mapping() || !contains(candidate, place)) return nullptr;
  const Node* items = candidate.find("items");
  if (items == nullptr || !items->is_sequence() || !contains(*items, place)) return &candidate;
  for (const Node& item : items->items)
    if (const Node* found = object_at(item, place)) return found;
  return nullptr;
}

const Node* object_at(const Facts& facts, Span place) {
  for (const Node* document : facts.places().documents(place.file))
    if (const Node* found = object_at(*document, place)) return found;
  return nullptr;
}

// Where the label of a pod, or of a workload's pods, is written; else the workload's own place.
Span label_of(const Facts& facts, Span workload, std::string_view key) {
  const Node* object = object_at(facts, workload);
  for (const Node* inner = object; inner != nullptr;) {
    object = inner;
    const Node* spec = below(object, "spec");
    inner = below(spec, "jobTemplate");
    if (inner == nullptr) inner = below(spec, "template");
  }
  if (const Node* labels = below(below(object, "metadata"), "labels"); labels != nullptr)
    for (const auto& entry : labels->entries)
      if (entry.first.text == key) return entry.first.span;
  return workload;
}

constexpr ir::CiliumVersion kWithFault = 20;
constexpr const char* kKey = "host";

// Only where policy would be enforced otherwise.
void find_host_label(const Facts& facts, Findings& out) {
  const ir::Config& config = facts.cluster().config;
  if (config.version != kWithFault || config.mode == ir::PolicyMode::Never) return;
  Bits enforced = facts.nobody();
  for (std::size_t p = 0; p < facts.policies().size(); ++p) enforced |= facts.subjects(p);
  if (config.mode == ir::PolicyMode::Always) enforced = facts.managed();
  for (const std::uint32_t e : facts.endpoints(enforced)) {
    const ir::Endpoint& endpoint = facts.cluster().endpoints[e];
    if (std::none_of(endpoint.labels.begin(), endpoint.labels.end(), [](const ir::Label& one) { return one.source == "k8s" && one.key == kKey; })) continue;
    out.push_back({.kind = DiagKind::LabelKeyHost,
                   .where = label_of(facts, endpoint.where, kKey),
                   .message = "Cilium 1.20.0 enforces no policy on `" + facts.endpoint_name(e) + "`, as it has a label with the key `host`",
                   .label = "whatever its value: give the label another key",
                   .severity = Severity::Warning});
  }
}

}  // namespace

std::vector<Rule> advisory_rules() {
  return {{DiagKind::LabelKeyHost, Severity::Warning, Needs::Workloads, find_host_label,
           "Cilium 1.20.0 enforces no policy on a pod with a label whose key is `host`, whatever its value: it takes the pod for the node's own "
           "endpoint, which has no policy while the host firewall is off. Nothing reports that but `cilium-dbg endpoint list`, which shows the pod's "
           "policy as Disabled. Give the label another key. Said with `--cilium-version 1.20`, of pods that some policy selects; all other "
           "answers of netpolc are what the policies say, and not what this fault makes of them.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: probe, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: probe}}
  ingress:
  - fromEntities: [cluster]
---
apiVersion: v1
kind: Pod
metadata: {name: probe, namespace: shop, labels: {app: probe, host: worker-1}}
spec: {containers: []}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: probe, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: probe}}
  ingress:
  - fromEntities: [cluster]
---
apiVersion: v1
kind: Pod
metadata: {name: probe, namespace: shop, labels: {app: probe, hostname: worker-1}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: free, namespace: shop, labels: {app: free, host: worker-1}}
spec: {containers: []}
)",
           {.version = kWithFault}}};
}

}  // namespace netpolc::lint
