#include "frontend/load.h"

#include <map>
#include <unordered_map>
#include <utility>

#include "frontend/agent_config.h"
#include "frontend/cluster/lower.h"
#include "frontend/cluster/objects.h"
#include "frontend/cluster_name.h"
#include "frontend/discover.h"
#include "frontend/kinds.h"
#include "frontend/parse_cache.h"
#include "frontend/policy/lower.h"
#include "frontend/policy/object.h"
#include "frontend/unread.h"
#include "frontend/whole_input.h"
#include "frontend/yaml/pieces.h"

namespace netpolc::frontend {
namespace {

std::string text_of(const Node* parent, std::string_view key) {
  const Node* found = parent != nullptr && parent->is_mapping() ? parent->find(key) : nullptr;
  return found != nullptr && found->is_scalar() ? found->text : std::string();
}

// What tells one object from another.
struct ObjectName {
  std::string kind, ns, name;
  Span where;  // of the name, else of the object
  std::string key() const { return kind + '\n' + ns + '\n' + name; }
};

ObjectName name_of(const Node& object, const std::string& kind) {
  const Node* metadata = object.find("metadata");
  ObjectName out{kind, text_of(metadata, "namespace"), text_of(metadata, "name"), object.span};
  if (!out.name.empty()) out.where = metadata->find("name")->span;
  if (out.ns.empty() && !is_cluster_scoped(kind)) out.ns = "default";
  return out;
}

// An object as it was read: our own, or one that a cache keeps.
class Object {
 public:
  explicit Object(Node own) : own_(std::move(own)) {}
  explicit Object(const Node* kept) : kept_(kept) {}
  const Node& operator*() const { return kept_ != nullptr ? *kept_ : own_; }
  const Node* operator->() const { return &**this; }
  // To be changed: the cache's stays as it is.
  Node& own() {
    if (kept_ != nullptr) own_ = *std::exchange(kept_, nullptr);
    return own_;
  }
  // What is in the list that is its `entry`-th value; an own object gives it away.
  std::vector<Object> take_items(std::size_t entry) {
    std::vector<Object> out;
    out.reserve((*this)->entries[entry].second.items.size());
    if (kept_ != nullptr)
      for (const Node& item : kept_->entries[entry].second.items) out.emplace_back(&item);
    else
      for (Node& item : own_.entries[entry].second.items) out.emplace_back(std::move(item));
    return out;
  }

 private:
  Node own_;
  const Node* kept_ = nullptr;
};

void set_if_missing(Object& object, const char* key, const std::string& value) {
  if (object->find(key) != nullptr) return;
  Node name, text;
  name.kind = text.kind = NodeKind::Scalar;
  name.span = text.span = object->span;
  name.text = key;
  text.text = value;
  object.own().entries.emplace_back(std::move(name), std::move(text));
}

constexpr int kClusterNetworkPoliciesSince = 20;

class Loader {
 public:
  // `cache`: may be null.
  Loader(const LoadOptions& options, ParseCache* cache, const SourceManager& sources, DiagSink& sink)
      : options_(options), cache_(cache), sources_(sources), sink_(sink), builder_(config_, sink) {
    config_.version = options.cilium_version;
    config_.default_local_cluster = options.cilium_version >= 19;
    if (!options.given.files.empty()) read_given_config();
  }

  // First all files: cluster objects are read at once, policies wait for the configuration.
  void read(Input input) {
    if (cache_ != nullptr) {
      for (const Node* document : cache_->documents(input.file, sources_, sink_)) read(input, Object(document), nullptr);
      return;
    }
    const auto take = [&](Node document, const Items& items) { read(input, Object(std::move(document)), &items); };
    if (read_in_pieces(input.file, sources_, take)) return;
    for (Node& document : parse_documents(input.file, sources_, sink_, drop_unread)) read(input, Object(std::move(document)), nullptr);
  }

  Loaded finish() {
    if (agent_config_) apply_cilium_config(**agent_config_, config_, sink_);
    if (!options_.given.cluster_name.empty()) config_.cluster_name = options_.given.cluster_name;
    else if (!agent_config_) infer_name();
    if (!agent_config_) config_.cluster_network_policies = config_.version >= kClusterNetworkPoliciesSince;
    Loaded out;
    const std::size_t before = sink_.errors();
    for (Waiting& waiting : waiting_) lower(waiting, out);
    policy_errors_ += sink_.errors() - before;
    for (Slot& slot : slots_) {
      for (ir::Policy& policy : slot.policies) out.policies.policies.push_back(std::move(policy));
    }
    out.cluster = builder_.finish();
    for (Slot& slot : slots_) {
      if (slot.group) out.cluster.cidr_groups.push_back(std::move(*slot.group));
    }
    warn_unnamespaced(unnamespaced_, out.cluster, sink_);
    warn_deny_only(deny_only_, out.policies, sink_);
    out.skipped_objects = skipped_;
    if (agent_config_) out.agent_config = config_where_;
    out.given = options_.given;
    for (const auto& [what, count] : not_looked_at_)
      remarks_.push_back("Cilium looks at none of the " + std::to_string(count) + " objects of kind " + what.first + ": `" + what.second + "` is off in the options at " + place_of(config_where_));
    out.remarks = std::move(remarks_);
    out.usable = options_.keep_going ? sink_.errors() == policy_errors_ : sink_.errors() == 0;
    return out;
  }

 private:
  // `more`: what else is in the list `items`; may be null.
  void read(const Input& input, Object document, const Items* more) {
    if (!input.named && is_something_else(*document)) pass_over(*document);
    else add(std::move(document), more);
  }

  struct Waiting {
    Object object;
    Role role;
    ObjectName name;
  };
  // What the last version of a policy or CIDR group gives: nothing if it was rejected.
  struct Slot {
    std::vector<ir::Policy> policies;
    std::optional<ir::CidrGroup> group;
  };

  void reject(DiagKind kind, Span where, std::string message, std::string label, std::optional<std::string> replacement = {}) {
    if (++rejects_ > kMostRejects) return;
    Diagnostic diagnostic{.kind = kind, .where = where, .message = std::move(message), .label = std::move(label)};
    if (rejects_ == kMostRejects) diagnostic.notes.push_back({std::nullopt, "more of these are not shown"});
    if (replacement) diagnostic.fix = FixIt{where, std::move(*replacement)};
    sink_.error(std::move(diagnostic));
    ++policy_errors_;
  }

  // Values of a chart, a file of names: in no way an object.
  static bool is_something_else(const Node& document) {
    if (!document.is_mapping()) return true;
    for (const char* key : {"kind", "apiVersion", "metadata", "spec", "specs"})
      if (document.find(key) != nullptr) return false;
    return true;
  }

  void pass_over(const Node& document) {
    ++skipped_;
    if (++rejects_ > kMostRejects) return;
    sink_.warning({.kind = DiagKind::NotAnObject, .where = Span{document.span.file, document.span.begin, document.span.begin}, .message = "this is no Kubernetes object", .label = "skipped, since only its directory was named", .notes = {}, .fix = {}, .severity = Severity::Warning});
  }

  void add(Object object, const Items* more = nullptr) {
    if (!object->is_mapping()) {
      return reject(DiagKind::NotAnObject, object->span, "a document is not a mapping", "expected a Kubernetes object");
    }
    const std::string kind = text_of(&*object, "kind"), api_version = text_of(&*object, "apiVersion");
    if (kind.empty() || api_version.empty()) {
      const std::string missing = kind.empty() ? "kind" : "apiVersion";
      return reject(DiagKind::NoKind, object->span, "this object has no `" + missing + "`", "`" + missing + "` is required");
    }
    if (const auto at = list_of(*object, kind)) {
      const Node& items = object->entries[*at].second;
      if (!items.is_sequence()) return reject(DiagKind::NotAnObject, items.span, "`items` of a " + kind + " is not a list", "expected a list of objects");
      for (Object& item : object.take_items(*at)) add_item(std::move(item), kind, api_version);
      for (std::size_t i = 0; more != nullptr && i < more->size(); ++i) add_item(Object(more->read(i)), kind, api_version);
      return;
    }

    ObjectName name = name_of(*object, kind);
    const Role role = role_of(api_version, kind, name.name);
    switch (role) {
      case Role::Assertions: return;
      case Role::Other: ++skipped_; return;
      case Role::BadPolicy: return bad_kind(*object, api_version, kind);
      case Role::AgentConfig: return set_config(std::move(object), name);
      case Role::ClusterObject:
        note_replaced(name);
        return builder_.add(*object, kind);
      case Role::Policy:
      case Role::CidrGroup:
        note_replaced(name);
        waiting_.push_back({std::move(object), role, std::move(name)});
        return;
    }
  }

  // Which entry is `items`, of a List or of a typed list ("PodList").
  static std::optional<std::size_t> list_of(const Node& object, const std::string& kind) {
    if (kind.size() < 4 || kind.compare(kind.size() - 4, 4, "List") != 0) return std::nullopt;
    for (std::size_t i = 0; i < object.entries.size(); ++i) {
      if (object.entries[i].first.text == "items" && !object.entries[i].second.is_null()) return i;
    }
    return std::nullopt;
  }

  // Items of typed lists need not say what they are.
  void add_item(Object item, const std::string& list_kind, const std::string& api_version) {
    const std::string kind = list_kind.substr(0, list_kind.size() - 4);
    if (item->is_mapping() && !kind.empty()) {
      set_if_missing(item, "kind", kind);
      set_if_missing(item, "apiVersion", api_version);
    }
    add(std::move(item));
  }

  void bad_kind(const Node& object, const std::string& api_version, const std::string& kind) {
    const PolicyKindName meant = nearest_policy_kind(kind);
    const bool wrong_version = kind == meant.kind;
    const std::string right = wrong_version ? meant.api_version : meant.kind;
    reject(DiagKind::UnknownPolicyKind, object.find(wrong_version ? "apiVersion" : "kind")->span,
           "there is no kind " + policy::quote(kind) + " in " + policy::quote(api_version), "expected `" + right + "`", right);
  }

  std::string place_of(Span where) const { return sources_.path(where.file) + ":" + std::to_string(sources_.locate(where.file, where.begin).line); }

  void read_given_config() {
    auto given = read_agent_config(options_.given.files, sources_, sink_);
    if (!given) return;  // reported
    const auto version = version_of_tag(given->image_tag);
    if (version && *version != options_.cilium_version)
      remarks_.push_back("`image.tag` of `" + sources_.path(given->where.file) + "` is " + given->image_tag + ", and the semantics here are those of Cilium 1." + std::to_string(options_.cilium_version) + ": see --cilium-version");
    config_where_ = given->where;
    config_is_given_ = true;
    agent_config_.emplace(std::move(given->config_map));
  }

  void set_config(Object object, const ObjectName& name) {
    if (config_is_given_) {
      remarks_.push_back("the options of `" + sources_.path(config_where_.file) + "` count, and not those of the ConfigMap at " + place_of(name.where));
      return;
    }
    if (agent_config_) warn_replaced(name, config_where_);
    config_where_ = name.where;
    agent_config_ = std::move(object);
  }

  void note_replaced(const ObjectName& name) {
    if (name.name.empty()) return;
    const auto [entry, fresh] = seen_.try_emplace(name.key(), name.where);
    if (fresh) return;
    warn_replaced(name, entry->second);
    entry->second = name.where;
  }

  void warn_replaced(const ObjectName& name, Span earlier) {
    const std::string full = name.ns.empty() ? name.name : name.ns + "/" + name.name;
    sink_.warning({.kind = DiagKind::ObjectReplaced,
                   .where = name.where,
                   .message = name.kind + " `" + full + "` replaces an earlier one",
                   .label = "",
                   .notes = {{earlier, "the earlier one is here"}},
                   .fix = {},
                   .severity = Severity::Warning});
  }

  void infer_name() {
    ClusterNames names;
    for (const Waiting& waiting : waiting_) collect_cluster_names(*waiting.object, names);
    infer_cluster_name(names, config_, sink_);
  }

  Slot& slot_of(const ObjectName& name) {
    const auto [entry, fresh] = slot_index_.try_emplace(name.key(), slots_.size());
    if (fresh) {
      slots_.emplace_back();
    } else {
      slots_[entry->second] = {};
    }
    return slots_[entry->second];
  }

  void lower(Waiting& waiting, Loaded& out) {
    PolicyResult result;
    result.kind = waiting.name.kind;
    result.ns = waiting.name.ns;
    result.name = waiting.name.name;
    result.where = waiting.name.where;
    const LowerContext context{config_, options_.lax, sink_, &result.unknown_fields, &deny_only_};
    Slot& slot = slot_of(waiting.name);
    if (waiting.role == Role::CidrGroup) {
      if (auto group = lower_cidr_group(*waiting.object, context)) {
        result.accepted = true;
        slot.group = std::move(*group);
      }
    } else if (auto policies = lower_policy(waiting, context)) {
      result.accepted = true;
      result.rules = policies->size();
      slot.policies = std::move(*policies);
    }
    out.results.push_back(std::move(result));
    waiting.object = Object(Node());  // large inputs: not two copies of everything
  }

  Checked<std::vector<ir::Policy>> lower_policy(const Waiting& waiting, const LowerContext& context) {
    if (const auto option = agent_config_ ? switched_off(**agent_config_, waiting.name.kind) : std::nullopt) {
      not_looked_at_[{waiting.name.kind, *option}] += 1;
      return std::vector<ir::Policy>{};
    }
    if (waiting.name.kind == "ClusterNetworkPolicy") return lower_cluster_network_policy_if_on(waiting, context);
    const bool clusterwide = waiting.name.kind == "CiliumClusterwideNetworkPolicy";
    if (!clusterwide && !waiting.name.name.empty() && text_of(waiting.object->find("metadata"), "namespace").empty())
      unnamespaced_.push_back({waiting.name.kind, waiting.name.name, waiting.name.where});
    if (waiting.name.kind == "NetworkPolicy") return lower_network_policy(*waiting.object, context);
    return lower_cilium_policy(*waiting.object, clusterwide, context);
  }

  // Section 6.6: off by default in Cilium. Without its configuration an author who gives such a
  // policy is taken to mean it.
  Checked<std::vector<ir::Policy>> lower_cluster_network_policy_if_on(const Waiting& waiting, const LowerContext& context) {
    const std::string option = "`enable-k8s-cluster-network-policy`";
    const bool known = config_.version >= kClusterNetworkPoliciesSince, on = known && config_.cluster_network_policies;
    if (on && agent_config_) return lower_cluster_network_policy(*waiting.object, context);
    const std::string label = on      ? "it counts here, as no `cilium-config` says otherwise"
                              : known ? "it changes nothing; set " + option + " to \"true\" in `cilium-config`"
                                      : "it changes nothing before Cilium 1.20";
    sink_.warning({.kind = on ? DiagKind::ClusterPolicyAssumed : DiagKind::ClusterPolicyIgnored,
                   .where = waiting.name.where,
                   .message = "Cilium looks at ClusterNetworkPolicy `" + waiting.name.name + "` only from 1.20 on, with " + option,
                   .label = label,
                   .notes = {},
                   .fix = {},
                   .severity = Severity::Warning});
    if (on) return lower_cluster_network_policy(*waiting.object, context);
    return std::vector<ir::Policy>{};
  }

  std::map<std::pair<std::string, std::string>, std::size_t> not_looked_at_;  // objects, by kind and the option that is off
  static constexpr std::size_t kMostRejects = 1000;  // a file of such objects is not meant for us

  const LoadOptions& options_;
  ParseCache* cache_;
  const SourceManager& sources_;
  DiagSink& sink_;
  ir::Config config_;
  ClusterBuilder builder_;  // reads config_ when it finishes
  std::optional<Object> agent_config_;
  Span config_where_;
  bool config_is_given_ = false;  // not one of the objects
  std::vector<std::string> remarks_;
  std::vector<Waiting> waiting_;
  std::unordered_map<std::string, Span> seen_;
  std::vector<Slot> slots_;
  std::unordered_map<std::string, std::size_t> slot_index_;
  std::vector<Unnamespaced> unnamespaced_;
  std::vector<DenyOnly> deny_only_;
  std::size_t skipped_ = 0;
  std::size_t rejects_ = 0;
  std::size_t policy_errors_ = 0;  // those that keep_going goes over
};

Loaded load_with(Loader&& loader, const std::vector<Input>& inputs) {
  for (const Input& input : inputs) loader.read(input);
  Loaded out = loader.finish();
  out.files = inputs.size() + out.given.files.size();
  return out;
}

}  // namespace

Loaded load(const std::vector<Input>& inputs, const LoadOptions& options, SourceManager& sources, DiagSink& sink) {
  return load_with({options, nullptr, sources, sink}, inputs);
}

Loaded load(const std::vector<Input>& inputs, const LoadOptions& options, ParseCache& cache, SourceManager& sources, DiagSink& sink) {
  return load_with({options, &cache, sources, sink}, inputs);
}

Loaded load(const std::vector<std::string>& paths, const LoadOptions& options, SourceManager& sources, DiagSink& sink) {
  return load(read_inputs(paths, sources, sink), options, sources, sink);
}

Loaded load(const std::vector<FileId>& files, const LoadOptions& options, SourceManager& sources, DiagSink& sink) {
  std::vector<Input> inputs;
  for (const FileId file : files) inputs.push_back({file, true});
  return load(inputs, options, sources, sink);
}

}  // namespace netpolc::frontend
