#include "frontend/cluster_name.h"

namespace netpolc::frontend {
namespace {

constexpr std::string_view kClusterKey = "io.cilium.k8s.policy.cluster";

bool is_cluster_key(std::string_view key) {
  for (const std::string_view source : {"", "k8s:", "any:", ":"})
    if (key.size() == source.size() + kClusterKey.size() && key.starts_with(source) && key.ends_with(kClusterKey)) return true;
  return false;
}

void add(const Node& value, ClusterNames& names) {
  if (value.is_string() && !value.text.empty()) names.try_emplace(value.text, value.span);
}

}  // namespace

void collect_cluster_names(const Node& policy, ClusterNames& names) {
  for (const Node& item : policy.items) collect_cluster_names(item, names);
  if (!policy.is_mapping()) return;
  const Node* key = policy.find("key");
  const Node* op = policy.find("operator");
  const Node* values = policy.find("values");
  if (key != nullptr && op != nullptr && values != nullptr && is_cluster_key(key->text) && op->text == "In") {
    for (const Node& value : values->items) add(value, names);
    return;
  }
  for (const auto& [name, value] : policy.entries) {
    if (is_cluster_key(name.text)) add(value, names);
    else collect_cluster_names(value, names);
  }
}

void infer_cluster_name(const ClusterNames& names, ir::Config& config, DiagSink& sink) {
  if (names.empty()) return;
  const auto& [name, where] = *names.begin();
  const bool several = names.size() > 1;
  if (!several && name == config.cluster_name) return;
  if (!several) config.cluster_name = name;
  Diagnostic warning{.kind = DiagKind::ClusterNameInferred, .where = where, .message = "", .label = "", .notes = {}, .fix = {}, .severity = Severity::Warning};
  if (several) {
    warning.message = "policies name several clusters, and no `cilium-config` says which of them this is";
    warning.label = "this cluster is taken to be `" + config.cluster_name + "`: give the ConfigMap with its `cluster-name`";
  } else {
    warning.message = "no `cilium-config` says what this cluster is called";
    warning.label = "taken to be `" + name + "`, the only one that policies name: give the ConfigMap with its `cluster-name`";
  }
  sink.warning(std::move(warning));
}

}  // namespace netpolc::frontend
