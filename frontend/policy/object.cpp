#include "frontend/policy/object.h"

#include <algorithm>
#include <utility>

#include "ir/base/edit_distance.h"

namespace netpolc::frontend::policy {

std::string Value::child_path(std::string_view key) const {
  const std::string own = path();
  return own.empty() ? std::string(key) : own + "." + std::string(key);
}

std::string Value::path() const {
  if (!parent_) return {};
  if (is_item()) return parent_->path() + "[" + std::to_string(index_) + "]";
  return parent_->child_path(key_);
}

std::string Value::name() const {
  if (!parent_) return "the object";
  if (is_item()) return parent_->name() + "[" + std::to_string(index_) + "]";
  return std::string(key_);
}

std::string_view type_name(const Node& node) {
  switch (node.kind) {
    case NodeKind::Null: return "null";
    case NodeKind::Sequence: return "a list";
    case NodeKind::Mapping: return "a mapping";
    case NodeKind::Scalar: break;
  }
  if (node.is_bool()) return "a boolean";
  if (node.is_integer()) return "an integer";
  if (node.is_number()) return "a number";
  return "a string";
}

std::string quote(std::string_view text) {
  constexpr std::size_t kShown = 80;
  std::string out = "`";
  for (const char c : text.substr(0, kShown)) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  if (text.size() > kShown) out += "…";
  return out + "`";
}

namespace {

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kLongest = 64;  // nothing longer is a misspelt field
  if (word.empty() || word.size() > kLongest) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  bool tie = false;
  for (const auto candidate : candidates) {
    // Cut short, as `proto`, counts as one mistake.
    const bool cut = word.size() > 3 && lower_case(candidate).starts_with(lower_case(word));
    const std::size_t d = cut ? std::min<std::size_t>(1, candidate.size() - word.size()) : edit_distance(lower_case(word), lower_case(candidate));
    if (d < best_distance) {
      best = candidate, best_distance = d, tie = false;
    } else if (d == best_distance && best) {
      tie = true;
    }
  }
  return tie ? std::nullopt : best;
}

// ---- reporting -----------------------------------------------------------------------------

std::optional<DiagNote> Judge::enclosing(const Value& at) const {
  for (const Value* up = at.parent(); up && up->parent(); up = up->parent()) {
    const bool element = up->is_item() && (*up)->is_mapping();
    if (!element && up->key() != "spec") continue;
    const std::string what = element ? "this `" + std::string(up->parent()->key()) + "` entry" : "`spec`";
    return DiagNote{up->span(), "in " + what + (name.empty() ? "" : " of `" + name + "`")};
  }
  return std::nullopt;
}

void Judge::report(Diagnostic diagnostic, const Value& at) {
  constexpr std::size_t kMost = 100;
  if (++said_ > kMost && (reported_ || diagnostic.severity == Severity::Warning)) return;
  if (auto note = enclosing(at)) diagnostic.notes.push_back(std::move(*note));
  if (said_ == kMost) diagnostic.notes.push_back({std::nullopt, "more about this object is not shown"});
  if (diagnostic.severity == Severity::Warning) {
    context.sink.warning(std::move(diagnostic));
  } else {
    reported_ = context.sink.error(std::move(diagnostic));
  }
}

void Judge::error(DiagKind kind, const Value& at, std::string message, std::string label,
                  std::optional<std::string> replacement) {
  Diagnostic diagnostic{.kind = kind, .where = at.span(), .message = std::move(message), .label = std::move(label)};
  if (replacement) diagnostic.fix = FixIt{at.span(), std::move(*replacement)};
  report(std::move(diagnostic), at);
}

void Judge::agent_error(DiagKind kind, const Value& at, std::string message, std::string label,
                        std::optional<std::string> replacement) {
  if (!schema_only) error(kind, at, std::move(message), std::move(label), std::move(replacement));
}

void Judge::warning(DiagKind kind, const Value& at, std::string message, std::string label,
                    std::optional<std::string> replacement) {
  Diagnostic diagnostic{.kind = kind, .where = at.span(), .message = std::move(message), .label = std::move(label),
                        .severity = Severity::Warning};
  if (replacement) diagnostic.fix = FixIt{at.span(), std::move(*replacement)};
  report(std::move(diagnostic), at);
}

// ---- types ---------------------------------------------------------------------------------

void Judge::wrong_type(const Value& at, std::string_view expected) {
  // A plain scalar where a string is wanted has exactly one fix: quotes; and brackets for a list.
  std::optional<std::string> fix;
  if (expected == "a string" && at->is_scalar()) {
    const auto number = at->integer_value();
    fix = "\"" + (number ? std::to_string(*number) : at->text) + "\"";
  } else if (expected == "a list" && at->is_scalar() && at->plain && at->text.find_first_of(",[]{}") == std::string::npos) {
    fix = "[" + at->text + "]";
  }
  error(DiagKind::WrongType, at, "`" + at.name() + "` is " + std::string(type_name(at.node())) + ", not " + std::string(expected),
        "expected " + std::string(expected), std::move(fix));
}

bool Judge::empty_item(const Value& at) {
  if (null_is_empty) {
    warning(DiagKind::NullItem, at, "`" + at.name() + "` is null", "Kubernetes reads this as an empty entry; write `{}` if that is meant");
    return true;
  }
  error(DiagKind::NullItem, at, "`" + at.name() + "` is null", "a list item cannot be null; write `{}` for an empty one");
  return false;
}

bool Judge::mapping(const Value& at) {
  if (at->is_mapping() || (null_is_empty && at->is_null())) return true;
  wrong_type(at, "a mapping");
  return false;
}

bool Judge::list(const Value& at) {
  if (at->is_sequence()) return true;
  wrong_type(at, "a list");
  return false;
}

const std::string* Judge::string(const Value& at) {
  if (at->is_string() || (null_is_empty && at->is_null())) return &at->text;
  wrong_type(at, "a string");
  return nullptr;
}

void Judge::known_fields(const Value& at, std::initializer_list<std::string_view> known) {
  known_fields(at, std::vector<std::string_view>(known));
}

void Judge::known_fields(const Value& at, const std::vector<std::string_view>& known) {
  for (const auto& [key, value] : at->entries) {
    if (std::find(known.begin(), known.end(), key.text) != known.end()) continue;
    if (context.unknown_fields) context.unknown_fields->push_back(at.child_path(key.text));
    const Value field_value(at, key.text, value);
    Diagnostic diagnostic{.kind = DiagKind::UnknownField,
                          .where = key.span,
                          .message = "unknown field " + quote(key.text),
                          .label = "Cilium drops it silently",
                          .severity = context.lax ? Severity::Warning : Severity::Error};
    if (const auto meant = nearest(key.text, known); meant && !has(at, *meant)) {
      diagnostic.label = "did you mean `" + std::string(*meant) + "`?";
      diagnostic.fix = FixIt{key.span, std::string(*meant)};
    }
    report(std::move(diagnostic), field_value);
  }
}

// ---- fields --------------------------------------------------------------------------------

std::optional<Value> Judge::field(const Value& at, std::string_view key) const {
  for (const auto& [name_node, value] : at->entries) {
    if (name_node.text != key) continue;
    if (value.is_null()) return std::nullopt;
    return Value(at, name_node, value);
  }
  return std::nullopt;
}

std::optional<std::string> Judge::string_field(const Value& at, std::string_view key) {
  const auto found = field(at, key);
  if (!found) return std::nullopt;
  const auto* text = string(*found);
  return text ? std::optional(*text) : std::nullopt;
}

std::optional<bool> Judge::bool_field(const Value& at, std::string_view key) {
  const auto found = field(at, key);
  if (!found) return std::nullopt;
  if ((*found)->is_bool()) return (*found)->bool_value();
  wrong_type(*found, "a boolean");
  return std::nullopt;
}

std::optional<long long> Judge::integer_field(const Value& at, std::string_view key) {
  const auto found = field(at, key);
  if (!found) return std::nullopt;
  if ((*found)->is_integer()) {
    if (const auto value = (*found)->integer_value()) return value;
    error(DiagKind::WrongType, *found, "`" + found->name() + "` is too large for an integer");
    return std::nullopt;
  }
  wrong_type(*found, "an integer");
  return std::nullopt;
}

std::optional<Value> Judge::required(const Value& at, std::string_view key) {
  auto found = field(at, key);
  if (!found) {
    error(DiagKind::MissingField, at, "`" + at.name() + "` has no `" + std::string(key) + "`", "`" + std::string(key) + "` is required");
  }
  return found;
}

void Judge::string_map(const Value& at) {
  if (!mapping(at)) return;
  for (const auto& [key, value] : at->entries) string(Value(at, key.text, value));
}

void Judge::limit_items(const Value& at, std::string_view key, std::size_t limit, DiagKind kind, bool agent_only) {
  const auto found = field(at, key);
  if (!found || (*found)->items.size() <= limit || (agent_only && schema_only)) return;
  const Value extra(*found, limit, (*found)->items[limit]);
  error(kind, extra, "`" + std::string(key) + "` has " + std::to_string((*found)->items.size()) + " entries, the limit is " + std::to_string(limit),
        "put the rest into a second entry");
}

void Judge::limit_length(const Value& at, std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return;
  error(DiagKind::ValueTooLong, at,
        "`" + at.name() + "` is " + std::to_string(text.size()) + " bytes long, the limit is " + std::to_string(limit));
}

bool Judge::one_of(const Value& at, std::string_view text, const std::vector<std::string_view>& allowed, DiagKind kind) {
  if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return true;
  const std::string what = at.is_item() ? std::string(at.parent()->key()) : at.name();
  std::string list_text;
  for (const auto candidate : allowed) list_text += (list_text.empty() ? "`" : ", `") + std::string(candidate) + "`";
  std::optional<std::string> fix;
  if (const auto meant = nearest(text, allowed)) fix = std::string(*meant);
  error(kind, at, quote(text) + " is not a value of `" + what + "`", "one of " + list_text, std::move(fix));
  return false;
}

// ---- metadata ------------------------------------------------------------------------------

namespace {

constexpr std::string_view kMetadata[] = {
    "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers",
    "managedFields"};

void read_namespace(Judge& judge, const Value& metadata, bool cluster_scoped, std::string_view kind) {
  const auto ns = judge.string_field(metadata, "namespace");
  if (!ns || ns->empty()) return;
  if (!cluster_scoped) {
    judge.ns = *ns;
    return;
  }
  judge.error(DiagKind::NamespaceNotAllowed, *judge.field(metadata, "namespace"), "a " + std::string(kind) + " has no namespace",
              "remove `namespace`, it is a cluster-wide object");
}

}  // namespace

void read_metadata(Judge& judge, const Value& object, bool cluster_scoped, std::string_view kind) {
  const auto metadata = judge.field(object, "metadata");
  judge.ns = cluster_scoped ? "" : "default";
  bool name_given = false;
  if (metadata && judge.mapping(*metadata)) {
    judge.known_fields(*metadata, {std::begin(kMetadata), std::end(kMetadata)});
    const auto name = judge.field(*metadata, "name");
    if (name) {
      const auto* text = judge.string(*name);
      if (text) judge.name = *text;
      name_given = !text || !text->empty();
    }
    const bool before = std::exchange(judge.null_is_empty, true);
    for (const char* map : {"labels", "annotations"}) {
      if (const auto value = judge.field(*metadata, map)) judge.string_map(*value);
    }
    judge.null_is_empty = before;
    read_namespace(judge, *metadata, cluster_scoped, kind);
  }
  if (name_given || (metadata && !(*metadata)->is_mapping())) return;
  judge.error(DiagKind::MissingName, metadata ? metadata->named() : object, "this " + std::string(kind) + " has no name", "`metadata.name` is required");
}

}  // namespace netpolc::frontend::policy
