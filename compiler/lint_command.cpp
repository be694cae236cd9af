#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  InputOptions input;
  bool errors_only = false;
  std::string fail_on = "error", output = "text";
};

void add_place(Json& to, const std::optional<Span>& where, const SourceManager& sources) {
  if (!where) return;
  const LineColumn at = sources.locate(where->file, where->begin);
  to["file"] = sources.path(where->file);
  to["line"] = at.line;
  to["column"] = at.column;
}

void print_line(const char* what, Json object) {
  std::printf("%s\n", Json{{what, std::move(object)}}.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

// What became of every policy, then what was found, one object a line.
void print_json(const Session& session) {
  for (const auto& result : session.loaded.results) {
    Json line = {{"kind", result.kind}, {"namespace", result.ns}, {"name", result.name}, {"accepted", result.accepted}, {"rules", result.rules}, {"unknownFields", result.unknown_fields}};
    add_place(line, result.where, session.sources);
    print_line("policy", std::move(line));
  }
  for (const Diagnostic* found : in_reading_order(session.sink)) {
    Json line = {{"code", diag_code(found->kind)}, {"severity", found->severity == Severity::Error ? "error" : "warning"}, {"message", found->message}};
    if (!found->label.empty()) line["label"] = found->label;
    add_place(line, found->where, session.sources);
    print_line("finding", std::move(line));
  }
}

void print_text(const Session& session, bool colour) {
  for (const Diagnostic* found : in_reading_order(session.sink))
    if (found->severity == Severity::Warning) std::fputs(render(*found, session.sources, colour).c_str(), stdout);
}

// Rejected policies are errors with their place on stderr; warnings of the reader are findings.
int lint(Options& options) {
  Session session;
  options.input.warnings_are_findings = true;
  const auto code = open(options.input, session);
  if (options.output == "jsonl") print_json(session);
  else if (!options.errors_only) print_text(session, use_colour(options.input.color, Stream::Out));
  if (code) return *code;
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
  command->add_option("-o,--output", options->output, "text, or jsonl: every policy and every finding on a line")
      ->check(CLI::IsMember({"text", "jsonl"}))
      ->group("Output");
  command->callback([options, &chosen] { chosen = [options] { return lint(*options); }; });
}

}  // namespace netpolc::compiler
