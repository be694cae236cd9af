#include "verify/node_labels.h"

#include <algorithm>

namespace netpolc::verify {

// Cilium's default filter of section 2.2, as far as labels of nodes can meet it.
bool is_host_label(std::string_view key) {
  if (key.starts_with("app.kubernetes.io") || key.starts_with("io.cilium.k8s.policy.")) return true;
  for (const char* prefix : {"io.kubernetes", "kubernetes.io", "pod-template-generation", "pod-template-hash",
                             "controller-revision-hash", "controller-uid", "annotation.", "etcd_node",
                             "topology.kubernetes.io", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index",
                             "batch.kubernetes.io/job-completion-index", "batch.kubernetes.io/controller-uid"})
    if (key.starts_with(prefix)) return false;
  return key.find("beta.kubernetes.io") == std::string_view::npos && key.find(".k8s.io") == std::string_view::npos;
}

ir::LabelSet host_labels(const ir::Node& node) {
  ir::LabelSet labels{{"reserved", "host", ""}};
  for (const auto& [key, value] : node.labels)
    if (is_host_label(key)) labels.push_back({"k8s", key, value});
  ir::normalise(labels);
  return labels;
}

bool is_node(const ir::LabelSet& labels) {
  return std::any_of(labels.begin(), labels.end(), [](const ir::Label& label) {
    return label.source == "reserved" && (label.key == "host" || label.key == "remote-node");
  });
}

}  // namespace netpolc::verify
