#include "compiler/assertions/fields.h"

#include <algorithm>

#include "frontend/policy/object.h"

namespace netpolc::compiler::assertions {

using frontend::policy::nearest;
using frontend::policy::quote;

void Fields::error(DiagKind kind, Span where, std::string message, std::string label, std::optional<std::string> replacement) const {
  Diagnostic diagnostic{.kind = kind, .where = where, .message = std::move(message), .label = std::move(label)};
  if (replacement) diagnostic.fix = FixIt{where, std::move(*replacement)};
  sink_.error(std::move(diagnostic));
}

bool Fields::mapping(const Node& node, std::string_view what) const {
  if (node.is_mapping()) return true;
  error(DiagKind::TestFieldType, node.span, std::string(what) + " is not a mapping", "expected fields");
  return false;
}

void Fields::known(const Node& mapping, const std::vector<std::string_view>& names) const {
  for (const auto& [key, unused] : mapping.entries) {
    if (std::find(names.begin(), names.end(), key.text) != names.end()) continue;
    const auto meant = nearest(key.text, names);
    if (meant && !has(mapping, *meant))
      error(DiagKind::TestUnknownField, key.span, "unknown field " + quote(key.text), "did you mean `" + std::string(*meant) + "`?", std::string(*meant));
    else
      error(DiagKind::TestUnknownField, key.span, "unknown field " + quote(key.text), "there is no such field here");
  }
}

const Node* Fields::value(const Node& mapping, std::string_view key) const {
  const Node* found = mapping.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

Span Fields::place(const Node& mapping, std::string_view key) const {
  for (const auto& [name, unused] : mapping.entries)
    if (name.text == key) return name.span;
  return mapping.span;
}

std::optional<std::string> Fields::text(const Node& node) const {
  if (node.is_scalar() && !node.text.empty()) return node.text;
  error(DiagKind::TestFieldType, node.span, std::string(frontend::policy::type_name(node)) + " is no text", "expected text");
  return std::nullopt;
}

std::optional<std::string> Fields::text(const Node& mapping, std::string_view key) const {
  const Node* found = value(mapping, key);
  return found == nullptr ? std::nullopt : text(*found);
}

bool Fields::boolean(const Node& mapping, std::string_view key) const {
  const Node* found = value(mapping, key);
  if (found == nullptr) return false;
  if (found->is_bool()) return found->bool_value();
  error(DiagKind::TestFieldType, found->span, "`" + std::string(key) + "` is neither true nor false", "expected `true` or `false`");
  return false;
}

std::vector<const Node*> Fields::one_or_more(const Node& node) const {
  if (!node.is_sequence()) return {&node};
  std::vector<const Node*> out;
  for (const Node& item : node.items) out.push_back(&item);
  if (out.empty()) error(DiagKind::TestFieldType, node.span, "an empty list", "expected at least one item");
  return out;
}

std::optional<std::string> Fields::word(const Node& node, const std::vector<std::string_view>& words) const {
  if (node.is_scalar() && std::find(words.begin(), words.end(), node.text) != words.end()) return node.text;
  std::string all;
  for (const auto one : words) all += (all.empty() ? "`" : ", `") + std::string(one) + "`";
  const auto meant = node.is_scalar() ? nearest(node.text, words) : std::nullopt;
  error(DiagKind::TestValue, node.span, (node.is_scalar() ? quote(node.text) : std::string("this")) + " is not expected here", "one of " + all,
        meant ? std::optional(std::string(*meant)) : std::nullopt);
  return std::nullopt;
}

}  // namespace netpolc::compiler::assertions
