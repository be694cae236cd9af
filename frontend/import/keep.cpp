#include "frontend/import/keep.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "frontend/agent_config.h"
#include "frontend/cluster/objects.h"
#include "frontend/import/fields.h"
#include "frontend/import/own_text.h"
#include "frontend/kinds.h"
#include "frontend/unread.h"
#include "frontend/yaml/pieces.h"

namespace netpolc::frontend {
namespace {

std::string text_of(const Node* parent, std::string_view key) {
  const Node* found = parent != nullptr && parent->is_mapping() ? parent->find(key) : nullptr;
  return found != nullptr && found->is_scalar() ? found->text : std::string();
}

KeptGroup group_of(Role role, const std::string& kind) {
  if (role == Role::AgentConfig) return KeptGroup::Config;
  if (role == Role::CidrGroup) return KeptGroup::CidrGroups;
  if (role == Role::Policy) return KeptGroup::Policies;
  if (role == Role::Assertions) return KeptGroup::Tests;
  if (kind == "Namespace") return KeptGroup::Namespaces;
  if (kind == "Node" || kind == "CiliumNode") return KeptGroup::Nodes;
  if (kind == "Pod") return KeptGroup::Pods;
  if (kind == "CiliumEndpoint" || kind == "CiliumEndpointSlice") return KeptGroup::CiliumEndpoints;
  if (kind == "CiliumIdentity") return KeptGroup::Identities;
  if (kind == "Service" || kind == "Endpoints" || kind == "EndpointSlice") return KeptGroup::Services;
  const bool route = kind == "CiliumLocalRedirectPolicy" || kind == "Ingress" || kind == "Gateway" || kind == "HTTPRoute" || kind == "GRPCRoute";
  return route ? KeptGroup::Routes : KeptGroup::Workloads;
}

bool is_finished_pod(const Node& object, const std::string& kind) {
  const std::string phase = kind == "Pod" ? text_of(object.find("status"), "phase") : "";
  return phase == "Succeeded" || phase == "Failed";
}

Node text_node(const char* key, const Node& beside) {
  Node out;
  out.kind = NodeKind::Scalar;
  out.span = beside.span;
  out.text = key;
  return out;
}

// Where an object stands as a document of its own: what may be kept of its text.
struct Document {
  std::string_view file;
  std::size_t after = 0, before = 0;
};

class Keeper {
 public:
  explicit Keeper(const Loaded& loaded) {
    for (const PolicyResult& one : loaded.results)
      if (one.accepted) accepted_.insert({one.where.file, one.where.begin});
  }

  void add_file(FileId file, const SourceManager& sources) {
    if (read_in_pieces(file, sources, [&](const Node& document, const Items& items) { add(document, nullptr, &items); })) return;
    DiagSink said_before;  // loading has reported what there is
    add_documents(sources.text(file), parse_documents(file, sources, said_before, drop_unread));
  }

  // In place of the agent's options that are among the objects.
  void give_config(const Loaded& loaded, const SourceManager& sources) {
    KeptObject kept{.group = KeptGroup::Config, .kind = "ConfigMap", .ns = "kube-system", .name = "cilium-config", .node = {}};
    std::optional<KeptObject>& slot = slot_of(kept, Role::AgentConfig);
    const Node given = config_map_as_given(slot ? std::optional(slot->node) : std::nullopt, loaded, sources);
    std::vector<Span> removed;
    kept.node = without_unread_fields(given, kept.kind, removed);
    slot = std::move(kept);
  }

  Kept finish() {
    for (std::optional<KeptObject>& one : objects_)
      if (one) out_.objects.push_back(std::move(*one));
    std::stable_sort(out_.objects.begin(), out_.objects.end(), [](const KeptObject& a, const KeptObject& b) { return a.group < b.group; });
    return std::move(out_);
  }

 private:
  void add_documents(std::string_view text, const std::vector<Node>& documents) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    const bool json = first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
    for (std::size_t i = 0; i < documents.size(); ++i) {
      const Document place{text, i == 0 ? 0 : documents[i - 1].span.end, i + 1 == documents.size() ? text.size() : documents[i + 1].span.begin};
      add(documents[i], json ? nullptr : &place);
    }
  }

  // `more`: what else is in the list `items`; may be null.
  void add(const Node& object, const Document* place, const Items* more = nullptr) {
    if (!object.is_mapping()) return;
    const std::string kind = text_of(&object, "kind"), api_version = text_of(&object, "apiVersion");
    if (kind.empty() || api_version.empty()) return;
    const Node* items = kind.ends_with("List") ? object.find("items") : nullptr;
    if (items != nullptr && items->is_sequence()) {
      for (const Node& item : items->items) add_item(item, kind, api_version);
      for (std::size_t i = 0; more != nullptr && i < more->size(); ++i) add_item(more->read(i), kind, api_version);
      return;
    }
    const Node* metadata = object.find("metadata");
    KeptObject kept{.kind = kind, .ns = text_of(metadata, "namespace"), .name = text_of(metadata, "name"), .node = {}};
    if (kept.ns.empty() && !is_cluster_scoped(kind)) kept.ns = "default";
    const Role role = role_of(api_version, kind, kept.name);
    if (role == Role::Other || role == Role::BadPolicy) return void(++out_.other_kinds);
    kept.group = group_of(role, kind);
    put(object, std::move(kept), role, place);
  }

  void add_item(Node item, const std::string& list_kind, const std::string& api_version) {
    const std::string kind = list_kind.substr(0, list_kind.size() - 4);
    if (item.is_mapping() && !kind.empty()) {
      if (item.find("kind") == nullptr) item.entries.emplace_back(text_node("kind", item), text_node(kind.c_str(), item));
      if (item.find("apiVersion") == nullptr) item.entries.emplace_back(text_node("apiVersion", item), text_node(api_version.c_str(), item));
    }
    add(item, nullptr);
  }

  // The one of its name that is there by now, if any, makes room.
  void put(const Node& object, KeptObject kept, Role role, const Document* place) {
    std::optional<KeptObject>& slot = slot_of(kept, role);
    slot.reset();
    if (is_finished_pod(object, kept.kind)) return;
    const bool judged = role == Role::Policy || role == Role::CidrGroup;
    if (judged && !is_accepted(object)) return void(++out_.rejected);
    std::vector<Span> removed;
    kept.node = without_unread_fields(object, kept.kind, removed);
    if (place != nullptr && (judged || role == Role::Assertions)) {
      kept.text = own_text(place->file, object, place->after, place->before, removed, kept.node);
      if (!kept.text && may_have_comments(place->file.substr(object.span.begin, object.span.end - object.span.begin))) ++out_.comments_lost;
    }
    slot = std::move(kept);
  }

  std::optional<KeptObject>& slot_of(const KeptObject& kept, Role role) {
    const bool nameless = kept.name.empty() || role == Role::Assertions;
    if (nameless) return objects_.emplace_back();
    // Of the agent's options there is one object, wherever it lies.
    const std::string key = role == Role::AgentConfig ? kept.kind : kept.kind + '\n' + kept.ns + '\n' + kept.name;
    const auto [entry, fresh] = index_.try_emplace(key, objects_.size());
    if (fresh) objects_.emplace_back();
    return objects_[entry->second];
  }

  bool is_accepted(const Node& object) const {
    const Node* metadata = object.find("metadata");
    const Node* name = metadata != nullptr && metadata->is_mapping() ? metadata->find("name") : nullptr;
    return name != nullptr && accepted_.count({name->span.file, name->span.begin}) != 0;
  }

  std::set<std::pair<FileId, std::uint32_t>> accepted_;
  std::vector<std::optional<KeptObject>> objects_;
  std::unordered_map<std::string, std::size_t> index_;
  Kept out_;
};

}  // namespace

const char* file_of(KeptGroup group) {
  switch (group) {
    case KeptGroup::Config: return "cilium-config.yaml";
    case KeptGroup::Namespaces: return "namespaces.yaml";
    case KeptGroup::Nodes: return "nodes.yaml";
    case KeptGroup::CidrGroups: return "cidr-groups.yaml";
    case KeptGroup::Policies: return "policies.yaml";
    case KeptGroup::Workloads: return "workloads.yaml";
    case KeptGroup::Pods: return "pods.yaml";
    case KeptGroup::CiliumEndpoints: return "cilium-endpoints.yaml";
    case KeptGroup::Identities: return "identities.yaml";
    case KeptGroup::Services: return "services.yaml";
    case KeptGroup::Routes: return "routes.yaml";
    case KeptGroup::Tests: return "tests.yaml";
  }
  return "";
}

Kept keep(const SourceManager& sources, const Loaded& loaded) {
  Keeper keeper(loaded);
  const GivenConfig& given = loaded.given;
  for (std::uint32_t file = 0; file < sources.size(); ++file)
    if (std::find(given.files.begin(), given.files.end(), FileId{file}) == given.files.end()) keeper.add_file(FileId{file}, sources);
  if (!given.files.empty() || !given.cluster_name.empty()) keeper.give_config(loaded, sources);
  return keeper.finish();
}

}  // namespace netpolc::frontend
