// frontend/policy/object.h — walking one policy object: where a value stands, what type it
// has, which fields are known. Everything that judges a policy goes through `Judge`, so that
// every error has a place, names its enclosing element, and leaves a proof (`reported`).
//
// Nulls: the API server prunes a null field (it is absent here) and refuses a null list item.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/policy/lower.h"

namespace netpolc::frontend::policy {

// A node and the way to it from the object's root. The parent must outlive the child; both
// live on the stack of the functions that descend.
class Value {
 public:
  explicit Value(const Node& root) : node_(&root) {}
  Value(const Value& parent, std::string_view key, const Node& node) : node_(&node), parent_(&parent), key_(key) {}
  Value(const Value& parent, const Node& key, const Node& node)
      : node_(&node), parent_(&parent), key_(key.text), key_node_(&key) {}
  Value(const Value& parent, std::size_t index, const Node& node)
      : node_(&node), parent_(&parent), index_(static_cast<long>(index)) {}

  const Node& node() const { return *node_; }
  const Node* operator->() const { return node_; }
  Span span() const { return node_->span; }
  const Value* parent() const { return parent_; }
  std::string_view key() const { return key_; }
  bool is_item() const { return index_ >= 0; }
  // The field's name as a value, for faults that lie in its being there at all.
  Value named() const {
    Value out = *this;
    if (key_node_) out.node_ = key_node_;
    return out;
  }
  std::string path() const;          // "spec.ingress[0].fromCIDR[1]"
  std::string name() const;          // "fromCIDR[1]" or "port": the last step, for messages
  std::string child_path(std::string_view key) const;

 private:
  const Node* node_;
  const Value* parent_ = nullptr;
  std::string_view key_;
  const Node* key_node_ = nullptr;
  long index_ = -1;
};

std::string_view type_name(const Node& node);  // "a string", "a list", …

// Quoted for messages: `text` in backticks, control characters replaced, long texts cut.
std::string quote(std::string_view text);
// The candidate nearest to `word`, if near enough to be what was meant.
std::optional<std::string_view> nearest(std::string_view word, const std::vector<std::string_view>& candidates);

class Judge {
 public:
  Judge(const LowerContext& context_in) : context(context_in), config(context_in.config) {}

  const LowerContext& context;
  const ir::Config& config;
  std::string name;                  // of the object, for notes
  std::string ns;                    // "" when cluster-scoped
  // An object with fromGroups/toGroups is turned into another one by the operator; agents of
  // up to 1.19 never look at it, so that only the schema counts (section 1.10).
  bool schema_only = false;
  // Kubernetes' own types have no schema that refuses nulls: a null item or map value is an
  // empty one there.
  bool null_is_empty = false;

  bool failed() const { return reported_.has_value(); }
  Reported proof() const { return *reported_; }  // precondition: failed()

  // Shared by API server and agent.
  void error(DiagKind kind, const Value& at, std::string message, std::string label = {},
             std::optional<std::string> replacement = {});
  // Checks of the agent alone.
  void agent_error(DiagKind kind, const Value& at, std::string message, std::string label = {},
                   std::optional<std::string> replacement = {});
  void report(Diagnostic diagnostic, const Value& at);  // adds the enclosing element
  void warning(DiagKind kind, const Value& at, std::string message, std::string label = {},
               std::optional<std::string> replacement = {});

  // ---- types ------------------------------------------------------------------------------
  bool mapping(const Value& at);
  bool list(const Value& at);
  const std::string* string(const Value& at);
  // Unknown fields are pruned by the API server: an error for us, a warning under `lax`.
  void known_fields(const Value& at, std::initializer_list<std::string_view> known);
  void known_fields(const Value& at, const std::vector<std::string_view>& known);

  // ---- fields: absent and null give nothing -------------------------------------------------
  std::optional<Value> field(const Value& at, std::string_view key) const;
  bool has(const Value& at, std::string_view key) const { return field(at, key).has_value(); }
  std::optional<std::string> string_field(const Value& at, std::string_view key);
  std::optional<bool> bool_field(const Value& at, std::string_view key);
  std::optional<long long> integer_field(const Value& at, std::string_view key);
  std::optional<Value> required(const Value& at, std::string_view key);
  void string_map(const Value& at);  // a mapping of strings

  // Calls f(item) for every item that is no null; true when the field is present.
  template <class F>
  bool each(const Value& at, std::string_view key, F&& f) {
    const auto found = field(at, key);
    if (!found) return false;
    if (list(*found)) items(*found, f);
    return true;
  }
  template <class F>
  void items(const Value& at, F&& f) {
    for (std::size_t i = 0; i < at->items.size(); ++i) {
      const Value item(at, i, at->items[i]);
      if (item->is_null() && !empty_item(item)) continue;
      f(item);
    }
  }
  template <class F>
  bool each_mapping(const Value& at, std::string_view key, F&& f) {
    return each(at, key, [&](const Value& item) {
      if (mapping(item)) f(item);
    });
  }
  template <class F>
  bool each_string(const Value& at, std::string_view key, F&& f) {
    return each(at, key, [&](const Value& item) {
      if (const auto* text = string(item)) f(item, *text);
    });
  }
  // At most `limit` items, else the diagnostic `kind`.
  void limit_items(const Value& at, std::string_view key, std::size_t limit, DiagKind kind, bool agent_only);
  void limit_length(const Value& at, std::string_view text, std::size_t limit);
  // One of `allowed`, or `kind` is reported with the nearest spelling as a fix.
  bool one_of(const Value& at, std::string_view text, const std::vector<std::string_view>& allowed, DiagKind kind);

 private:
  bool empty_item(const Value& at);  // reports; whether a null item may be read as an empty one
  void wrong_type(const Value& at, std::string_view expected);
  std::optional<DiagNote> enclosing(const Value& at) const;

  std::optional<Reported> reported_;
  std::size_t said_ = 0;  // of this object; a hundred are enough
};

// metadata of a policy: name and namespace. `cluster_scoped` objects must have no namespace;
// a missing one of others is "default".
void read_metadata(Judge& judge, const Value& object, bool cluster_scoped, std::string_view kind);

}  // namespace netpolc::frontend::policy
