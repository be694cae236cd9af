// frontend/cluster/identity_labels.h — the labels that Cilium gives a pod (semantics reference 2.2).
#pragma once
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "frontend/label_filter.h"
#include "ir/cluster.h"

namespace netpolc::frontend {

inline constexpr const char* kClusterLabel = "io.cilium.k8s.policy.cluster";

class IdentityLabels {
 public:
  IdentityLabels(const std::vector<ir::Namespace>& namespaces, const ir::Config& config);

  struct Split {
    ir::LabelSet kept;      // the identity
    ir::LabelSet filtered;  // of the pod's own labels: those that the filter removed
  };
  Split of_pod(const std::string& ns, const std::map<std::string, std::string>& labels,
               const std::string& service_account);
  const std::vector<std::string>& malformed_patterns() const { return filter_.malformed(); }

 private:
  const ir::LabelSet& of_namespace(const std::string& ns);

  std::unordered_map<std::string, const ir::Namespace*> namespaces_;
  std::unordered_map<std::string, ir::LabelSet> ready_;  // filtered, by namespace
  LabelFilter filter_;
  std::string cluster_;
};

}  // namespace netpolc::frontend
