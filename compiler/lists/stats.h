// compiler/lists/stats.h — how many identities there are and which labels make them: `identity list --stats`. A cluster has a limited
// number of them, and a label that is different on every pod uses them up (Cilium's documentation, "Limiting Identity-Relevant
// Labels"). `suggest labels` says which of the labels no policy asks about.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "compiler/lists/identities.h"

namespace netpolc::compiler::lists {

// Numbers 256 to 65535 (semantics reference, section 3.1).
inline constexpr std::size_t kClusterIdentities = 65280;

struct NamespaceStats {
  std::string name;
  std::size_t identities = 0, endpoints = 0, pods = 0;
};
struct LabelStats {
  std::string key;             // "k8s:app"
  std::size_t values = 0;      // different ones
  std::size_t identities = 0;  // that have the label
  std::size_t saved = 0;       // fewer identities, if this label alone were left out
};

// What --stats counts: identities of this cluster, and of the others only how many.
struct IdentityStats {
  std::size_t reserved = 0, cluster = 0, other_clusters = 0, external = 0, node = 0;
  std::size_t unused = 0;                  // of the cluster's: no workload that is known has them
  std::vector<NamespaceStats> namespaces;  // by name
  std::vector<LabelStats> labels;          // those that save most first, then those with most values, then by key
};
IdentityStats identity_stats(const ir::Cluster& cluster, const ir::Identities& identities, const IsWanted& wanted);

std::string to_text(const IdentityStats& stats);
nlohmann::ordered_json to_json(const IdentityStats& stats);

}  // namespace netpolc::compiler::lists
