#include "compiler/command_line/man.h"

#include <algorithm>

#include "compiler/commands.h"

namespace netpolc::compiler {
namespace {

// Text that troff takes as it is.
std::string plain(std::string_view text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else if (c == '\'') out += "\\(aq";
    else if (c == '`') out += "\\(ga";
    else if (c == '~') out += "\\(ti";
    else if (c == '^') out += "\\(ha";
    else out += c;
    line_start = c == '\n';
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + plain(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + plain(text) + "\\fR"; }

// "netpolc verify never"
std::string spoken(const CommandEntry& command) {
  std::string out = "netpolc" + command.path;
  std::replace(out.begin(), out.end(), '/', ' ');
  return out;
}

std::string sentence(std::string text) {
  if (!text.empty() && text.back() != '.') text += '.';
  return text;
}

void add_options(std::string& out, const std::vector<OptionEntry>& options) {
  std::vector<std::string> groups;
  for (const OptionEntry& option : options)
    if (std::find(groups.begin(), groups.end(), option.group) == groups.end()) groups.push_back(option.group);
  for (const std::string& group : groups) {
    if (groups.size() > 1) out += ".SS " + plain(group) + "\n";
    for (const OptionEntry& option : options) {
      if (option.group != group) continue;
      out += ".TP\n" + (option.letter.empty() ? "" : bold(option.letter) + ", ") + bold(option.name);
      if (!option.value.empty()) out += " " + italic(option.value);
      out += "\n" + plain(sentence(option.help)) + "\n";
      if (option.choices.empty()) continue;
      out += "One of ";
      for (std::size_t i = 0; i < option.choices.size(); ++i) out += (i == 0 ? "" : ", ") + bold(option.choices[i]);
      out += ".\n";
    }
  }
}

void add_synopsis(std::string& out, const CommandEntry& command) {
  out += ".SH SYNOPSIS\n" + bold(spoken(command));
  if (!command.options.empty()) out += " [" + italic("option") + " ...]";
  for (const OptionEntry& positional : command.positionals) out += " [" + italic(positional.name) + " ...]";
  if (!command.commands.empty()) out += command.path.empty() ? " " + italic("command") : " [" + italic("command") + "]";
  out += "\n";
}

}  // namespace

std::string man_page_name(const CommandEntry& command) {
  std::string out = spoken(command);
  std::replace(out.begin(), out.end(), ' ', '-');
  return out;
}

std::string man_page(const CommandEntry& command, const CommandEntry& program) {
  std::string name = man_page_name(command), upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  std::string out = ".TH " + upper + " 1 \"\" \"netpolc " + version() + "\" \"netpolc manual\"\n.SH NAME\n" + plain(name) + " \\- " + plain(command.help) + "\n";
  add_synopsis(out, command);
  out += ".SH DESCRIPTION\n" + plain(sentence(command.help)) + "\n";
  for (const OptionEntry& positional : command.positionals) out += ".TP\n" + italic(positional.name) + "\n" + plain(sentence(positional.help)) + "\n";
  if (!command.commands.empty()) {
    out += ".SH COMMANDS\n";
    for (const CommandEntry& below : command.commands) out += ".TP\n" + bold(spoken(below)) + "\n" + plain(sentence(below.help)) + "\n";
  }
  out += ".SH OPTIONS\n";
  add_options(out, command.options);
  if (!command.examples.empty()) out += ".SH EXAMPLES\n.nf\n" + plain(command.examples) + "\n.fi\n";
  out += ".SH EXIT STATUS\n"
         ".TP\n.B 0\nThe good answer: allowed, no difference, no finding, all hold.\n"
         ".TP\n.B 1\nA negative answer: denied, differs, findings, one does not hold.\n"
         ".TP\n.B 2\nNo answer: usage, input or policy error.\n"
         ".TP\n.B 3\nUndecided. This is never 0.\n"
         ".TP\n.B 4\nInternal error.\n";
  out += ".SH FILES\n.TP\n.I .netpolc.yaml\nOptions that are not given, from the working directory or the nearest one above it that has such a file.\n"
         ".TP\n.I $XDG_CONFIG_HOME/netpolc/config.yaml\nOptions that are not there either; $XDG_CONFIG_HOME is ~/.config unless it is set.\n";
  out += ".SH SEE ALSO\n";
  std::vector<std::string> others;
  for (const CommandEntry* one : every_command(program)) {
    const bool above = command.path.starts_with(one->path) && one != &command, below = one->path.starts_with(command.path + "/");
    if (above || (below && one->path.find('/', command.path.size() + 1) == std::string::npos)) others.push_back(man_page_name(*one));
  }
  if (others.empty()) others.push_back(man_page_name(program));
  for (std::size_t i = 0; i < others.size(); ++i) out += ".BR " + plain(others[i]) + " (1)" + (i + 1 == others.size() ? "\n" : ",\n");
  return out;
}

}  // namespace netpolc::compiler
