#include "frontend/yaml/document.h"

#include "frontend/yaml/pieces.h"
#include "frontend/yaml/syntax.h"

namespace netpolc::frontend {

const Node* Node::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name.text == key) return &value;
  }
  return nullptr;
}

std::vector<Node> parse_documents(FileId file, const SourceManager& sources, DiagSink& sink) { return parse_documents(file, sources, sink, {}); }

std::vector<Node> parse_documents(FileId file, const SourceManager& sources, DiagSink& sink, const Shrink& shrink) {
  const yaml::Input input = yaml::input_of(file, sources.text(file));
  if (auto fault = yaml::check_text(input)) {
    sink.error(std::move(*fault));
    return {};
  }
  if (yaml::begins_like_json(input)) {
    if (auto documents = yaml::parse_json(input, sink)) return std::move(*documents);
  }
  return yaml::parse_yaml(input, sink, shrink);
}

}  // namespace netpolc::frontend
