#include "frontend/agent_config.h"

#include <algorithm>
#include <charconv>

#include "frontend/helm_values.h"
#include "frontend/kinds.h"

namespace netpolc::frontend {
namespace {

constexpr const char* kNeither = "holds neither the ConfigMap `cilium-config` nor values of Cilium's Helm chart";

std::string text_of(const Node& mapping, const char* key) {
  const Node* found = mapping.find(key);
  return found != nullptr && found->is_scalar() ? found->text : std::string();
}

// Objects of a list, too.
void collect(const Node& object, std::optional<AgentConfig>& out) {
  if (!object.is_mapping()) return;
  if (const Node* items = object.find("items"); items != nullptr && items->is_sequence())
    for (const Node& item : items->items) collect(item, out);
  const Node* metadata = object.find("metadata");
  const Node* name = metadata == nullptr || !metadata->is_mapping() ? nullptr : metadata->find("name");
  if (name == nullptr || !name->is_scalar()) return;
  if (role_of(text_of(object, "apiVersion"), text_of(object, "kind"), name->text) == Role::AgentConfig) out = AgentConfig{object, name->span, ""};
}

Node text_node(std::string text, Span where) {
  Node out;
  out.kind = NodeKind::Scalar;
  out.span = where;
  out.text = std::move(text);
  return out;
}

// Over what stands there.
void set(Node& mapping, const char* key, Node value) {
  for (auto& [name, old] : mapping.entries)
    if (name.text == key) return void(old = std::move(value));
  mapping.entries.emplace_back(text_node(key, mapping.span), std::move(value));
}

Node mapping_node() {
  Node out;
  out.kind = NodeKind::Mapping;
  return out;
}

// With a ConfigMap what it does not say is off, so that it says what was taken to be on without one.
Node empty_config_map(const ir::Config& config) {
  Node out = mapping_node(), metadata = mapping_node(), data = mapping_node();
  set(metadata, "name", text_node("cilium-config", {}));
  set(metadata, "namespace", text_node("kube-system", {}));
  if (config.cluster_network_policies) set(data, "enable-k8s-cluster-network-policy", text_node("true", {}));
  set(out, "apiVersion", text_node("v1", {}));
  set(out, "kind", text_node("ConfigMap", {}));
  set(out, "metadata", std::move(metadata));
  set(out, "data", std::move(data));
  return out;
}

}  // namespace

std::optional<AgentConfig> read_agent_config(const std::vector<FileId>& files, const SourceManager& sources, DiagSink& sink) {
  const std::size_t errors = sink.errors();
  std::vector<Node> documents;
  for (const FileId file : files)
    for (Node& document : parse_documents(file, sources, sink)) documents.push_back(std::move(document));
  std::optional<AgentConfig> out;
  for (const Node& document : documents) collect(document, out);
  if (!out && documents.size() == 1 && is_helm_values(documents.front())) {
    const Node& values = documents.front();
    out = AgentConfig{config_map_of(values, sink), {values.span.file, values.span.begin, values.span.begin}, image_tag(values)};
  }
  if (out || sink.errors() != errors || files.empty()) return out;
  sink.error({.kind = DiagKind::ConfigValue, .where = std::nullopt, .message = "`" + sources.path(files.front()) + "` " + kNeither});
  return std::nullopt;
}

std::optional<int> version_of_tag(const std::string& tag) {
  const std::string text = tag.starts_with('v') ? tag.substr(1) : tag;
  if (!text.starts_with("1.")) return std::nullopt;
  int minor = 0;
  const auto [at, error] = std::from_chars(text.data() + 2, text.data() + text.size(), minor);
  const bool ends = at == text.data() + text.size() || *at == '.' || *at == '-' || *at == '@';
  return error == std::errc() && ends ? std::optional(minor) : std::nullopt;
}

Node config_map_as_given(std::optional<Node> among_input, const Loaded& loaded, const SourceManager& sources) {
  Node out = among_input ? std::move(*among_input) : empty_config_map(loaded.cluster.config);
  DiagSink said_before;
  if (!loaded.given.files.empty())
    if (auto read = read_agent_config(loaded.given.files, sources, said_before)) out = std::move(read->config_map);
  if (!loaded.given.cluster_name.empty()) {
    const Node* found = out.find("data");
    Node data = found != nullptr && found->is_mapping() ? *found : mapping_node();
    set(data, "cluster-name", text_node(loaded.given.cluster_name, out.span));
    set(out, "data", std::move(data));
  }
  return out;
}

}  // namespace netpolc::frontend
