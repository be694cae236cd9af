// compiler/explain/commands.h — what `netpolc explain` explains besides codes: docs/explain.md.
#pragma once
#include "compiler/commands.h"

namespace netpolc::explain {

// Each declares a command below `explain`.
void add_flow(CLI::App& explain, compiler::Action& chosen);
void add_policy(CLI::App& explain, compiler::Action& chosen);
void add_endpoint(CLI::App& explain, compiler::Action& chosen);
void add_fqdn(CLI::App& explain, compiler::Action& chosen);

}  // namespace netpolc::explain
