#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/assumed_options.h"
#include "compiler/baseline.h"
#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/complaints.h"
#include "compiler/exit_code.h"
#include "compiler/finding_formats.h"
#include "compiler/fix_files.h"
#include "compiler/outputs.h"
#include "compiler/lint/lint.h"
#include "compiler/open_again.h"
#include "compiler/session.h"
#include "compiler/watcher.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  InputOptions input;
  bool errors_only = false;
  lint::Choice choice;
  std::vector<std::string> severities;
  std::string fail_on = "error";
  std::vector<std::string> outputs;
  std::vector<Output> to;  // what they say
  std::string baseline, write_baseline;  // paths
  bool fix = false, dry_run = false, guesses = false;
  bool watch = false;
};

const std::vector<std::string> kFormats{"text", "jsonl", "sarif", "github", "gitlab", "junit"};

void add_place(Json& to, const std::optional<Span>& where, const SourceManager& sources) {
  if (!where) return;
  const LineColumn at = sources.locate(where->file, where->begin);
  to["file"] = sources.path(where->file);
  to["line"] = at.line;
  to["column"] = at.column;
}

std::string line_of(const char* what, Json object) { return Json{{what, std::move(object)}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string line_of(const Diagnostic& found, const SourceManager& sources) {
  Json line = {{"code", diag_code(found.kind)}, {"severity", to_string(found.severity)}, {"message", found.message}};
  if (!found.label.empty()) line["label"] = found.label;
  add_place(line, found.where, sources);
  return line_of("finding", std::move(line));
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
// With `assumed`: which options of the agents matter, and nothing says.
std::string json_lines(const Session& session, const lint::Findings& findings, bool assumed) {
  std::string out;
  for (const auto& result : session.loaded.results) {
    Json line = {{"kind", result.kind}, {"namespace", result.ns}, {"name", result.name}, {"accepted", result.accepted}, {"rules", result.rules}, {"unknownFields", result.unknown_fields}};
    add_place(line, result.where, session.sources);
    out += line_of("policy", std::move(line));
  }
  for (const Diagnostic* one : with_rejections(session, findings)) out += line_of(*one, session.sources);
  for (const AssumedOption& option : assumed ? assumed_options(session.loaded) : std::vector<AssumedOption>{}) {
    Json line = {{"option", option.option}, {"value", option.value}, {"matters", option.matters}};
    if (option.where) add_place(line, *option.where, session.sources);
    out += line_of("assumed", std::move(line));
  }
  return out;
}

// The line of a fix comes last, and says with which options it is made.
std::string text_of(const Session& session, const lint::Findings& findings, bool can_fix, bool colour) {
  std::string out;
  for (const Diagnostic& found : findings) {
    std::string text = render(found, session.sources, colour);
    if (found.fix && can_fix && can_be_fixed(session.sources.path(found.fix->span.file))) text.insert(text.size() - 1, lint::is_safe_fix(found.kind) ? "  [--fix]" : "  [--fix --unsafe-fixes]");
    out += text;
  }
  return out;
}

// Of `never`, too: what is an error is one in a report.
Severity least_that_fails(const std::string& level) {
  return level == "note" ? Severity::Note : level == "warning" ? Severity::Warning : Severity::Error;
}

// 0, or the exit code to end with.
int print(const Options& options, const Session& session, const lint::Findings& findings) {
  const auto all = [&] { return with_rejections(session, findings); };
  return write_outputs(options.to, options.input.brief, [&](const std::string& format, bool in_file) -> std::string {
    if (format == "jsonl") return json_lines(session, findings, options.input.verbose);
    if (format == "sarif") return sarif(all(), session.sources);
    if (format == "junit") return junit(all(), least_that_fails(options.fail_on), session.sources);
    if (format == "gitlab") return code_quality(all(), session.sources);
    if (format == "github") return github_annotations(all(), session.sources);
    return options.errors_only ? "" : text_of(session, findings, !reads_stdin(options.input) && options.input.kustomize.empty(), !in_file && use_colour(options.input.color, Stream::Out));
  });
}

// Without rules: what the reader warned of, while policies were asked to be accepted and no more.
lint::Findings warnings_of(const Session& session, const lint::Choice& choice) {
  lint::Findings out;
  for (const Diagnostic* one : in_reading_order(session.sink))
    if (one->severity != Severity::Error && choice.wants(one->kind)) {
      out.push_back(*one);
      out.back().severity = choice.severity(*one);
    }
  return out;
}

std::string counted(std::size_t count, const char* one) { return std::to_string(count) + " " + one + (count == 1 ? "" : "s"); }

// How many of what is reported could be fixed, and how.
std::string fixable(const Options& options, const SourceManager& sources, const std::vector<const Diagnostic*>& reported) {
  const auto findings = [&](bool guesses) {
    std::size_t out = 0;
    for (const lint::FixedFile& file : lint::fixes_of(reported, guesses)) out += can_be_fixed(sources.path(file.file)) ? file.findings : 0;
    return out;
  };
  if (reads_stdin(options.input) || !options.input.kustomize.empty()) return "";
  const std::size_t safe = findings(false), all = findings(true);
  const std::string flag = "--fix", both = "--fix --unsafe-fixes";
  if (all == 0) return "";
  if (safe == 0 || safe == all) return " · " + std::to_string(all) + " can be fixed with " + (safe == 0 ? both : flag);
  return " · " + std::to_string(safe) + " can be fixed with " + flag + ", " + std::to_string(all) + " with " + both;
}

std::string summary(const lint::Report& report, std::size_t known, std::size_t policies, const std::string& fixes) {
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : ", ") + part; };
  if (const auto errors = report.count(Severity::Error)) add(counted(errors, "error"));
  if (const auto warnings = report.count(Severity::Warning)) add(counted(warnings, "warning"));
  if (const auto notes = report.count(Severity::Note)) add(counted(notes, "note"));
  out = (out.empty() ? "no findings" : out) + " in " + (policies == 1 ? "1 policy" : std::to_string(policies) + " policies");
  if (report.suppressed != 0) out += " · " + std::to_string(report.suppressed) + " suppressed";
  if (known != 0) out += " · " + std::to_string(known) + " in the baseline";
  out += fixes;
  // No numbers: they would change with every rule that is added.
  std::string absent = report.without_workloads != 0 ? "workloads" : "";
  if (report.without_services != 0) absent += absent.empty() ? "services" : " and services";
  if (!absent.empty()) out += " · rules about " + absent + " are silent, as the input has none";
  return out;
}

// What is left out: nothing without a baseline.
Result<std::set<std::string>> known_findings(const Options& options) {
  if (options.baseline.empty()) return std::set<std::string>{};
  return read_baseline(options.baseline);
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

// `parsed`: what the session was read with, or null.
Linted lint_session(const Options& options, const std::set<std::string>& known, const Session& session, const frontend::ParseCache* parsed) {
  Linted out;
  out.asked_rules = session.loaded.usable && !options.errors_only;
  if (out.asked_rules) out.report = during("looking at policies", [&] { return lint::run(session.loaded, session.resolutions, session.sources, session.sink, options.choice, parsed); });
  else out.report.findings = warnings_of(session, options.choice);
  out.known = drop_known(out.report.findings, known, session.sources);
  return out;
}

// What could be fixed: rejections, too.
std::vector<const Diagnostic*> wanted(const Options& options, const Session& session, const Linted& linted) {
  std::vector<const Diagnostic*> out = with_rejections(session, linted.report.findings);
  std::erase_if(out, [&](const Diagnostic* one) { return !options.choice.wants(one->kind); });
  return out;
}

std::string files(std::size_t count) { return counted(count, "file"); }

// Leaves those of archives and compressed files out, and says so.
void drop_packed(std::vector<lint::FixedFile>& fixed, const SourceManager& sources) {
  std::erase_if(fixed, [&](const lint::FixedFile& one) {
    const std::string& path = sources.path(one.file);
    if (can_be_fixed(path)) return false;
    std::fprintf(stderr, "netpolc: %s: fixes of %s are left out, as it is compressed or in an archive\n", path.c_str(), counted(one.findings, "finding").c_str());
    return true;
  });
}

// A value is the exit code to end with; else the input is to be read anew.
std::optional<int> fix_input(const Options& options, const std::set<std::string>& known) {
  if (reads_stdin(options.input)) return complain("--fix changes files, and what comes from stdin is none");
  Session session;
  InputOptions quiet = options.input;
  quiet.quiet = !options.dry_run;
  open(quiet, session);
  const Linted linted = lint_session(options, known, session, nullptr);
  auto fixed = lint::fixes_of(wanted(options, session, linted), options.guesses);
  drop_packed(fixed, session.sources);
  if (options.dry_run) {
    std::size_t findings = 0;
    for (const lint::FixedFile& one : fixed) findings += one.findings;
    for (const lint::FixedFile& one : fixed) std::fputs(lint::unified_diff(session.sources.path(one.file), session.sources.text(one.file), one.edits).c_str(), stdout);
    if (!options.input.brief) std::fprintf(stderr, "%s in %s can be fixed\n", counted(findings, "finding").c_str(), files(fixed.size()).c_str());
    return fixed.empty() ? kGood : kNegative;
  }
  const auto written = write_fixes(fixed, session.sources);
  if (!written) return complain(written.error().message);
  if (!options.input.brief) std::fprintf(stderr, "fixed %s in %s\n", counted(*written, "finding").c_str(), files(fixed.size()).c_str());
  return std::nullopt;
}

// Rejected policies are errors with their place on stderr, and end with 2; what else there is to say is a finding.
// `parsed`: of the last time, or null.
int check(const Options& options, frontend::ParseCache* parsed) {
  const auto known = known_findings(options);
  if (!known) return complain(known.error().message);
  Session session;
  const auto code = parsed != nullptr ? open_again(options.input, *parsed, session) : open(options.input, session);
  Linted linted = lint_session(options, *known, session, parsed);
  if (linted.asked_rules && !options.write_baseline.empty()) return keep_as_baseline(options.write_baseline, linted.report.findings, session.sources);
  if (const int failed = print(options, session, linted.report.findings); failed != 0) return failed;
  if (code) return *code;
  if (linted.asked_rules && !options.input.brief)
    std::fprintf(stderr, "%s\n", summary(linted.report, linted.known, session.loaded.policies.policies.size(), fixable(options, session.sources, wanted(options, session, linted))).c_str());
  // With --keep-going what was rejected has been said, and no more: unless nothing else is asked.
  if (options.errors_only) return session.sink.errors() == 0 ? kGood : kNoAnswer;
  return fails(linted.report.findings, options.fail_on) ? kNegative : kGood;
}

constexpr int kInterrupted = 130;  // as netpol-loader says it

extern "C" void end_interrupted(int) { _exit(kInterrupted); }

// What a check printed ends with the exit status that it would have had by itself.
bool end_check(const Options& options, int code) {
  if (options.to.front().format == "jsonl") std::fputs(line_of("checked", {{"exit", code}}).c_str(), stdout);
  else std::printf("== exit %d\n", code);
  return std::fflush(stdout) == 0;
}

// A pipe, say, can be read once.
std::string unwatchable(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) && !std::filesystem::is_directory(status)) return path;
  }
  return "";
}

// Later it may come and go; who names what is not there at first means something else.
std::string missing(const std::vector<std::string>& paths) {
  std::error_code error;
  const auto found = std::find_if(paths.begin(), paths.end(), [&](const std::string& path) { return !std::filesystem::exists(path, error); });
  return found == paths.end() ? "" : *found;
}

int watch(const Options& options) {
  std::vector<std::string> inputs = options.input.files, others;
  inputs.insert(inputs.end(), options.input.positional.begin(), options.input.positional.end());
  for (const std::string& path : {options.input.resolutions, options.input.identities, options.input.cilium_config, options.baseline})
    if (!path.empty()) others.push_back(path);
  if (!options.input.kustomize.empty()) return complain("--watch waits for files to change, and does not know which ones kubectl reads");
  if (inputs.empty()) return complain("nothing to read: give files or directories with -f");
  if (reads_stdin(options.input)) return complain("--watch waits for files to change, and stdin is none");
  if (const std::string path = missing(inputs); !path.empty()) return complain(path + ": there is no such file or directory to watch");
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, end_interrupted);
  Watcher watcher(inputs, others);
  frontend::ParseCache parsed;
  for (;;) {
    if (const auto looking = watcher.look(); !looking) return complain(looking.error().message);
    if (const std::string path = unwatchable(inputs); !path.empty()) return complain(path + ": is neither a file nor a directory, and so cannot be watched");
    complaints().clear();  // else they would pile up
    if (!end_check(options, check(options, &parsed))) return complain("the answer could not be written to stdout");
    const auto changed = watcher.wait();
    if (!changed) return complain(changed.error().message);
    if (!*changed) return kInterrupted;
  }
}

int lint_input(Options& options) {
  if (const std::string word = options.choice.unknown(); !word.empty()) return complain("no finding has a code that begins with `" + word + "`: see `netpolc rules`");
  for (const std::string& text : options.severities)
    if (const std::string wrong = lint::add_severity(text, options.choice.severities); !wrong.empty()) return complain(wrong);
  const auto outputs = outputs_of(options.outputs, kFormats);
  if (!outputs) return complain(outputs.error());
  options.to = *outputs;
  options.input.warnings_are_findings = true;
  if (options.watch) {
    const Output& only = options.to.front();
    if (options.to.size() == 1 && only.path.empty() && (only.format == "text" || only.format == "jsonl")) return watch(options);
    return complain("--watch prints text or jsonl, and nothing else");
  }
  if (options.fix) {
    const auto known = known_findings(options);
    if (!known) return complain(known.error().message);
    if (const auto code = fix_input(options, *known)) return *code;
  }
  return check(options, nullptr);
}

}  // namespace

void add_lint(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("lint", "Report policies that Cilium would reject, and what looks wrong")->alias("check");
  add_input_options(*command, options->input);
  command->add_flag("--errors-only", options->errors_only, "Only whether Cilium accepts the policies");
  add_repeatable(*command, "--select", options->choice.select, "Only findings of this code, or of codes that begin so; repeatable", "Findings");
  add_repeatable(*command, "--ignore", options->choice.ignore, "No findings of this code, or of codes that begin so; repeatable", "Findings");
  add_repeatable(*command, "--severity", options->severities, "What findings of a code count as: error, warning, note or off; repeatable", "Findings")->type_name("CODE=LEVEL");
  command->add_flag("--proved", options->choice.proved, "Also what the solver proves: entries that decide nothing, policies that select nobody")->group("Findings");
  command->add_option("--fail-on", options->fail_on, "error, warning, note or never: findings that exit with 1")
      ->check(CLI::IsMember({"error", "warning", "note", "never"}))
      ->group("Findings");
  CLI::Option* known = command->add_option("--baseline", options->baseline, "File of findings that are known, and left out")->type_name("PATH")->group("Findings");
  CLI::Option* written = command->add_option("--write-baseline", options->write_baseline, "Write all findings to such a file, and print none")->type_name("PATH")->excludes(known)->group("Findings");
  CLI::Option* fix = command->add_flag("--fix", options->fix, "Change the files where there is one safe fix, and report what is left")->group("Fixes");
  command->add_flag("--dry-run", options->dry_run, "Print what --fix would change, and change nothing")->needs(fix)->group("Fixes");
  command->add_flag("--unsafe-fixes", options->guesses, "Also guesses at names, and what lets more pass than now")->needs(fix)->group("Fixes");
  command->add_flag("--watch", options->watch, "Check again whenever a file is saved, until interrupted: text or jsonl")->excludes(fix)->excludes(written)->group("Output");
  add_outputs(*command, options->outputs, kFormats, "text; jsonl: every policy and every finding on a line; sarif; github: annotations; gitlab: code quality; junit");
  command->callback([options, &chosen] { chosen = [options] { return lint_input(*options); }; });
}

}  // namespace netpolc::compiler
