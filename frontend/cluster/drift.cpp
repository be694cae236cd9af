#include "frontend/cluster/drift.h"

#include <algorithm>
#include <iterator>

namespace netpolc::frontend {
namespace {

constexpr std::string_view kNamespaceLabels = "io.cilium.k8s.namespace.labels.";

ir::LabelSet without(const ir::LabelSet& labels, const ir::LabelSet& others) {
  ir::LabelSet out;
  std::set_difference(labels.begin(), labels.end(), others.begin(), others.end(), std::back_inserter(out));
  return out;
}

// "`k8s:app=cart`, `k8s:tier=web` and 2 more"; "nothing" of none.
std::string listed(const ir::LabelSet& labels) {
  constexpr std::size_t kMost = 3;
  std::string out;
  for (std::size_t i = 0; i < std::min(labels.size(), kMost); ++i) out += (i == 0 ? "`" : ", `") + labels[i].source + ":" + labels[i].key + "=" + labels[i].value + "`";
  if (labels.size() > kMost) out += " and " + std::to_string(labels.size() - kMost) + " more";
  return labels.empty() ? "nothing" : out;
}

}  // namespace

Drift::Drift(const std::vector<ir::Namespace>& namespaces) {
  for (const ir::Namespace& one : namespaces) namespaces_.insert(one.name);
}

ir::LabelSet Drift::compared(const ir::LabelSet& labels, const std::string& ns) const {
  ir::LabelSet out;
  for (const ir::Label& label : labels) {
    if (label.source != "k8s") continue;
    if (namespaces_.count(ns) == 0 && label.key.starts_with(kNamespaceLabels)) continue;
    out.push_back(label);
  }
  ir::normalise(out);
  return out;
}

bool Drift::differ(const ir::LabelSet& live, const ir::LabelSet& of_pod, const std::string& ns) const {
  if (std::any_of(live.begin(), live.end(), [](const ir::Label& label) { return label.source == "reserved"; })) return false;
  return compared(live, ns) != compared(of_pod, ns);
}

void Drift::add(const CiliumEndpointObject& endpoint, const ir::LabelSet& live, const PodObject& pod, const ir::LabelSet& of_pod) {
  const ir::LabelSet here = compared(live, pod.meta.ns), there = compared(of_pod, pod.meta.ns);
  std::pair difference(without(here, there), without(there, here));
  const auto [entry, fresh] = seen_.try_emplace(difference, Seen{endpoint.meta.where, pod.meta.where, endpoint.meta.name, 0});
  if (fresh) order_.push_back(std::move(difference));
  ++entry->second.count;
}

void Drift::report(DiagSink& sink) const {
  for (const auto& difference : order_) {
    const Seen& seen = seen_.at(difference);
    Diagnostic found{.kind = DiagKind::IdentityDrift,
                     .where = seen.endpoint,
                     .message = "the live labels of `" + seen.name + "` are not those that its pod gives",
                     .label = "only live: " + listed(difference.first) + "; only of the pod: " + listed(difference.second) + "; the live ones count",
                     .notes = {{seen.pod, "the pod is here"}},
                     .fix = {},
                     .severity = Severity::Warning};
    if (seen.count > 1) found.notes.push_back({std::nullopt, "the same is so of " + std::to_string(seen.count - 1) + " more"});
    sink.warning(std::move(found));
  }
}

}  // namespace netpolc::frontend
