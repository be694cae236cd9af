#include "compiler/replay/choose_labels.h"

#include <algorithm>

namespace netpolc::compiler::replay {
namespace {

// What workloads are called by, the usual first. Versions and hashes come last: they change with every release.
constexpr const char* kUsual[] = {"app.kubernetes.io/name", "app", "k8s-app", "name", "app.kubernetes.io/component", "component", "app.kubernetes.io/instance", "instance", "tier", "role"};
constexpr const char* kChanging[] = {"version", "app.kubernetes.io/version", "helm.sh/chart", "chart", "app.kubernetes.io/managed-by"};
constexpr const char* kServiceAccount = "io.cilium.k8s.policy.serviceaccount";

std::size_t place(const std::string& key) {
  const auto usual = std::find(std::begin(kUsual), std::end(kUsual), key);
  if (usual != std::end(kUsual)) return static_cast<std::size_t>(usual - std::begin(kUsual));
  if (key == kServiceAccount) return 102;
  return std::find(std::begin(kChanging), std::end(kChanging), key) != std::end(kChanging) ? 101 : 100;
}

std::vector<ir::Label> candidates(const ir::Endpoint& endpoint) {
  std::vector<ir::Label> out;
  for (const ir::Label& label : endpoint.labels) {
    const bool own = !label.key.starts_with("io.cilium.k8s.") && label.key != "io.kubernetes.pod.namespace";
    if (label.source == "k8s" && (own || label.key == kServiceAccount)) out.push_back(label);
  }
  std::stable_sort(out.begin(), out.end(), [](const ir::Label& a, const ir::Label& b) { return place(a.key) < place(b.key); });
  return out;
}

bool has(const ir::Endpoint& endpoint, const ir::Label& label) { return std::binary_search(endpoint.labels.begin(), endpoint.labels.end(), label); }

}  // namespace

Chosen choose_labels(const ir::Cluster& cluster, std::uint32_t endpoint) {
  const ir::Endpoint& wanted = cluster.endpoints[endpoint];
  std::vector<const ir::Endpoint*> others;
  for (const ir::Endpoint& other : cluster.endpoints)
    if (&other != &wanted && other.ns == wanted.ns && !other.host_network && other.remote == wanted.remote && other.labels != wanted.labels) others.push_back(&other);
  Chosen out;
  for (const ir::Label& label : candidates(wanted)) {
    const auto lacks = [&](const ir::Endpoint* other) { return !has(*other, label); };
    if (!out.labels.empty() && std::none_of(others.begin(), others.end(), lacks)) continue;  // it tells nobody apart
    out.labels.push_back(label);
    std::erase_if(others, lacks);
    if (others.empty()) break;
  }
  for (const ir::Endpoint* other : others) out.others.push_back(other->ns + "/" + other->name);
  return out;
}

}  // namespace netpolc::compiler::replay
