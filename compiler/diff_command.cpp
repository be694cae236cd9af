// `netpolc diff`: what two sets of manifests let pass, or one set under two versions of Cilium.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "compiler/command_line/command_table.h"
#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/diff/cost.h"
#include "compiler/diff/flows.h"
#include "compiler/diff/report.h"
#include "compiler/diff/safety.h"
#include "compiler/exit_code.h"
#include "compiler/git/commits.h"
#include "compiler/outputs.h"
#include "compiler/replay/read_flows.h"
#include "compiler/session.h"
#include "verify/diff/diff.h"

namespace netpolc::compiler {
namespace {

struct Options {
  InputOptions input;
  std::vector<std::string> sets;  // A, B; with --git paths that both commits are asked for
  std::string git, configs;
  std::vector<std::string> flows;  // recordings
  bool no_safety = false;
  std::string versions = "1.18", fail_on = "any";
  std::vector<std::string> outputs;
};

const std::vector<std::string> kFormats{"text", "json", "markdown", "sarif", "github", "gitlab"};

// What only one of the two sets has.
struct Set {
  std::string version, config;
  std::vector<std::string> paths;
  std::optional<CommitId> commit;  // that `paths` are read from
};
struct Sets {
  Set before, after;
};

// "1.18" or "1.18..1.19". "" or an error.
std::string set_versions(const std::string& text, Sets& sets) {
  const auto dots = text.find("..");
  sets.before.version = text.substr(0, dots);
  sets.after.version = dots == std::string::npos ? text : text.substr(dots + 2);
  for (const std::string* one : {&sets.before.version, &sets.after.version})
    if (std::find(cilium_versions().begin(), cilium_versions().end(), *one) == cilium_versions().end())
      return "--cilium-version " + text + ": expected one of 1.16 to 1.20, or two, such as 1.18..1.19" + or_meant(*one, cilium_versions());
  return "";
}

// "old.yaml..new.yaml"; names of files may hold dots, too, so that the two that are there are taken. "" or an error.
std::string set_configs(const std::string& text, Sets& sets) {
  std::size_t ways = 0;
  std::error_code error;
  for (auto dots = text.find(".."); dots != std::string::npos; dots = text.find("..", dots + 1)) {
    const std::string before = text.substr(0, dots), after = text.substr(dots + 2);
    if (!std::filesystem::exists(before, error) || !std::filesystem::exists(after, error)) continue;
    ++ways;
    sets.before.config = before;
    sets.after.config = after;
  }
  if (ways == 1) return "";
  return "--config " + text + (ways == 0 ? ": expected two files that are there, OLD..NEW" : " can be read in more than one way; give the files other names");
}

// "" if there is something to compare.
std::string nothing_to_compare(const Options& options, const Sets& sets) {
  const bool one_will_do = sets.before.version != sets.after.version || !options.configs.empty();
  if (options.sets.size() > 2) return "diff compares two sets: A and B; give what both have with -f";
  if (!one_will_do && options.sets.size() < 2)
    return "diff compares two sets, A and B, or two commits, with --git A...B, or one set under two versions, with --cilium-version 1.18..1.19, or two configurations, with --config OLD..NEW";
  std::vector<std::string> all = options.sets;
  all.insert(all.end(), options.input.files.begin(), options.input.files.end());
  if (one_will_do && all.empty()) return "nothing to read: give files or directories";
  // What is read twice must be there twice.
  const bool read_twice = options.sets.size() < 2 || std::find(options.input.files.begin(), options.input.files.end(), "-") != options.input.files.end();
  if (read_twice && std::find(all.begin(), all.end(), "-") != all.end()) return "stdin can be read once: of a comparison it can be A or B, and not what both have";
  return options.sets.size() == 2 && options.sets[0] == "-" && options.sets[1] == "-" ? "stdin can be read once: it can be A or B" : "";
}

// "" unless both flows and manifests should come from stdin.
std::string stdin_twice(const Options& options) {
  std::ptrdiff_t flows = std::count(options.flows.begin(), options.flows.end(), "-"), manifests = 0;
  for (const auto* paths : {&options.sets, &options.input.files}) manifests += std::count(paths->begin(), paths->end(), "-");
  return flows > 1 || (flows == 1 && manifests != 0) ? "stdin can be read once: flows or manifests can come from it" : "";
}

// The same paths in both commits; one that only one of them has is what the change is about. "" or an error.
std::string set_commits(const Options& options, const GitRepository& repository, Sets& sets) {
  const auto range = repository.range(options.git);
  if (!range) return "--git " + options.git + ": " + range.error();
  sets.before.commit = range->before;
  sets.after.commit = range->after;
  std::error_code error;
  for (const std::string& path : options.sets) {
    if (path == "-") return "stdin is in no commit; give what both sets have with -f";
    if (const std::string problem = repository.outside(path); !problem.empty()) return problem;
    const bool was = repository.has(range->before, path), is = range->after ? repository.has(*range->after, path) : std::filesystem::exists(path, error);
    if (!was && !is) return "`" + path + "` is in neither of the two commits";
    if (was) sets.before.paths.push_back(path);
    else std::fprintf(stderr, "netpolc: `%s` is not in %.12s, the commit before\n", path.c_str(), range->before.c_str());
    if (is) sets.after.paths.push_back(path);
    else std::fprintf(stderr, "netpolc: `%s` is no more after the change\n", path.c_str());
  }
  return "";
}

std::optional<int> open_set(const Options& options, const Set& set, const GitRepository* repository, Session& session) {
  InputOptions input = options.input;
  input.cilium_version = set.version;
  const bool from_commit = repository != nullptr && set.commit;
  if (!from_commit) input.files.insert(input.files.end(), set.paths.begin(), set.paths.end());
  if (!set.config.empty()) input.cilium_config = set.config;
  const ReadMore more = [&](SourceManager& sources, DiagSink& sink) {
    return from_commit ? repository->read(*set.commit, set.paths, frontend::IgnoreRules(input.ignored), sources, sink) : std::vector<frontend::Input>{};
  };
  return open(input, more, session);
}

bool fails(const verify::Diff& diff, const std::string& on) {
  if (on == "none") return false;
  if (on == "any") return diff.differs();
  const bool opened = on == "opened";
  const auto traffic = [&](const verify::TrafficChange& one) { return opened ? one.opens : one.closes; };
  const auto arrival = [&](const verify::Arrival& one) { return one.came == opened; };
  const auto enforcement = [&](const verify::EnforcementChange& one) { return (one.before == ir::Enforcement::DefaultDeny) == opened; };
  const auto requests = [&](const verify::RequestsChange& one) { return (opened ? one.opened : one.closed).has_value(); };
  return std::any_of(diff.traffic.begin(), diff.traffic.end(), traffic) || std::any_of(diff.requests.begin(), diff.requests.end(), requests) || std::any_of(diff.arrivals.begin(), diff.arrivals.end(), arrival) ||
         std::any_of(diff.enforcement.begin(), diff.enforcement.end(), enforcement);
}

// What either set is made of. A value: the repository, if there is one; or an error.
tl::expected<std::optional<GitRepository>, std::string> sets_of(const Options& options, Sets& sets) {
  if (const std::string problem = set_versions(options.versions, sets); !problem.empty()) return tl::unexpected(problem);
  if (!options.configs.empty()) {
    if (const std::string problem = set_configs(options.configs, sets); !problem.empty()) return tl::unexpected(problem);
  }
  if (options.git.empty()) {
    if (const std::string problem = nothing_to_compare(options, sets); !problem.empty()) return tl::unexpected(problem);
    if (!options.sets.empty()) {
      sets.before.paths.push_back(options.sets.front());
      sets.after.paths.push_back(options.sets.back());
    }
    return std::nullopt;
  }
  Options asked = options;
  if (asked.sets.empty()) asked.sets.emplace_back(".");
  auto repository = GitRepository::open(asked.sets.front());
  if (!repository) return tl::unexpected(repository.error());
  if (const std::string problem = set_commits(asked, *repository, sets); !problem.empty()) return tl::unexpected(problem);
  return std::move(*repository);
}

std::string output(const std::string& format, bool colour, const verify::Diff& diff, const Session& before, const Session& after, const Beside& beside) {
  if (format == "json") return to_json(diff, before, after, beside);
  const DiffReport lines = report(diff, before, after, beside);
  if (format == "markdown") return to_markdown(lines);
  if (format == "sarif") return to_sarif(lines, before, after);
  if (format == "github") return to_github(lines, before, after);
  if (format == "gitlab") return to_gitlab(lines, before, after);
  return to_text(lines, colour);
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

// Recorded flows beside the lines. Completes the sessions' clusters by what the recording knows, so that it comes last.
tl::expected<SeenFlows, int> see_flows(const Options& options, const verify::Diff& diff, Session& before, Session& after) {
  replay::Known known;
  for (const Session* session : {&before, &after}) known.add(session->loaded.policies, session->loaded.cluster, session->resolutions);
  replay::Recording recording(known);
  if (const auto code = replay::read_flows(options.flows, options.input.keep_going, recording)) return tl::unexpected(*code);
  replay::Verdicts now(after, recording), was(before, recording);
  const replay::Outcomes outcomes = replay::outcomes(recording, now, &was);
  return place(diff, outcomes, recording, after.loaded.cluster.config.version, after.resolutions, joined(options.flows));
}

int run(const Options& options) {
  if (const std::string problem = stdin_twice(options); !problem.empty()) return complain(problem);
  const auto outputs = outputs_of(options.outputs, kFormats);
  if (!outputs) return complain(outputs.error());
  Sets sets;
  const auto repository = sets_of(options, sets);
  if (!repository) return complain(repository.error());
  const GitRepository* commits = *repository ? &**repository : nullptr;
  Session before, after;
  if (const auto code = open_set(options, sets.before, commits, before)) return *code;
  if (const auto code = open_set(options, sets.after, commits, after)) return *code;
  const auto world = [](const Session& session) { return verify::DiffWorld{session.loaded.policies, session.loaded.cluster, session.resolutions, session.lock}; };
  const verify::Diff diff = during("comparing", [&] { return verify::diff(world(before), world(after)); });
  std::optional<SafetyChange> safety;
  if (!options.no_safety) safety = compare_safety(before, after);
  const Cost cost_before = cost_of(before, diff.policies_before), cost_after = cost_of(after, diff.policies_after);
  std::optional<SeenFlows> flows;
  if (!options.flows.empty()) {
    auto seen = see_flows(options, diff, before, after);
    if (!seen) return seen.error();
    flows = std::move(*seen);
  }
  const Beside beside{safety ? &*safety : nullptr, &cost_before, &cost_after, flows ? &*flows : nullptr};
  const int failed = write_outputs(*outputs, options.input.brief, [&](const std::string& format, bool in_file) {
    return output(format, !in_file && use_colour(options.input.color, Stream::Out), diff, before, after, beside);
  });
  if (failed != 0) return failed;
  const bool unsure = chooses_otherwise(before) || chooses_otherwise(after);
  if (unsure) std::fputs("undecided: Cilium 1.16 chooses otherwise between rules that redirect or authenticate; a difference in that alone may be missing here\n", stderr);
  // Policies for nobody would pass every review.
  const bool vacuous = diff.pairs == 0 && !(before.loaded.policies.policies.empty() && after.loaded.policies.policies.empty());
  return fails(diff, options.fail_on) ? kNegative : diff.is_undecided() || unsure || vacuous ? kUndecided : kGood;
}

}  // namespace

void add_diff(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("diff", "What passes in one set of manifests and not in another, and because of which rules");
  add_reading_options(*command, options->input);
  command->get_option("--file")->description("What both sets have, such as the cluster: a file, a directory, or - for stdin; repeatable");
  command->add_option("sets", options->sets, "A and B: what is before and what is after, files or directories; with --git the files or directories of both commits")->group("Input");
  command->add_option("--git", options->git, "Two commits of the repository: A...B (B and where it left A), A..B, or A and the working tree")->group("Input");
  command->add_option("--config", options->configs, "Two files as for --cilium-config, OLD..NEW, for A and B")->group("Input");
  command->add_option("--cilium-version", options->versions, "Whose semantics: 1.16 to 1.20 (default 1.18), or two, 1.18..1.19, for A and B")->group("Input");
  add_repeatable(*command, "--flows", options->flows, "Recorded flows, as for `netpolc replay`: how many of them each line is about; repeatable", "Input")->type_name("PATH");
  command->get_option("--keep-going")->description("Go on without rejected policies and malformed lines, which are reported");
  command->add_flag("--no-safety", options->no_safety, "Leave out what becomes of the built-in pack of `netpolc test`")->group("Output");
  command->add_option("--fail-on", options->fail_on, "none, opened, closed or any: the differences that end with 1")
      ->check(CLI::IsMember({"none", "opened", "closed", "any"}))
      ->capture_default_str()
      ->group("Output");
  add_outputs(*command, options->outputs, kFormats, "text, json, markdown, sarif, github: annotations, or gitlab: code quality");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::compiler
