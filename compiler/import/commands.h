// compiler/import/commands.h — what netpolc reads of a dump as small files of its own, and answers in the form of another tool's
// recordings: docs/import.md.
#pragma once
#include "compiler/commands.h"

namespace netpolc::compiler {

void add_import(CLI::App& root, Action& chosen);
void add_export(CLI::App& root, Action& chosen);

}  // namespace netpolc::compiler
