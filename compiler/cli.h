// compiler/cli.h — the netpolc command line. Exit codes: 0 good answer, 1 negative answer,
// 2 usage, input or policy error, 3 undecided, 4 internal error.
#pragma once

namespace netpolc::compiler {

int run(int argc, const char* const* argv);

}  // namespace netpolc::compiler
