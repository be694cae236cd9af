// `netpolc test`: assertion files, which say what policies must let pass and what they must not.
#include <fnmatch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "compiler/assertions/expand.h"
#include "compiler/assertions/read.h"
#include "compiler/assertions/report.h"
#include "compiler/assertions/run.h"
#include "compiler/assertions/safety.h"
#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/complaints.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/question_options.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

using assertions::Done;
using assertions::Group;
using assertions::Report;
using assertions::Test;

struct Options {
  InputOptions input;
  std::vector<std::string> outputs;
  std::string filter, ns;
  bool allow_vacuous = false, no_safety = false, safety_only = false;
  verify::SolverBudget budget;
};

const std::vector<std::string> kFormats{"text", "json", "sarif", "gitlab", "junit"};

// What is wrong with the tests is said as faults of policies are.
bool say_faults(const DiagSink& sink, const Session& session, const Options& options) {
  for (const Diagnostic* one : in_reading_order(sink)) {
    std::fputs(render(*one, session.sources, use_colour(options.input.color, Stream::Err)).c_str(), stderr);
    if (one->severity == Severity::Error) complaints().add(*one, session.sources);
  }
  return sink.errors() != 0;
}

// A pattern as of the shell, of the whole name; without a star, a text that is anywhere in it.
bool fits(const std::string& name, const std::string& pattern) {
  if (pattern.find('*') == std::string::npos) return name.find(pattern) != std::string::npos;
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

class Tests {
 public:
  Tests(const Options& options, const Session& session) : options_(options), session_(session), runner_(session, options.budget) {}

  void file(const assertions::File& file) {
    Group group{.path = session_.sources.path(file.id)};
    for (const Test& test : file.tests) {
      if (!test.pack.empty()) used_.push_back(test.pack);
      for (Test& one : assertions::expand(test, session_.loaded, runner_.judge())) run(std::move(one), group);
    }
    if (!group.tests.empty()) report_.groups.push_back(std::move(group));
  }

  // What a file uses, with exceptions perhaps, is not judged twice.
  void safety() {
    Group group{.path = "safety/", .built_in = true};
    std::vector<std::pair<std::string, std::string>> not_judged;  // why, and what
    for (const std::string& name : assertions::safety_names()) {
      if (std::find(used_.begin(), used_.end(), name) != used_.end()) continue;
      assertions::Pack pack = assertions::safety(name, session_.loaded, runner_.judge(), {});
      if (pack.tests.empty() && options_.filter.empty()) {
        const std::string what = assertions::words_of(name);
        if (!not_judged.empty() && not_judged.back().first == pack.not_judged) not_judged.back().second += ", " + what;
        else not_judged.emplace_back(pack.not_judged, what);
      }
      for (Test& one : pack.tests) run(std::move(one), group);
    }
    for (const auto& [why, what] : not_judged) group.notes.push_back("not judged: " + what + ", as " + why);
    if (!group.tests.empty() || !group.notes.empty()) report_.groups.push_back(std::move(group));
  }

  // The end of all tests.
  Report report() {
    phase_.reset();
    if (options_.filter.empty() && !options_.safety_only) report_.coverage = assertions::coverage(report_, session_.loaded.policies);
    return std::move(report_);
  }
  bool ran() const { return ran_ != 0; }

 private:
  void run(Test test, Group& group) {
    if (!options_.filter.empty() && !fits(test.name, options_.filter)) return;
    test.allow_vacuous |= options_.allow_vacuous;
    phase_->at(++ran_, 0);
    auto outcome = runner_.run(test);
    group.tests.push_back({std::move(test), std::move(outcome)});
  }

  const Options& options_;
  const Session& session_;
  assertions::Runner runner_;
  std::vector<std::string> used_;
  Report report_;
  std::optional<Phase> phase_{"running tests"};
  std::size_t ran_ = 0;
};

int test(const Options& options) {
  const auto outputs = outputs_of(options.outputs, kFormats);
  if (!outputs) return complain(outputs.error());
  if (options.safety_only && options.no_safety) return complain("--safety-only and --no-safety leave nothing to be tested");
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  DiagSink faults;
  const std::vector<assertions::File> files = options.safety_only ? std::vector<assertions::File>{} : assertions::read(session.sources, faults, options.ns);
  if (say_faults(faults, session, options)) return kNoAnswer;
  if (files.empty() && !options.safety_only)
    return complain("no test: nothing in the input is a ReachabilityTest of netpolc.dev/v1 (--safety-only runs the built-in pack alone)");
  Tests tests(options, session);
  for (const assertions::File& file : files) tests.file(file);
  if (!options.no_safety) tests.safety();
  if (!tests.ran()) return complain(options.filter.empty() ? "no test: nothing of the built-in pack is about this input" : "no test's name fits --filter " + options.filter);
  const Report report = tests.report();
  const assertions::Names names{session.loaded.policies, session.sources};
  const int failed = write_outputs(*outputs, options.input.brief, [&](const std::string& format, bool in_file) {
    if (format == "json") return to_json(report, names);
    if (format == "sarif") return to_sarif(report, names);
    if (format == "gitlab") return to_gitlab(report, names);
    return format == "junit" ? to_junit(report, names) : to_text(report, names, !in_file && use_colour(options.input.color, Stream::Out));
  });
  return failed != 0 ? failed : report.exit_code();
}

}  // namespace

void add_test(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("test", "Hold policies against assertion files: who must reach whom, and who must not");
  add_input_options(*command, options->input);
  command->add_option("--filter", options->filter, "Only tests whose name has this in it; with *, whose name is like this")->group("Tests");
  add_namespace_options(*command, options->ns, "Tests", "Of ends that are given without one, in files that say none (metadata.namespace)");
  command->add_flag("--allow-vacuous", options->allow_vacuous, "Tests about nobody don't fail")->group("Tests");
  command->add_flag("--no-safety", options->no_safety, "Leave the built-in pack out")->group("Tests");
  command->add_flag("--safety-only", options->safety_only, "The built-in pack and no assertion files")->group("Tests");
  command->add_option("--steps", options->budget.steps, "Solver steps before a question is given up as undecided")->capture_default_str()->group("Budget");
  command->add_option("--milliseconds", options->budget.milliseconds, "... and time, whatever the steps")->capture_default_str()->group("Budget");
  add_outputs(*command, options->outputs, kFormats, "text, json, junit; of what does not pass sarif, or gitlab: code quality");
  command->callback([options, &chosen] { chosen = [options] { return test(*options); }; });
}

}  // namespace netpolc::compiler
