#include <optional>

#include "frontend/yaml/json_reader.h"
#include "frontend/yaml/syntax.h"

namespace netpolc::frontend::yaml {

std::optional<std::vector<Node>> parse_json(const Input& input, DiagSink& sink) {
  DiagSink found;  // kept back until we know that this is JSON
  Builder builder(input.file, found, 0);
  NodeOut out(input.file, builder);
  if (!JsonReader(input.text, input.start, out).read_all()) return std::nullopt;
  for (const Diagnostic& diagnostic : found.all()) sink.error(diagnostic);
  return builder.take();
}

}  // namespace netpolc::frontend::yaml
