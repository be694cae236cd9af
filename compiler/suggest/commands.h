// compiler/suggest/commands.h — settings that follow from policies and workloads: docs/import.md.
#pragma once
#include "compiler/commands.h"

namespace netpolc::compiler {

void add_suggest(CLI::App& root, Action& chosen);

}  // namespace netpolc::compiler
