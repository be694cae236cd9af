#include "compiler/lint/places.h"

#include <algorithm>
#include <functional>

#include "frontend/parse_cache.h"

namespace netpolc::lint {
namespace {

using frontend::Node;

// Depth first, in the order of the text; `visit` gets a mapping's key (null for items) and its value, and says when to stop.
using Visit = std::function<bool(const Node* key, const Node& value)>;
bool walk(const Node& node, const Visit& visit) {
  for (const auto& [key, value] : node.entries)
    if (visit(&key, value) || walk(value, visit)) return true;
  for (const Node& item : node.items)
    if (visit(nullptr, item) || walk(item, visit)) return true;
  return false;
}

// "k8s:app", "any:app" and "app" are one key to whoever asks for `app`.
bool same_label_key(std::string_view written, std::string_view key) {
  if (written == key) return true;
  const std::size_t colon = written.find(':');
  return colon != std::string_view::npos && written.substr(colon + 1) == key;
}

bool contains(Span outer, Span inner) { return outer.begin <= inner.begin && inner.end <= outer.end; }

const Node* descend(const Node& node, Span place) {
  if (node.span == place) return &node;
  for (const auto& entry : node.entries)
    if (contains(entry.second.span, place))
      if (const Node* found = descend(entry.second, place)) return found;
  for (const Node& item : node.items)
    if (contains(item.span, place))
      if (const Node* found = descend(item, place)) return found;
  return nullptr;
}

const Node* item_reading(const Node& value, std::string_view text) {
  if (value.is_scalar()) return value.text == text ? &value : nullptr;
  for (const Node& item : value.items)
    if (item.is_scalar() && item.text == text) return &item;
  return nullptr;
}

}  // namespace

const std::vector<const Node*>& Places::documents(FileId file) {
  const auto [entry, fresh] = documents_.try_emplace(file);
  auto& out = entry->second;
  if (fresh && parsed_ != nullptr) out = parsed_->kept(file);
  if (!fresh || !out.empty()) return out;
  DiagSink unheard;  // what there is to say was said when the file was read first
  for (const Node& document : read_[file] = frontend::parse_documents(file, sources_, unheard)) out.push_back(&document);
  return out;
}

const Node* Places::node_at(Span place) {
  const auto& all = documents(place.file);
  const auto behind = std::upper_bound(all.begin(), all.end(), place.begin, [](std::uint32_t at, const Node* node) { return at < node->span.begin; });
  return behind == all.begin() ? nullptr : descend(**std::prev(behind), place);
}

Span Places::key(Span inside, std::string_view name) {
  Span out = inside;
  if (const Node* node = node_at(inside))
    walk(*node, [&](const Node* key, const Node&) { return key != nullptr && key->text == name && (out = key->span, true); });
  return out;
}

Span Places::value(Span inside, std::string_view text) {
  Span out = inside;
  if (const Node* node = node_at(inside))
    walk(*node, [&](const Node*, const Node& value) { return value.is_scalar() && value.text == text && (out = value.span, true); });
  return out;
}

Span Places::value_of(Span inside, std::string_view name, std::string_view text) {
  Span out = inside;
  const Node* node = node_at(inside);
  if (node == nullptr) return out;
  walk(*node, [&](const Node* key, const Node& value) {
    if (key == nullptr || key->text != name) return false;
    const Node* found = item_reading(value, text);
    if (found != nullptr) out = found->span;
    return found != nullptr;
  });
  return out;
}

Span Places::label_value(Span inside, std::string_view name, std::string_view text) {
  Span out = inside;
  const Node* node = node_at(inside);
  if (node == nullptr) return out;
  walk(*node, [&](const Node* key, const Node& value) {
    const Node* found = nullptr;
    if (key != nullptr && same_label_key(key->text, name)) found = item_reading(value, text);
    const Node* expression_key = value.is_mapping() ? value.find("key") : nullptr;
    const Node* values = value.is_mapping() ? value.find("values") : nullptr;
    if (expression_key != nullptr && values != nullptr && same_label_key(expression_key->text, name)) found = item_reading(*values, text);
    if (found != nullptr) out = found->span;
    return found != nullptr;
  });
  return out;
}

Span Places::label_key(Span inside, std::string_view name) {
  Span out = inside;
  const Node* node = node_at(inside);
  if (node == nullptr) return out;
  walk(*node, [&](const Node* key, const Node& value) {
    if (key == nullptr) return false;
    if (same_label_key(key->text, name)) return out = key->span, true;
    return key->text == "key" && value.is_scalar() && same_label_key(value.text, name) && (out = value.span, true);
  });
  return out;
}

}  // namespace netpolc::lint
