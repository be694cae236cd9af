// frontend/cluster_name.h — what this cluster is called, where no cilium-config says so.
#pragma once
#include <map>
#include <string>

#include "frontend/yaml/document.h"
#include "ir/cluster.h"

namespace netpolc::frontend {

// Clusters that policies name in selectors (label io.cilium.k8s.policy.cluster), each with the
// first place.
using ClusterNames = std::map<std::string, Span>;
void collect_cluster_names(const Node& policy, ClusterNames& names);

// For input without the agent's configuration: the only cluster that its policies name is this
// one, since a policy for nobody but another cluster's endpoints is rarer than a repository
// without the ConfigMap. Warns (NP258); with several names the default stays, and that is said.
void infer_cluster_name(const ClusterNames& names, ir::Config& config, DiagSink& sink);

}  // namespace netpolc::frontend
