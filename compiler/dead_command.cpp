// `netpolc verify dead`: policy that does nothing.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "compiler/answers.h"
#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/session.h"
#include "frontend/label_filter.h"
#include "verify/dead.h"

namespace netpolc::compiler {
namespace {

using verify::DeadPolicy;

struct Options {
  InputOptions input;
  std::vector<std::string> outputs;
  verify::SolverBudget budget;
};

const std::vector<std::string> kFormats{"text", "json"};

struct Section {
  DeadPolicy::Why why;
  const char* name;   // in JSON
  const char* title;
};
constexpr Section kSections[] = {
    {DeadPolicy::Why::SelectsNobodyEver, "selectsNobodyEver", "policies that can select nobody"},
    {DeadPolicy::Why::NeverDecides, "neverDecides", "rules without which every verdict stays the same"},
    {DeadPolicy::Why::NotKnown, "notKnown", "not known"},
};

int exit_code(const std::vector<DeadPolicy>& dead) {
  const bool found = std::any_of(dead.begin(), dead.end(), [](const DeadPolicy& one) { return one.why != DeadPolicy::Why::NotKnown; });
  return found ? kNegative : dead.empty() ? kGood : kUndecided;
}

std::string text(const std::vector<DeadPolicy>& dead, const Session& session) {
  if (dead.empty()) return "NONE  every rule decides something for some pod that is or could be\n";
  std::string out = exit_code(dead) == kNegative ? "FOUND\n" : "UNDECIDED\n";
  for (const Section& section : kSections) {
    std::string lines;
    for (const DeadPolicy& one : dead)
      if (one.why == section.why)
        lines += "    " + rule_line(one.rule, session.loaded.policies, session.sources) + (one.note.empty() ? "" : "  (" + one.note + ")") + "\n";
    if (!lines.empty()) out += std::string("\n  ") + section.title + "\n" + lines;
  }
  return out;
}

std::string json(const std::vector<DeadPolicy>& dead, const Session& session) {
  using nlohmann::ordered_json;
  JsonAnswers writer(session.loaded.policies, session.sources);
  ordered_json out = {{"apiVersion", kApiVersion}, {"kind", "DeadResult"}};
  for (const Section& section : kSections) {
    out[section.name] = ordered_json::array();
    for (const DeadPolicy& one : dead) {
      if (one.why != section.why) continue;
      auto rule = ordered_json::parse(writer.rule(one.rule));
      if (!one.note.empty()) rule["reason"] = one.note;
      out[section.name].push_back(std::move(rule));
    }
  }
  return out.dump() + "\n";
}

int run(const Options& options) {
  const auto outputs = outputs_of(options.outputs, kFormats);
  if (!outputs) return complain(outputs.error());
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const ir::eval::World world{session.loaded.policies, session.loaded.cluster, session.resolutions};
  verify::Judge judge(world, session.lock);
  const frontend::LabelFilter filter(session.loaded.cluster.config);
  std::uint64_t steps = 0;
  const auto dead = during("asking about each rule", [&] { return verify::find_dead(world, judge, [&](const std::string& key) { return filter.keeps({"k8s", key, ""}); }, options.budget, steps); });
  const int failed = write_outputs(*outputs, options.input.brief, [&](const std::string& format, bool) { return format == "text" ? text(dead, session) : json(dead, session); });
  return failed != 0 ? failed : exit_code(dead);
}

}  // namespace

void add_dead(CLI::App& verify, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = verify.add_subcommand("dead", "Rules that never decide, for no pod that could be, and policies that select nobody");
  add_input_options(*command, options->input);
  command->add_option("--steps", options->budget.steps, "Solver steps before a question is given up as undecided")->capture_default_str()->group("Budget");
  command->add_option("--milliseconds", options->budget.milliseconds, "... and time, whatever the steps")->capture_default_str()->group("Budget");
  add_outputs(*command, options->outputs, kFormats, "text or json");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::compiler
