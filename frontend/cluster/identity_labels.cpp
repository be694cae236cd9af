#include "frontend/cluster/identity_labels.h"

namespace netpolc::frontend {

constexpr const char* kNamespaceLabel = "io.kubernetes.pod.namespace";
constexpr const char* kNamespaceLabels = "io.cilium.k8s.namespace.labels.";
constexpr const char* kServiceAccountLabel = "io.cilium.k8s.policy.serviceaccount";
constexpr const char* kNamespaceName = "kubernetes.io/metadata.name";

IdentityLabels::IdentityLabels(const std::vector<ir::Namespace>& namespaces, const ir::Config& config)
    : filter_(config), cluster_(config.cluster_name) {
  for (const ir::Namespace& ns : namespaces) namespaces_[ns.name] = &ns;
}

// What every pod of a namespace has: its name, its labels, the cluster.
const ir::LabelSet& IdentityLabels::of_namespace(const std::string& ns) {
  const auto [entry, fresh] = ready_.try_emplace(ns);
  if (!fresh) return entry->second;
  ir::LabelSet all{{"k8s", kNamespaceLabel, ns}, {"k8s", kClusterLabel, cluster_}};
  // The API server labels every namespace with its name, whether we have the object or not.
  all.push_back({"k8s", std::string(kNamespaceLabels) + kNamespaceName, ns});
  if (const auto object = namespaces_.find(ns); object != namespaces_.end()) {
    for (const auto& [key, value] : object->second->labels) {
      if (key != kNamespaceName) all.push_back({"k8s", kNamespaceLabels + key, value});
    }
  }
  for (ir::Label& label : all) {
    if (filter_.keeps(label)) entry->second.push_back(std::move(label));
  }
  return entry->second;
}

IdentityLabels::Split IdentityLabels::of_pod(const std::string& ns, const std::map<std::string, std::string>& labels,
                                             const std::string& service_account) {
  Split out;
  out.kept = of_namespace(ns);
  const auto put = [&](ir::Label label) {
    ir::LabelSet& to = filter_.keeps(label) ? out.kept : out.filtered;
    to.push_back(std::move(label));
  };
  put({"k8s", kServiceAccountLabel, service_account});
  for (const auto& [key, value] : labels) {
    // Cilium's own key space: users' labels there are stripped.
    if (key.rfind("io.cilium.k8s", 0) == 0 || key == kNamespaceLabel) continue;
    put({"k8s", key, value});
  }
  ir::normalise(out.kept);
  ir::normalise(out.filtered);
  return out;
}

}  // namespace netpolc::frontend
