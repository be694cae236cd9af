#include "frontend/unread.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <span>

#include "frontend/kinds.h"

namespace netpolc::frontend {
namespace {

using Keys = std::span<const std::string_view>;
using Path = std::initializer_list<std::string_view>;

constexpr std::string_view kOfOthers[] = {"apiVersion", "kind", "metadata"};
constexpr std::string_view kOfTheirMetadata[] = {"name", "namespace"};
// Of a Service: how its traffic is forwarded, and whom it lets in (cluster/exposure.h).
constexpr std::string_view kAnnotations[] = {"netpolc.io/ignore", "kubernetes.io/ingress.class", "service.cilium.io/forwarding-mode", "service.cilium.io/src-ranges-policy"};
constexpr std::string_view kUnreadOfMetadata[] = {"managedFields"};
constexpr std::string_view kUnreadOfStatus[] = {"conditions", "containerStatuses", "initContainerStatuses", "images", "volumesAttached", "volumesInUse", "nodeInfo", "capacity", "allocatable"};
constexpr std::string_view kUnreadOfPods[] = {"volumes", "tolerations", "affinity", "initContainers", "topologySpreadConstraints", "securityContext", "imagePullSecrets"};
constexpr std::string_view kUnreadOfContainers[] = {"env", "envFrom", "volumeMounts", "resources", "image", "command", "args", "securityContext", "lifecycle"};

bool has(Keys keys, std::string_view key) { return std::find(keys.begin(), keys.end(), key) != keys.end(); }

Node* below(Node* parent, Path path) {
  for (const std::string_view key : path) {
    if (parent == nullptr || !parent->is_mapping()) return nullptr;
    const auto found = std::find_if(parent->entries.begin(), parent->entries.end(), [&](const auto& entry) { return entry.first.text == key; });
    parent = found == parent->entries.end() ? nullptr : &found->second;
  }
  return parent;
}

// Those of `keys`, or all others. One entry stays in any case, as an empty mapping is something else.
void erase(Node* from, Keys keys, bool others = false) {
  if (from == nullptr || !from->is_mapping() || from->entries.empty()) return;
  const auto goes = [&](const auto& entry) { return has(keys, entry.first.text) != others; };
  const bool all = std::all_of(from->entries.begin(), from->entries.end(), goes);
  from->entries.erase(std::remove_if(from->entries.begin() + (all ? 1 : 0), from->entries.end(), goes), from->entries.end());
  from->entries.shrink_to_fit();
}

void drop_of_pods(Node* spec) {
  erase(spec, kUnreadOfPods);
  Node* containers = below(spec, {"containers"});
  if (containers == nullptr) return;
  for (Node& container : containers->items) erase(&container, kUnreadOfContainers);
}

std::string scalar(Node& object, Path path) {
  const Node* found = below(&object, path);
  return found != nullptr && found->is_scalar() ? found->text : "";
}

bool has_containers(Node* spec) {
  const Node* found = below(spec, {"containers"});
  return found != nullptr && found->is_sequence();
}

std::optional<Role> role_in(Node& object) {
  const std::string kind = scalar(object, {"kind"}), version = scalar(object, {"apiVersion"});
  if (kind.ends_with("List")) return std::nullopt;
  if (!kind.empty() && !version.empty()) return role_of(version, kind, scalar(object, {"metadata", "name"}));
  const bool pods = has_containers(below(&object, {"spec"})) || has_containers(below(&object, {"spec", "template", "spec"})) || has_containers(below(&object, {"spec", "jobTemplate", "spec", "template", "spec"}));
  return pods ? std::optional(Role::ClusterObject) : std::nullopt;
}

}  // namespace

void drop_unread(Node& object) {
  const std::optional<Role> role = role_in(object);
  if (role == Role::Other) {
    erase(&object, kOfOthers, true);
    erase(below(&object, {"metadata"}), kOfTheirMetadata, true);
  } else if (role == Role::ClusterObject) {
    erase(below(&object, {"metadata"}), kUnreadOfMetadata);
    erase(below(&object, {"metadata", "annotations"}), kAnnotations, true);
    erase(below(&object, {"status"}), kUnreadOfStatus);
    drop_of_pods(below(&object, {"spec"}));
    drop_of_pods(below(&object, {"spec", "template", "spec"}));
    drop_of_pods(below(&object, {"spec", "jobTemplate", "spec", "template", "spec"}));
  }
}

}  // namespace netpolc::frontend
