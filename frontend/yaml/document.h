// frontend/yaml/document.h — YAML and JSON as a tree with places. The only door to yaml-cpp.
//
// Promises: duplicate keys are refused (NP003), merge keys and aliases are resolved with a
// bound on the number of nodes (NP004), nesting is bounded (NP005), a byte-order mark is
// skipped but counted in offsets, syntax errors have a place (NP002). After a syntax error
// the documents before it are still returned. Never throws.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/base/diagnostics.h"

namespace netpolc::frontend {

enum class NodeKind { Null, Scalar, Sequence, Mapping };

struct Node {
  NodeKind kind = NodeKind::Null;
  Span span;              // of the value; for collections from the first to the last character
  std::string text = {};  // Scalar: decoded
  bool plain = false;     // Scalar: unquoted, so that YAML's core schema gives it a type
  std::vector<Node> items = {};                     // Sequence
  std::vector<std::pair<Node, Node>> entries = {};  // Mapping, in order; keys are scalars

  bool is_null() const { return kind == NodeKind::Null; }
  bool is_scalar() const { return kind == NodeKind::Scalar; }
  bool is_sequence() const { return kind == NodeKind::Sequence; }
  bool is_mapping() const { return kind == NodeKind::Mapping; }
  const Node* find(std::string_view key) const;  // Mapping: the value, else nullptr
  // What JSON type the API server would see (YAML 1.1 as sigs.k8s.io/yaml reads it: plain
  // true/false/yes/no/y/n/on/off in their usual cases are booleans, plain numbers are numbers).
  bool is_string() const;
  bool is_bool() const;
  bool is_integer() const;
  bool is_number() const;
  bool bool_value() const;                 // precondition: is_bool()
  std::optional<long long> integer_value() const;  // decimal, 0x, 0o and octal; none if out of range
};

// All documents of a file that is already in `sources`; empty documents are left out.
std::vector<Node> parse_documents(FileId file, const SourceManager& sources, DiagSink& sink);

}  // namespace netpolc::frontend
