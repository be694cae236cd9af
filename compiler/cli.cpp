#include "compiler/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <regex>
#include <sstream>

#include "compiler/command_line/command_table.h"
#include "compiler/command_line/defaults.h"
#include "compiler/command_line/examples.h"
#include "compiler/command_line/plain_text.h"
#include "compiler/command_line/short_help.h"
#include "compiler/commands.h"
#include "compiler/complaints.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

// What is on stdout counts only as a whole: a disk that is full must not make half an answer a good one.
int written(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  return complain("the answer could not be written to stdout");
}

// The command that was chosen last, "netpolc verify never".
const CLI::App* deepest(const CLI::App& app) {
  const CLI::App* out = &app;
  while (!out->get_subcommands().empty()) out = out->get_subcommands().front();
  return out;
}

std::vector<std::string> known_words(const CLI::App& command, bool options) {
  std::vector<std::string> out;
  if (!options)
    for (const CLI::App* below : command.get_subcommands([](const CLI::App*) { return true; })) {
      out.push_back(below->get_name());
      for (const std::string& other : below->get_aliases()) out.push_back(other);
    }
  if (options)
    for (const CLI::Option* option : command.get_options())
      for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
  return out;
}

// How kubectl's options are given to kubectl.
std::string from_cluster(const CLI::App& app, const CLI::App& command) {
  return "kubectl get namespaces,nodes,pods,services,endpointslices,networkpolicies,ciliumnetworkpolicies,ciliumclusterwidenetworkpolicies -A -o json | " + app.get_name() + " " + command.get_name() + " -f -";
}

// Help and the version on stdout, complaints on stderr.
int end_with(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream out, err;
  const int code = app.exit(error, out, err);
  std::fputs(out.str().c_str(), stdout);
  std::fputs(err.str().c_str(), stderr);
  return code == 0 ? kGood : kNoAnswer;
}

// `explain plicy shop/web`: the first word was taken for what the command itself is about. "" where it may be that.
std::string misspelt_command(const CLI::App& command) {
  for (const CLI::Option* one : command.get_options()) {
    if (one->nonpositional() || one->count() == 0) continue;
    const std::string& word = one->results().front();
    std::error_code error;
    const std::string better = std::filesystem::exists(word, error) ? "" : or_meant(word, known_words(command, false));
    if (!better.empty()) return "there is no command `" + word + "` of `" + command.get_name() + "`" + better;
  }
  return "";
}

bool has_validator(CLI::Option& option) {
  try {
    return option.get_validator(0) != nullptr;
  } catch (const CLI::OptionNotFound&) {
    return false;
  }
}

// "{a,b}", as CLI11 says it.
std::string listed(const std::vector<std::string>& choices) {
  std::string out;
  for (const std::string& one : choices) out += (out.empty() ? "{" : ",") + one;
  return out + "}";
}

// Examples, with the program as it was called.
std::string as_called(const std::string& examples, const std::string& name) {
  if (name == "netpolc") return examples;
  static const std::regex kProgram(R"((^|\n)  netpolc | \| netpolc )");
  std::string out;
  auto at = examples.cbegin();
  for (std::sregex_iterator found(examples.begin(), examples.end(), kProgram), end; found != end; ++found) {
    const std::string whole = found->str();
    out.append(at, (*found)[0].first);
    out += whole.substr(0, whole.find("netpolc ")) + name + " ";
    at = (*found)[0].second;
  }
  return out.append(at, examples.cend());
}

// "netpolc", "netpolc identity": which commands there are. No answer all the same: a script whose words got lost must not go on.
int ask_for_command(const CLI::App& app) {
  std::fputs(app.help().c_str(), stdout);
  std::fflush(stdout);
  return complain("which command?");
}

// CLI11 says that a command is missing where it is misspelt, and of an unknown word no more than that it is.
int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return end_with(app, error);
  const CLI::App* command = deepest(app);
  if (const std::string problem = app.remaining_size(true) == 0 ? "" : misspelt_command(*command); !problem.empty()) return complain(problem);
  const auto words = app.remaining(true);
  const bool chooses = command == &app || command->get_require_subcommand_min() > 0;  // "identity", and no `list`
  const auto odd = std::find_if(words.begin(), words.end(), [&](const std::string& word) { return chooses || word.starts_with('-'); });
  if (odd == words.end() && chooses && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) return ask_for_command(app);
  if (odd == words.end()) {
    complaints().add(error.what());
    return end_with(app, error);
  }
  const std::string word = odd->substr(0, odd->find('='));
  if (word == "--kubeconfig" || word == "--context") return complain("no cluster is asked: pipe in what it has\n  " + from_cluster(app, *command));
  if (word.starts_with('-')) {
    const std::string of = command == &app ? "" : " of `" + command->get_name() + "`";
    if (command->get_option_no_throw(word) != nullptr) return complain("`" + word + "` goes behind `" + command->get_name() + "`");
    return complain("there is no option `" + word + "`" + of + or_meant(word, known_words(*command, true)));
  }
  std::string known;
  for (const std::string& one : known_words(*command, false)) known += " " + one;
  const std::string of = command == &app ? "" : " of `" + command->get_name() + "`";
  return complain("there is no command `" + word + "`" + of + or_meant(word, known_words(*command, false)) + "; the commands are:" + known);
}

// A value that is none of a few is told which of them was perhaps meant. Where none is near, what checks it complains by itself.
void suggest_values(CLI::App& command) {
  for (CLI::Option* option : command.get_options([](CLI::Option*) { return true; })) {
    if (!has_validator(*option)) continue;
    const std::vector<std::string> choices = choices_of(*option);
    const auto nearest = [choices](std::string& value) -> std::string {
      const bool known = std::find(choices.begin(), choices.end(), value) != choices.end();
      const std::string better = known ? "" : or_meant(value, choices);
      return better.empty() ? "" : value + " not in " + listed(choices) + better;
    };
    if (!choices.empty()) option->transform(CLI::Validator(nearest, ""));
  }
  for (CLI::App* below : command.get_subcommands([](CLI::App*) { return true; })) suggest_values(*below);
}

struct Parser {
  CLI::App app{"netpolc compiles Cilium network policies and answers what they allow, offline.", "netpolc"};
  Action chosen;
  bool exit_zero = false;

  explicit Parser(const std::string& name) {
    app.name(name);
    app.require_subcommand(1);
    app.set_version_flag("--version", version_line());
    app.set_help_all_flag("--help-all", "Print all options");
    app.failure_message([](const CLI::App*, const CLI::Error& error) { return std::string(error.what()) + "\nRun with --help for more information.\n"; });
    app.formatter(help_formatter());
    app.get_formatter()->column_width(34);
    app.footer("Options that are not given come from NETPOLC_… in the environment, then from .netpolc.yaml\n"
               "here or in a directory above, then from netpolc/config.yaml in $XDG_CONFIG_HOME (~/.config).\n"
               "Exit status: 0 the good answer, 1 a negative one, 2 no answer, 3 undecided, 4 internal error.");
    for (const Command& command : commands()) {
      const std::size_t before = below().size();
      command.add(app, chosen);
      for (std::size_t i = before; i < below().size(); ++i) {
        below()[i]->group(command.group)->footer(as_called(command.examples, name));
        if (command.group != std::string(kAboutGroup)) add_exit_zero(*below()[i]);
      }
    }
    for (const Examples& one : examples_below()) below(one.command)->footer(as_called(one.text, name));
    suggest_values(app);
    hide_needless_help(app);
  }
  // "verify never"
  CLI::App* below(const std::string& names) {
    CLI::App* at = &app;
    std::istringstream words(names);
    for (std::string word; words >> word;) at = at->get_subcommand(word);
    return at;
  }
  std::vector<CLI::App*> below() { return app.get_subcommands([](const CLI::App*) { return true; }); }

  // With a command that has commands, where those can be told so.
  void add_exit_zero(CLI::App& command) {
    command.add_flag("--exit-zero", exit_zero, "A negative answer exits with 0, too")->group("Output");
    for (CLI::App* one : command.get_subcommands([](const CLI::App*) { return true; })) add_exit_zero(*one);
  }

  void parse(std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the end
    app.parse(std::move(words));
  }
};

// As a plug-in of kubectl it is called by that name.
std::string called(const char* program) { return std::filesystem::path(program).filename() == "kubectl-netpolc" ? "kubectl netpolc" : "netpolc"; }

// `words` get what the settings add.
int parse_and_run(const std::string& name, std::vector<std::string>& words, PlainStreams& streams) {
  {
    // A first look says which command it is and what is given, so that only the rest is filled in.
    Parser first(name);
    try {
      first.parse(words);
    } catch (const CLI::RequiredError&) {  // perhaps it is among the defaults
    } catch (const CLI::ParseError& error) {
      return usage_error(first.app, error);
    }
    if (deepest(first.app) != &first.app) {
      const CLI::Option* colour = deepest(first.app)->get_option_no_throw("--color");
      const auto more = defaults(first.app, use_colour(colour == nullptr || colour->count() == 0 ? "auto" : colour->as<std::string>(), Stream::Err));
      if (!more) {
        std::fputs(more.error().c_str(), stderr);
        complaints().add("the settings cannot be used, as stderr says");
        return kNoAnswer;
      }
      words.insert(words.end(), more->begin(), more->end());
    }
  }
  Parser parser(name);
  try {
    parser.parse(words);
  } catch (const CLI::ParseError& error) {
    return usage_error(parser.app, error);
  }
  if (!prints_text(*deepest(parser.app), words)) streams.leave_stdout();
  const int code = written(parser.chosen());
  return code == kNegative && parser.exit_zero ? kGood : code;
}

// What went wrong, for those who asked for data.
void say_as_document(const std::string& format) {
  const std::string error = complaints().json();
  if (format.empty() || error.empty()) return;
  const auto yaml = as_yaml(error);
  std::fputs((format == "yaml" && yaml ? *yaml : error).c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

int run(int argc, const char* const* argv) {
  complaints().clear();
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  PlainStreams streams(!locale_is_utf8());
  int code = kInternal;
  try {
    code = parse_and_run(called(argc == 0 ? "" : argv[0]), words, streams);
  } catch (const std::exception& error) {
    complaints().add(std::string("internal error: ") + error.what());
    std::fprintf(stderr, "netpolc: internal error: %s\n", error.what());
  }
  if (code == kNoAnswer || code == kInternal)
    if (const std::string format = asked_document(words); !format.empty()) {
      streams.leave_stdout();
      say_as_document(format);
    }
  return code;
}

}  // namespace netpolc::compiler
