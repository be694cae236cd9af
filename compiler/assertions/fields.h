// compiler/assertions/fields.h — fields of assertion files, read strictly: what is unknown, of the wrong type or twice said is an error with
// its place. A null field is absent, a null item an error.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/yaml/document.h"

namespace netpolc::compiler::assertions {

using frontend::Node;

class Fields {
 public:
  explicit Fields(DiagSink& sink) : sink_(sink) {}

  void error(DiagKind kind, Span where, std::string message, std::string label = {}, std::optional<std::string> replacement = {}) const;
  // Whether it is one; else that is said. `what`: "a test".
  bool mapping(const Node& node, std::string_view what) const;
  // Others are errors, with the nearest of these as a fix.
  void known(const Node& mapping, const std::vector<std::string_view>& names) const;
  bool has(const Node& mapping, std::string_view key) const { return value(mapping, key) != nullptr; }
  const Node* value(const Node& mapping, std::string_view key) const;  // absent or null: none
  Span place(const Node& mapping, std::string_view key) const;         // of the key; it is there

  std::optional<std::string> text(const Node& mapping, std::string_view key) const;
  std::optional<std::string> text(const Node& node) const;  // an item
  bool boolean(const Node& mapping, std::string_view key) const;  // absent: false
  // Itself, or its items where it is a list. An empty list is an error.
  std::vector<const Node*> one_or_more(const Node& node) const;
  std::size_t errors() const { return sink_.errors(); }
  // One of these words, else the nearest as a fix. None: said.
  std::optional<std::string> word(const Node& node, const std::vector<std::string_view>& words) const;

 private:
  DiagSink& sink_;
};

}  // namespace netpolc::compiler::assertions
