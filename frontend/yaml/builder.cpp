#include "frontend/yaml/builder.h"

#include <algorithm>
#include <utility>

#include "frontend/yaml/syntax.h"

namespace netpolc::frontend::yaml {
namespace {

constexpr std::size_t kIndexFrom = 16;  // smaller mappings are searched in order

// What a copy costs: nodes, and long texts as if they were several.
std::size_t cost_of(const Node& node) {
  std::size_t cost = 1 + node.text.size() / 64;
  for (const Node& item : node.items) cost += cost_of(item);
  for (const auto& [key, value] : node.entries) cost += cost_of(key) + cost_of(value);
  return cost;
}

bool is_merge_key(const Node& key) { return key.plain && key.text == "<<"; }

}  // namespace

void Builder::error(Diagnostic diagnostic) {
  sink_.error(std::move(diagnostic));
  document_ok_ = false;
  if (++errors_ >= kMaxErrors) stopped_ = true;
}

void Builder::begin_document() {
  stack_.clear();
  anchors_.clear();
  root_ = Node{};
  document_ok_ = true;
}

void Builder::end_document() {
  if (document_ok_ && !root_.is_null()) documents_.push_back(std::move(root_));
  root_ = Node{};
}

void Builder::begin_collection(NodeKind kind, std::uint32_t begin, std::size_t anchor) {
  if (stack_.size() >= kMaxDepth) {
    error({.kind = DiagKind::NestingTooDeep,
           .where = Span{file_, begin, begin},
           .message = "collections are nested more than " + std::to_string(kMaxDepth) + " deep"});
    stopped_ = true;
    return;
  }
  Frame& frame = stack_.emplace_back();
  frame.node.kind = kind;
  frame.node.span = {file_, begin, begin};
  frame.anchor = anchor;
}

void Builder::end_collection(std::uint32_t end) {
  Frame frame = std::move(stack_.back());
  stack_.pop_back();
  frame.node.span.end = std::max(end, frame.node.span.begin);
  if (!frame.merges.empty()) resolve_merges(frame);
  complete(std::move(frame.node), frame.anchor);
}

void Builder::leaf(Node node, std::size_t anchor) { complete(std::move(node), anchor); }

void Builder::complete(Node node, std::size_t anchor) {
  if (anchor != 0 && node.span.end <= last_alias_) {
    const std::size_t cost = cost_of(node);
    if (!charge(cost, node.span)) return;
    anchors_.insert_or_assign(anchor, Anchored{node, cost});
  }
  attach(std::move(node));
}

void Builder::alias(std::size_t anchor, Span where) {
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) {
    error({.kind = DiagKind::YamlSyntax, .where = where, .message = "an alias names a value that contains it"});
    attach(Node{.kind = NodeKind::Null, .span = where});
    return;
  }
  if (!charge(found->second.cost, where)) return;
  attach(found->second.node);
}

bool Builder::charge(std::size_t cost, Span where) {
  charged_ += cost;
  if (charged_ <= kMaxAliasedNodes) return true;
  error({.kind = DiagKind::AliasExpansion,
         .where = where,
         .message = "aliases in this file expand to more than " + std::to_string(kMaxAliasedNodes) + " nodes"});
  stopped_ = true;
  return false;
}

void Builder::attach(Node node) {
  if (++nodes_ > kMaxNodes) {
    error({.kind = DiagKind::InputTooLarge,
           .where = node.span,
           .message = "the file has more than " + std::to_string(kMaxNodes) + " values"});
    stopped_ = true;
    return;
  }
  if (stack_.empty()) {
    root_ = std::move(node);
    return;
  }
  Frame& frame = stack_.back();
  if (frame.node.is_sequence()) {
    frame.node.items.push_back(std::move(node));
    if (shrink_ && is_in_items()) shrink_(frame.node.items.back());
  } else if (!frame.key) {
    attach_key(std::move(node));
  } else if (is_merge_key(*frame.key)) {
    attach_merge(frame, std::move(node));
    frame.key.reset();
  } else {
    attach_entry(frame, std::move(node));
  }
}

// Within the list `items` of a document.
bool Builder::is_in_items() const { return stack_.size() == 2 && stack_.front().key && stack_.front().key->text == "items"; }

void Builder::attach_key(Node node) {
  if (!node.is_scalar()) {
    error({.kind = DiagKind::YamlSyntax,
           .where = node.span,
           .message = std::string("a key is ") + (node.is_null() ? "null" : "a collection"),
           .label = "keys are strings"});
    node = Node{.kind = NodeKind::Scalar, .span = node.span, .plain = false};
  } else if (node.plain && !is_merge_key(node)) {
    node.text = key_text(node);
  }
  stack_.back().key = std::move(node);
}

std::optional<std::size_t> Builder::find_entry(Frame& frame, const std::string& key) {
  const auto& entries = frame.node.entries;
  if (entries.size() < kIndexFrom) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].first.text == key) return i;
    }
    return std::nullopt;
  }
  if (!frame.index) frame.index = std::make_unique<std::unordered_map<std::string, std::size_t>>();
  for (std::size_t i = frame.index->size(); i < entries.size(); ++i) frame.index->emplace(entries[i].first.text, i);
  const auto found = frame.index->find(key);
  if (found == frame.index->end()) return std::nullopt;
  return found->second;
}

void Builder::attach_entry(Frame& frame, Node value) {
  Node key = *std::exchange(frame.key, std::nullopt);
  const auto before = find_entry(frame, key.text);
  if (!before) {
    frame.node.entries.emplace_back(std::move(key), std::move(value));
    return;
  }
  error({.kind = DiagKind::DuplicateKey,
         .where = key.span,
         .message = "key `" + key.text + "` is already in this mapping",
         .notes = {{frame.node.entries[*before].first.span, "the first `" + key.text + "` is here"}}});
}

void Builder::attach_merge(Frame& frame, Node value) {
  const Span key = frame.key->span;
  if (frame.merge_key) {
    error({.kind = DiagKind::DuplicateKey,
           .where = key,
           .message = "key `<<` is already in this mapping",
           .notes = {{frame.merge_key, "the first `<<` is here"}}});
    return;
  }
  frame.merge_key = key;
  std::vector<Node> merges;
  if (value.is_sequence()) {
    merges = std::move(value.items);
  } else {
    merges.push_back(std::move(value));
  }
  for (const Node& merged : merges) {
    if (merged.is_mapping()) continue;
    error({.kind = DiagKind::BadMergeKey,
           .where = key,
           .message = "`<<` takes a mapping or a list of mappings",
           .notes = {{merged.span, "this is neither"}}});
    return;
  }
  frame.merges = std::move(merges);
}

// Keys written in the mapping win, then those of the mapping named first.
void Builder::resolve_merges(Frame& frame) {
  for (Node& merged : frame.merges) {
    for (auto& [key, value] : merged.entries) {
      if (!find_entry(frame, key.text)) frame.node.entries.emplace_back(std::move(key), std::move(value));
    }
  }
}

}  // namespace netpolc::frontend::yaml
