// compiler/command_line/completion.h — scripts that complete command lines: commands, options, values that are one of a few, codes,
// names of schemas, endpoints and policies of the manifests that the line names, and files.
#pragma once
#include <string>

#include "compiler/command_line/command_table.h"

namespace netpolc::compiler {

// For bash 4.4, without the package bash-completion.
std::string bash_completion(const CommandEntry& program);
std::string zsh_completion(const CommandEntry& program);
std::string fish_completion(const CommandEntry& program);

}  // namespace netpolc::compiler
