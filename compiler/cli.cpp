#include "compiler/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "compiler/commands.h"
#include "compiler/exit_code.h"

namespace netpolc::compiler {
namespace {

int parse_and_run(int argc, const char* const* argv) {
  CLI::App app{"netpolc compiles Cilium network policies and answers what they allow, offline.", "netpolc"};
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  Action chosen;
  for (const AddCommand add : commands()) add(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 prints help on stdout, complaints on stderr.
    return app.exit(error) == 0 ? kGood : kNoAnswer;
  }
  return chosen();
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
