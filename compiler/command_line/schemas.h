// compiler/command_line/schemas.h — JSON Schemas (2020-12) of everything that netpolc prints as JSON: docs/schema/, part of the program.
#pragma once
#include <optional>
#include <string>
#include <vector>

namespace netpolc::compiler {

struct EmbeddedSchema {
  const char* name;  // "DiffResult"; "common" holds what others refer to
  const char* text;
};
const std::vector<EmbeddedSchema>& embedded_schemas();

// A schema that stands for itself: what it refers to is in it. Nothing for a name that there is not.
std::optional<std::string> schema(const std::string& name);
// Sorted.
std::vector<std::string> schema_names();

}  // namespace netpolc::compiler
