// compiler/commands.h — the table of commands. A new command is one file that defines its
// `add_…` function, a line here and an entry in commands.cpp.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace netpolc::compiler {

// What the chosen command does once the command line is parsed; its result is the exit code.
using Action = std::function<int()>;

// Declares the command below `root` and sets `chosen` when it is the one on the command line.
using AddCommand = void (*)(CLI::App& root, Action& chosen);

// The group of commands that answer nothing about policies.
inline constexpr const char* kAboutGroup = "About netpolc";

struct Command {
  AddCommand add;
  const char* group;     // heading in `netpolc --help`
  const char* examples;  // at the end of its own help; lines that are commands can be run as they are
};
const std::vector<Command>& commands();

std::string version();  // "0.1.0"
std::string version_line();

void add_verify(CLI::App& root, Action& chosen);
void add_claims(CLI::App& verify, Action& chosen);       // below `verify`
void add_comparisons(CLI::App& verify, Action& chosen);  // below `verify`
void add_dead(CLI::App& verify, Action& chosen);         // below `verify`
void add_diff(CLI::App& root, Action& chosen);
void add_report(CLI::App& root, Action& chosen);
void add_replay(CLI::App& root, Action& chosen);
void add_test(CLI::App& root, Action& chosen);
void add_compile(CLI::App& root, Action& chosen);
void add_prove(CLI::App& root, Action& chosen);
void add_sign(CLI::App& root, Action& chosen);
void add_lint(CLI::App& root, Action& chosen);
void add_rules(CLI::App& root, Action& chosen);
void add_explain(CLI::App& root, Action& chosen);
void add_identity(CLI::App& root, Action& chosen);
void add_endpoint(CLI::App& root, Action& chosen);
void add_completion(CLI::App& root, Action& chosen);
void add_man(CLI::App& root, Action& chosen);
void add_schema(CLI::App& root, Action& chosen);
void add_version(CLI::App& root, Action& chosen);

}  // namespace netpolc::compiler
