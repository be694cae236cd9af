#include "frontend/yaml/document.h"

#include "frontend/yaml/syntax.h"

namespace netpolc::frontend {

const Node* Node::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name.text == key) return &value;
  }
  return nullptr;
}

std::vector<Node> parse_documents(FileId file, const SourceManager& sources, DiagSink& sink) {
  const std::string_view text = sources.text(file);
  const yaml::Input input{file, text, text.starts_with("\xEF\xBB\xBF") ? 3U : 0U};
  if (auto fault = yaml::check_text(input)) {
    sink.error(std::move(*fault));
    return {};
  }
  const std::size_t first = text.find_first_not_of(" \t\r\n", input.start);
  if (first != std::string_view::npos && (text[first] == '{' || text[first] == '[')) {
    if (auto documents = yaml::parse_json(input, sink)) return std::move(*documents);
  }
  return yaml::parse_yaml(input, sink);
}

}  // namespace netpolc::frontend
