// compiler/command_line/man.h — manual pages, in the man(7) macros.
#pragma once
#include <string>

#include "compiler/command_line/command_table.h"

namespace netpolc::compiler {

// "netpolc-verify-never"
std::string man_page_name(const CommandEntry& command);
// Section 1. `program` is the whole table, for what lies beside the command.
std::string man_page(const CommandEntry& command, const CommandEntry& program);

}  // namespace netpolc::compiler
