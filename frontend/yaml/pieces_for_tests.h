// frontend/yaml/pieces_for_tests.h — reading in pieces held against reading as a whole: same trees, same places, nothing to report.
#pragma once
#include <optional>
#include <string>

#include "frontend/yaml/pieces.h"

namespace netpolc::frontend {

inline bool same_node(const Node& a, const Node& b) {
  if (a.kind != b.kind || a.span != b.span || a.text != b.text || a.plain != b.plain || a.items.size() != b.items.size() || a.entries.size() != b.entries.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i)
    if (!same_node(a.items[i], b.items[i])) return false;
  for (std::size_t i = 0; i < a.entries.size(); ++i)
    if (!same_node(a.entries[i].first, b.entries[i].first) || !same_node(a.entries[i].second, b.entries[i].second)) return false;
  return true;
}

inline Node put_together(Node document, const Items& items) {
  for (auto& [key, value] : document.entries)
    if (key.text == "items")
      for (std::size_t i = 0; i < items.size(); ++i) value.items.push_back(items.read(i));
  return document;
}

// What differs, in words; none where the text is read alike. `in_pieces`: whether it was.
inline std::optional<std::string> difference_in_pieces(FileId file, const SourceManager& sources, bool& in_pieces) {
  DiagSink said;
  const std::vector<Node> whole = parse_documents(file, sources, said);
  std::vector<Node> pieces;
  in_pieces = read_in_pieces(file, sources, [&](Node document, const Items& items) { pieces.push_back(put_together(std::move(document), items)); });
  if (!in_pieces) return pieces.empty() ? std::nullopt : std::optional<std::string>("something was taken of what is not read in pieces");
  if (!said.all().empty()) return "there is something to report: " + said.all().front().message;
  if (pieces.size() != whole.size()) return "there are " + std::to_string(pieces.size()) + " documents, not " + std::to_string(whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (!same_node(pieces[i], whole[i])) return "document " + std::to_string(i) + " is another one";
  return std::nullopt;
}

}  // namespace netpolc::frontend
