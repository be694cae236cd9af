#include <CLI/CLI.hpp>
#include <algorithm>

#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

struct Options {
  InputOptions input;
  bool errors_only = false;
  std::string fail_on = "error";
};

// Rejected policies are errors with their place on stderr, warnings of the reader are findings.
int lint(const Options& options) {
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  if (session.sink.errors() != 0) return kNoAnswer;
  if (options.errors_only) return kGood;
  return options.fail_on == "warning" && session.sink.warnings() != 0 ? kNegative : kGood;
}

}  // namespace

void add_lint(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("lint", "Report policies that Cilium would reject, and what looks wrong");
  add_input_options(*command, options->input);
  command->add_flag("--errors-only", options->errors_only, "Only whether Cilium accepts the policies");
  command->add_option("--fail-on", options->fail_on, "error, warning or never: findings that exit with 1")
      ->check(CLI::IsMember({"error", "warning", "never"}));
  command->callback([options, &chosen] { chosen = [options] { return lint(*options); }; });
}

}  // namespace netpolc::compiler
