// frontend/yaml/syntax.h — inside of frontend/yaml: the two syntaxes, and what scalars mean.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/yaml/document.h"
#include "frontend/yaml/pieces.h"

namespace netpolc::frontend::yaml {

constexpr std::size_t kMaxFileSize = std::size_t{256} << 20;

struct Input {
  FileId file;
  std::string_view text;  // the whole file
  std::uint32_t start;    // after a byte-order mark
};

Input input_of(FileId file, std::string_view text);
// Whether it may be JSON, by the first character that is no blank.
bool begins_like_json(const Input& input);
// A fault of the text as such: not UTF-8, control characters, too large.
std::optional<Diagnostic> check_text(const Input& input);

// None: not JSON, or not strictly; nothing was reported then. Several values may follow
// each other, as `kubectl` accepts them.
std::optional<std::vector<Node>> parse_json(const Input& input, DiagSink& sink);
std::vector<Node> parse_yaml(const Input& input, DiagSink& sink, const Shrink& shrink);

// The JSON key that sigs.k8s.io/yaml makes of a plain YAML key: `on` is "true", `0x10` is "16".
std::string key_text(const Node& key);

}  // namespace netpolc::frontend::yaml
