// compiler/command_line/short_help.h — which options `--help` shows of a command that has many: what most people need, a dozen at
// most. `--help-all` shows all, as manual pages and completion do.
#pragma once
#include <memory>
#include <string>

namespace CLI {
class App;
class FormatterBase;
}

namespace netpolc::compiler {

constexpr std::size_t kMostShown = 12;

// Whether the help of the command ("/verify/never") shows the option ("--from"). Of a command that is not in the table, all.
bool in_short_help(const std::string& command, const std::string& option);

// Writes help: short where it is asked for and the command has more than kMostShown options, else all of it.
std::shared_ptr<CLI::FormatterBase> help_formatter();

// Once all commands are declared: those with few options have a --help-all that is taken, and shown nowhere.
void hide_needless_help(CLI::App& program);

}  // namespace netpolc::compiler
