// frontend/yaml/builder.h — events into Nodes: duplicate keys, merge keys, aliases, bounds.
// Knows nothing of a concrete syntax; frontend/yaml/{events,json}.cpp feed it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "frontend/yaml/document.h"
#include "frontend/yaml/pieces.h"

namespace netpolc::frontend::yaml {

constexpr std::size_t kMaxDepth = 200;
constexpr std::size_t kMaxAliasedNodes = 1'000'000;  // per file
constexpr std::size_t kMaxNodes = 8'000'000;         // per file, about a gigabyte; aliases count once
constexpr std::size_t kMaxErrors = 100;              // per file, then we stop reading it

class Builder {
 public:
  // `last_alias`: no alias begins after this offset, so that anchors there cost nothing.
  // `shrink`: see frontend/yaml/pieces.h; may be empty.
  Builder(FileId file, DiagSink& sink, std::uint32_t last_alias, Shrink shrink = {}) : file_(file), sink_(sink), last_alias_(last_alias), shrink_(std::move(shrink)) {}

  // Anchor 0 is none. After a call the caller must look at `stopped()`.
  void begin_document();
  void begin_collection(NodeKind kind, std::uint32_t begin, std::size_t anchor);
  void end_collection(std::uint32_t end);
  void leaf(Node node, std::size_t anchor);
  void alias(std::size_t anchor, Span where);
  void end_document();

  void error(Diagnostic diagnostic);
  bool stopped() const { return stopped_; }  // reported; the rest of the file is not read
  std::vector<Node> take() { return std::move(documents_); }

 private:
  struct Frame {
    Node node;
    std::size_t anchor = 0;
    std::optional<Node> key;         // Mapping: read, its value is not
    std::optional<Span> merge_key;   // `<<` seen here
    std::vector<Node> merges = {};   // its mappings, first wins
    std::unique_ptr<std::unordered_map<std::string, std::size_t>> index = {};  // only of large mappings
  };
  struct Anchored {
    Node node;
    std::size_t cost = 0;
  };

  void complete(Node node, std::size_t anchor);
  void attach(Node node);
  void attach_key(Node node);
  void attach_entry(Frame& frame, Node value);
  void attach_merge(Frame& frame, Node value);
  void resolve_merges(Frame& frame);
  std::optional<std::size_t> find_entry(Frame& frame, const std::string& key);
  bool charge(std::size_t cost, Span where);
  bool is_in_items() const;

  FileId file_;
  DiagSink& sink_;
  std::uint32_t last_alias_;
  Shrink shrink_;
  std::vector<Node> documents_;
  std::vector<Frame> stack_;
  Node root_;
  std::unordered_map<std::size_t, Anchored> anchors_;
  std::size_t charged_ = 0;
  std::size_t nodes_ = 0;
  std::size_t errors_ = 0;
  bool document_ok_ = true;
  bool stopped_ = false;
};

}  // namespace netpolc::frontend::yaml
