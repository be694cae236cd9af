#include "compiler/command_line/command_table.h"

#include <CLI/CLI.hpp>
#include <set>

#include "compiler/command_line/short_help.h"
#include "frontend/policy/object.h"

namespace netpolc::compiler {
namespace {

// Of "TEXT:{a,b}": the type, and what is taken.
void set_value(const std::string& type, OptionEntry& entry) {
  const std::size_t open = type.find('{');
  const std::size_t close = type.find('}', open);
  entry.value = type.substr(0, type.find(':'));
  if (open == std::string::npos || close == std::string::npos) return;
  std::string one;
  for (const char c : type.substr(open + 1, close - open - 1)) {
    if (c != ',') {
      one += c;
      continue;
    }
    entry.choices.push_back(one);
    one.clear();
  }
  entry.choices.push_back(one);
}

OptionEntry entry_of(const CLI::Option& option) {
  OptionEntry out;
  out.help = option.get_description();
  out.group = option.get_group();
  if (!option.get_lnames().empty()) out.name = "--" + option.get_lnames().front();
  if (!option.get_snames().empty()) out.letter = "-" + option.get_snames().front();
  if (out.name.empty()) out.name = option.get_name(true);
  if (option.get_expected_max() != 0) set_value(option.get_type_name(), out);
  return out;
}

CommandEntry entry_of(const CLI::App& command, const std::string& path) {
  CommandEntry out;
  out.name = command.get_name();
  out.path = path;
  out.help = command.get_description();
  out.group = command.get_group();
  out.examples = command.get_footer();
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    OptionEntry entry = entry_of(*option);
    entry.in_short_help = in_short_help(path, entry.name) || option == command.get_help_ptr() || option == command.get_help_all_ptr();
    (option->nonpositional() ? out.options : out.positionals).push_back(std::move(entry));
  }
  for (const CLI::App* below : command.get_subcommands([](const CLI::App*) { return true; }))
    if (!below->get_group().empty()) out.commands.push_back(entry_of(*below, path + "/" + below->get_name()));
  return out;
}

void collect(const CommandEntry& command, std::vector<const CommandEntry*>& out) {
  out.push_back(&command);
  for (const CommandEntry& below : command.commands) collect(below, out);
}

}  // namespace

std::vector<std::string> choices_of(const CLI::Option& option) {
  OptionEntry entry;
  set_value(option.get_type_name(), entry);
  return entry.choices;
}

CommandEntry command_table(const CLI::App& program) { return entry_of(program, ""); }

std::vector<const CommandEntry*> every_command(const CommandEntry& program) {
  std::vector<const CommandEntry*> out;
  collect(program, out);
  return out;
}

std::string meant(std::string_view word, const std::vector<std::string>& candidates) {
  const std::set<std::string_view> each(candidates.begin(), candidates.end());  // several commands have an option of one name
  return std::string(frontend::policy::nearest(word, {each.begin(), each.end()}).value_or(""));
}

std::string or_meant(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string better = meant(word, candidates);
  return better.empty() ? "" : "; did you mean `" + better + "`?";
}

}  // namespace netpolc::compiler
