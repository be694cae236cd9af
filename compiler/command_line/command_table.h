// compiler/command_line/command_table.h — every command and option as data, read off the parser itself: what completion scripts,
// manual pages, suggestions and the configuration file go by, so that none of them can say something else than the parser.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}

namespace netpolc::compiler {

struct OptionEntry {
  std::string name;    // "--file"
  std::string letter;  // "-f", or empty
  std::string help;
  std::string group;                 // heading in help
  std::string value;                 // what it takes: "PATH", "TEXT"; empty for a flag
  std::vector<std::string> choices;  // if only these values are taken
  bool in_short_help = true;         // --help shows it, and not --help-all alone
};

struct CommandEntry {
  std::string name;  // "never"
  std::string path;  // "/verify/never"; of the program itself ""
  std::string help;
  std::string group;
  std::string examples;              // lines of help, as they are shown
  std::vector<OptionEntry> options;  // --help first
  std::vector<OptionEntry> positionals;
  std::vector<CommandEntry> commands;
};

// What an option takes, if only these values are taken, of options with FORMAT=FILE before the sign.
std::vector<std::string> choices_of(const CLI::Option& option);

// In the order of their declaration.
CommandEntry command_table(const CLI::App& program);

// All of them, the program first, each before those below it.
std::vector<const CommandEntry*> every_command(const CommandEntry& program);

// The candidate nearest to `word`, by the same measure as for misspelt fields of policies; "" if there is none.
std::string meant(std::string_view word, const std::vector<std::string>& candidates);
// The same as the end of a message: "; did you mean `verify`?", or "".
std::string or_meant(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace netpolc::compiler
