// verify/symbolic/universe.h — what policies can tell of a pod that nobody has seen yet: for each label key that some
// selector or the question mentions, whether it is absent, has one of the values mentioned, or another; and its namespace.
// Two pods that are alike in this are alike to every policy at hand, so what is shown for all codes holds for every pod
// that can ever be (verification by label universe).
//
// Semantics reference 2.2: a pod's identity labels are its own (but for Cilium's key space), its namespace's name and
// labels, its service account and its cluster, less what the identity label filter removes.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/cluster.h"

namespace netpolc::verify {

// Whether identities have labels with this key (of source k8s).
using KeepsLabel = std::function<bool(const std::string& key)>;

// Every pod that there is or could be with these labels in this namespace.
struct PodPattern {
  std::string name;               // as people wrote it
  std::optional<std::string> ns;  // none: any, also one that doesn't exist yet
  std::vector<std::pair<std::string, std::string>> labels;  // key (without a source) and value
};
// "[k=v,…]", "ns/[k=v,…]"; "[]" is every pod. None: it is no pattern.
std::optional<PodPattern> parse_pattern(std::string_view reference);

namespace symbolic {

inline constexpr const char* kNamespaceKey = "io.kubernetes.pod.namespace";
inline constexpr const char* kNamespaceNameKey = "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name";
inline constexpr const char* kNamespaceLabels = "io.cilium.k8s.namespace.labels.";
inline constexpr const char* kServiceAccountKey = "io.cilium.k8s.policy.serviceaccount";
inline constexpr const char* kClusterKey = "io.cilium.k8s.policy.cluster";

enum class KeyKind {
  Own,             // of the pod
  Namespace,       // the namespace's name
  NamespaceLabel,  // one of the namespace's labels
  ServiceAccount,  // always there
  Cluster,         // always there, and the same
  Never,           // the filter removes it, or it is Cilium's own and nobody sets it
};

class Universe {
 public:
  // `asked`: a key that is mentioned, too. Of the clusters, which differ in services at most, the first is kept and
  // outlives the universe.
  Universe(const std::vector<const ir::PolicySet*>& sets, const std::vector<const ir::Cluster*>& clusters, const std::vector<PodPattern>& patterns, KeepsLabel keeps,
           const std::optional<std::string>& asked = std::nullopt);

  KeyKind kind(const std::string& key) const;
  // Mentioned; sorted. Code 0 is a label that is absent, i + 1 is values[i], size + 1 is any other value.
  const std::vector<std::string>& values(const std::string& key) const;
  // Those that there are, and those that are mentioned; sorted. Code i is namespaces()[i], size is any other.
  const std::vector<std::string>& namespaces() const { return namespaces_; }
  std::optional<std::size_t> namespace_code(const std::string& name) const;
  // Its labels, if the cluster's manifests have the namespace; null: they could be any.
  const std::map<std::string, std::string>* labels_of_namespace(const std::string& name) const;
  const ir::Cluster& cluster() const { return cluster_; }
  const std::string& cluster_name() const { return cluster_.config.cluster_name; }

  // A value that is none of those.
  std::string other_value(const std::string& key) const;
  std::string other_namespace() const;

 private:
  void mention(const ir::Selector& selector);
  void mention(const std::string& key, const std::string& value);
  void mention(const ir::Policy& policy);
  void mention(const ir::Service& service);
  void finish();

  const ir::Cluster& cluster_;
  KeepsLabel keeps_;
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> namespaces_;
  std::map<std::string, const std::map<std::string, std::string>*> known_namespaces_;
};

}  // namespace symbolic
}  // namespace netpolc::verify
