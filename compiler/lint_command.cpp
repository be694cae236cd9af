#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "compiler/baseline.h"
#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/finding_formats.h"
#include "compiler/fix_files.h"
#include "compiler/lint/lint.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  InputOptions input;
  bool errors_only = false;
  lint::Choice choice;
  std::string fail_on = "error", output = "text";
  std::string baseline, write_baseline;  // paths
  bool fix = false, dry_run = false, guesses = false;
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

void print_finding(const Diagnostic& found, const SourceManager& sources) {
  Json line = {{"code", diag_code(found.kind)}, {"severity", to_string(found.severity)}, {"message", found.message}};
  if (!found.label.empty()) line["label"] = found.label;
  add_place(line, found.where, sources);
  print_line("finding", std::move(line));
}

// What Cilium would reject among the findings, in the order of the text.
std::vector<const Diagnostic*> with_rejections(const Session& session, const lint::Findings& findings) {
  std::vector<const Diagnostic*> all;
  for (const Diagnostic& one : session.sink.all())
    if (one.severity == Severity::Error) all.push_back(&one);
  for (const Diagnostic& one : findings) all.push_back(&one);
  return in_reading_order(std::move(all));
}

// What became of every policy, then what was found, one object a line.
void print_json(const Session& session, const lint::Findings& findings) {
  for (const auto& result : session.loaded.results) {
    Json line = {{"kind", result.kind}, {"namespace", result.ns}, {"name", result.name}, {"accepted", result.accepted}, {"rules", result.rules}, {"unknownFields", result.unknown_fields}};
    add_place(line, result.where, session.sources);
    print_line("policy", std::move(line));
  }
  for (const Diagnostic* one : with_rejections(session, findings)) print_finding(*one, session.sources);
}

void print_text(const Session& session, const lint::Findings& findings, bool colour) {
  for (const Diagnostic& found : findings) std::fputs(render(found, session.sources, colour).c_str(), stdout);
}

// Of `never`, too: what is an error is one in a report.
Severity least_that_fails(const std::string& level) {
  return level == "note" ? Severity::Note : level == "warning" ? Severity::Warning : Severity::Error;
}

void print(const Options& options, const Session& session, const lint::Findings& findings) {
  const auto all = [&] { return with_rejections(session, findings); };
  if (options.output == "jsonl") print_json(session, findings);
  else if (options.output == "sarif") std::fputs(sarif(all(), session.sources).c_str(), stdout);
  else if (options.output == "junit") std::fputs(junit(all(), least_that_fails(options.fail_on), session.sources).c_str(), stdout);
  else if (options.output == "github") std::fputs(github_annotations(all(), session.sources).c_str(), stdout);
  else if (!options.errors_only) print_text(session, findings, use_colour(options.input.color, Stream::Out));
}

// Without rules: what the reader warned of, while policies were asked to be accepted and no more.
lint::Findings warnings_of(const Session& session, const lint::Choice& choice) {
  lint::Findings out;
  for (const Diagnostic* one : in_reading_order(session.sink))
    if (one->severity != Severity::Error && choice.wants(one->kind)) out.push_back(*one);
  return out;
}

std::string counted(std::size_t count, const char* one) { return std::to_string(count) + " " + one + (count == 1 ? "" : "s"); }

std::string summary(const lint::Report& report, std::size_t known, std::size_t policies) {
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : ", ") + part; };
  if (const auto errors = report.count(Severity::Error)) add(counted(errors, "error"));
  if (const auto warnings = report.count(Severity::Warning)) add(counted(warnings, "warning"));
  if (const auto notes = report.count(Severity::Note)) add(counted(notes, "note"));
  out = (out.empty() ? "no findings" : out) + " in " + (policies == 1 ? "1 policy" : std::to_string(policies) + " policies");
  if (report.suppressed != 0) out += " · " + std::to_string(report.suppressed) + " suppressed";
  if (known != 0) out += " · " + std::to_string(known) + " in the baseline";
  // No numbers: they would change with every rule that is added.
  std::string absent = report.without_workloads != 0 ? "workloads" : "";
  if (report.without_services != 0) absent += absent.empty() ? "services" : " and services";
  if (!absent.empty()) out += " · rules about " + absent + " are silent, as the input has none";
  return out;
}

bool fails(const lint::Findings& findings, const std::string& level) {
  if (level == "never") return false;
  return std::any_of(findings.begin(), findings.end(), [&](const Diagnostic& one) { return one.severity <= least_that_fails(level); });
}

int keep_as_baseline(const std::string& path, const lint::Findings& findings, const SourceManager& sources) {
  const auto written = write_baseline(path, findings, sources);
  if (!written) return complain(written.error().message);
  std::fprintf(stderr, "%s: %s\n", path.c_str(), counted(*written, "finding").c_str());
  return kGood;
}

// What lint has to say of an input, and what of it is in the baseline.
struct Linted {
  lint::Report report;
  bool asked_rules = false;
  std::size_t known = 0;
};

Linted lint_session(const Options& options, const std::set<std::string>& known, const Session& session) {
  Linted out;
  out.asked_rules = session.loaded.usable && !options.errors_only;
  if (out.asked_rules) out.report = during("looking at policies", [&] { return lint::run(session.loaded, session.resolutions, session.sources, session.sink, options.choice); });
  else out.report.findings = warnings_of(session, options.choice);
  out.known = drop_known(out.report.findings, known, session.sources);
  return out;
}

std::string files(std::size_t count) { return counted(count, "file"); }

// A value is the exit code to end with; else the input is to be read anew.
std::optional<int> fix_input(const Options& options, const std::set<std::string>& known) {
  if (reads_stdin(options.input)) return complain("--fix changes files, and what comes from stdin is none");
  Session session;
  InputOptions quiet = options.input;
  quiet.quiet = !options.dry_run;
  open(quiet, session);
  const Linted linted = lint_session(options, known, session);
  std::vector<const Diagnostic*> all;
  for (const Diagnostic* one : with_rejections(session, linted.report.findings))
    if (options.choice.wants(one->kind)) all.push_back(one);
  const auto fixed = lint::fixes_of(all, options.guesses);
  if (options.dry_run) {
    std::size_t findings = 0;
    for (const lint::FixedFile& one : fixed) findings += one.findings;
    for (const lint::FixedFile& one : fixed) std::fputs(lint::unified_diff(session.sources.path(one.file), session.sources.text(one.file), one.edits).c_str(), stdout);
    std::fprintf(stderr, "%s in %s can be fixed\n", counted(findings, "finding").c_str(), files(fixed.size()).c_str());
    return fixed.empty() ? kGood : kNegative;
  }
  const auto written = write_fixes(fixed, session.sources);
  if (!written) return complain(written.error().message);
  std::fprintf(stderr, "fixed %s in %s\n", counted(*written, "finding").c_str(), files(fixed.size()).c_str());
  return std::nullopt;
}

// Rejected policies are errors with their place on stderr, and end with 2; what else there is to say is a finding.
int lint_input(Options& options) {
  if (const std::string word = options.choice.unknown(); !word.empty()) return complain("no finding has a code that begins with `" + word + "`: see `netpolc rules`");
  std::set<std::string> known;
  if (!options.baseline.empty()) {
    auto read = read_baseline(options.baseline);
    if (!read) return complain(read.error().message);
    known = std::move(*read);
  }
  options.input.warnings_are_findings = true;
  if (options.fix)
    if (const auto code = fix_input(options, known)) return *code;
  Session session;
  const auto code = open(options.input, session);
  Linted linted = lint_session(options, known, session);
  if (linted.asked_rules && session.sink.errors() == 0 && !options.write_baseline.empty()) return keep_as_baseline(options.write_baseline, linted.report.findings, session.sources);
  print(options, session, linted.report.findings);
  if (code) return *code;
  if (linted.asked_rules) std::fprintf(stderr, "%s\n", summary(linted.report, linted.known, session.loaded.policies.policies.size()).c_str());
  if (session.sink.errors() != 0) return kNoAnswer;
  if (options.errors_only) return kGood;
  return fails(linted.report.findings, options.fail_on) ? kNegative : kGood;
}

}  // namespace

void add_lint(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("lint", "Report policies that Cilium would reject, and what looks wrong")->alias("check");
  add_input_options(*command, options->input);
  command->add_flag("--errors-only", options->errors_only, "Only whether Cilium accepts the policies");
  add_repeatable(*command, "--select", options->choice.select, "Only findings of this code, or of codes that begin so; repeatable", "Findings");
  add_repeatable(*command, "--ignore", options->choice.ignore, "No findings of this code, or of codes that begin so; repeatable", "Findings");
  command->add_flag("--proved", options->choice.proved, "Also what the solver proves: entries that decide nothing, policies that select nobody")->group("Findings");
  command->add_option("--fail-on", options->fail_on, "error, warning, note or never: findings that exit with 1")
      ->check(CLI::IsMember({"error", "warning", "note", "never"}))
      ->group("Findings");
  CLI::Option* known = command->add_option("--baseline", options->baseline, "File of findings that are known, and left out")->type_name("PATH")->group("Findings");
  command->add_option("--write-baseline", options->write_baseline, "Write all findings to such a file, and print none")->type_name("PATH")->excludes(known)->group("Findings");
  CLI::Option* fix = command->add_flag("--fix", options->fix, "Change the files where there is one safe fix, and report what is left")->group("Fixes");
  command->add_flag("--dry-run", options->dry_run, "Print what --fix would change, and change nothing")->needs(fix)->group("Fixes");
  command->add_flag("--unsafe-fixes", options->guesses, "Also guesses at names, and what lets more pass than now")->needs(fix)->group("Fixes");
  command->add_option("-o,--output", options->output, "text; jsonl: every policy and every finding on a line; sarif; github: annotations; junit")
      ->check(CLI::IsMember({"text", "jsonl", "sarif", "github", "junit"}))
      ->group("Output");
  command->callback([options, &chosen] { chosen = [options] { return lint_input(*options); }; });
}

}  // namespace netpolc::compiler
