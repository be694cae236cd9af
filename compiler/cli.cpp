#include "compiler/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

// What is on stdout counts only as a whole: a disk that is full must not make half an answer a good one.
int written(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  return complain("the answer could not be written to stdout");
}

// CLI11 says that a command is missing where it is misspelt.
int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const auto words = app.remaining();
  if (app.get_subcommands().empty() && !words.empty()) {
    std::string known;
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) known += " " + command->get_name();
    return complain("no command or option `" + words.front() + "`; the commands are:" + known);
  }
  // CLI11 prints help on stdout, complaints on stderr.
  return app.exit(error) == 0 ? kGood : kNoAnswer;
}

int parse_and_run(int argc, const char* const* argv) {
  CLI::App app{"netpolc compiles Cilium network policies and answers what they allow, offline.", "netpolc"};
  app.require_subcommand(1);
  app.set_version_flag("--version", version_line());
  app.get_formatter()->column_width(34);
  Action chosen;
  for (const AddCommand add : commands()) add(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  }
  return written(chosen());
}

}  // namespace

int run(int argc, const char* const* argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "netpolc: internal error: %s\n", error.what());
    return kInternal;
  }
}

}  // namespace netpolc::compiler
