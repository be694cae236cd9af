// compiler/command_line/examples.h — examples of commands below others, where they have many options; those of the others are in
// the table of commands.
#pragma once
#include <vector>

namespace netpolc::compiler {

struct Examples {
  const char* command;  // "verify never"
  const char* text;     // as Command::examples
};
const std::vector<Examples>& examples_below();

}  // namespace netpolc::compiler
