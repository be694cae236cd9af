// `netpolc replay`: recorded flows, judged by other policies than those that they met.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/replay/read_flows.h"
#include "compiler/replay/report.h"
#include "compiler/replay/suggest.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

using replay::Change;

struct Options {
  InputOptions input;
  std::vector<std::string> flows;  // FLOWS and --flows
  std::string first_flows;
  std::vector<std::string> against;
  std::string fail_on = "any";
  std::vector<std::string> outputs;
  bool suggest = false;
};

const std::vector<std::string> kFormats{"text", "json"};

std::string nothing_to_replay(const Options& options) {
  if (options.flows.empty()) return "nothing to replay: give a recording of `hubble observe -o jsonpb`, or - for stdin";
  std::size_t stdins = 0;
  for (const auto* paths : {&options.flows, &options.input.files, &options.input.positional, &options.against}) stdins += static_cast<std::size_t>(std::count(paths->begin(), paths->end(), "-"));
  if (stdins > 1) return "stdin can be read once: flows or manifests can come from it";
  const bool shared = std::count(options.input.files.begin(), options.input.files.end(), "-") != 0;
  return shared && !options.against.empty() ? "stdin can be read once: it cannot be what both sets have" : "";
}

std::optional<int> open_set(const Options& options, bool against, Session& session) {
  InputOptions input = options.input;
  if (against) input.positional = options.against;
  return open(input, session);
}

ir::LabelSet comparable(ir::LabelSet labels) {
  std::erase_if(labels, [](const ir::Label& label) { return label.source != "k8s" || label.key == "io.cilium.k8s.policy.cluster"; });
  return labels;
}

// A recording of another state of the workloads than the manifests'.
void say_other_labels(const replay::Recording& recording, const replay::Verdicts& now) {
  std::vector<std::string> names;
  for (replay::EndId end = 0; end < recording.ends().size(); ++end) {
    const auto& recorded = recording.ends()[end];
    const auto endpoint = now.endpoint(end);
    if (!recorded.in_manifests || !endpoint) continue;
    const auto& known = now.session().loaded.cluster.endpoints[*endpoint];
    if (known.kind != "Recorded" && comparable(recorded.labels) != comparable(known.labels)) names.push_back(replay::to_string(recorded));
  }
  if (names.empty()) return;
  constexpr std::size_t kNamed = 3;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kNamed); ++i) list += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kNamed) list += " and " + std::to_string(names.size() - kNamed) + " more";
  std::fprintf(stderr, "netpolc: the recording has other labels than the manifests, which count here: %s\n", list.c_str());
}

bool fails(const replay::Outcomes& outcomes, const std::string& on) {
  const bool dropped = outcomes.count(Change::Dropped) != 0, opened = outcomes.count(Change::Opened) != 0;
  if (on == "dropped") return dropped;
  if (on == "opened") return opened;
  return on == "any" && (dropped || opened);
}

int exit_code(const replay::Outcomes& outcomes, const replay::Recording& recording, const std::string& fail_on) {
  const bool too_many = recording.skipped(replay::Skip::TooMany) != 0;
  if (too_many) std::fputs("undecided: the recording has more different connections than are kept\n", stderr);
  if (outcomes.connections == 0) std::fputs("undecided: no flow of the recording says what a policy decided\n", stderr);
  if (fails(outcomes, fail_on)) return kNegative;
  return too_many || outcomes.connections == 0 || outcomes.count(Change::Undecided) != 0 ? kUndecided : kGood;
}

// Policies for what would be dropped, on stdout; none where they can't be read, which is a fault of ours.
std::optional<std::string> suggested(const Options& options, const replay::Outcomes& outcomes, const replay::Recording& recording, replay::Verdicts& verdicts, Session& now) {
  const Phase phase("looking for policies");
  const auto suggestions = replay::suggest(outcomes, recording, verdicts);
  const std::string yaml = replay::to_yaml(suggestions, recording, verdicts);
  const auto proof = replay::prove(suggestions, yaml, recording, now, options.input);
  const auto quiet = without_progress();
  for (const std::string& fault : proof.faults) std::fputs(fault.c_str(), stderr);
  if (!proof.faults.empty()) return std::nullopt;
  return replay::to_file(suggestions, yaml, proof);
}

// What becomes of stdout where policies are asked for: a report can be beside them, in a file.
bool wants_stdout_twice(const Options& options) {
  return options.suggest && std::any_of(options.outputs.begin(), options.outputs.end(), [](const std::string& one) { return one != "text" && one.find('=') == std::string::npos; });
}

int run(const Options& options) {
  if (const std::string problem = nothing_to_replay(options); !problem.empty()) return complain(problem);
  const auto outputs = outputs_of(options.outputs, kFormats);
  if (!outputs) return complain(outputs.error());
  if (wants_stdout_twice(options)) return complain("--suggest prints policies: give the report a file, as in -o json=FILE");
  Session now, was;
  if (const auto code = open_set(options, false, now)) return *code;
  const bool compares = !options.against.empty();
  if (compares)
    if (const auto code = open_set(options, true, was)) return *code;
  replay::Known known;
  for (const Session* session : {&now, &was}) known.add(session->loaded.policies, session->loaded.cluster, session->resolutions);
  replay::Recording recording(known);
  if (const auto code = replay::read_flows(options.flows, options.input.keep_going, recording)) return *code;
  replay::Verdicts verdicts(now, recording);
  std::unique_ptr<replay::Verdicts> before;
  if (compares) before = std::make_unique<replay::Verdicts>(was, recording);
  say_other_labels(recording, verdicts);
  const replay::Outcomes outcomes = during("judging flows", [&] { return replay::outcomes(recording, verdicts, before.get()); });
  bool valid = true;
  const int failed = write_outputs(*outputs, options.input.brief, [&](const std::string& format, bool in_file) -> std::string {
    if (options.suggest && !in_file) {  // comes last, as it completes what is known
      auto policies = suggested(options, outcomes, recording, verdicts, now);
      valid = policies.has_value();
      return std::move(policies).value_or("");
    }
    if (format == "json") return replay::to_json(outcomes, recording, now, compares ? &was : nullptr);
    return to_text(replay::report(outcomes, recording, now), !in_file && use_colour(options.input.color, Stream::Out));
  });
  if (!valid) {
    std::fputs("netpolc: internal error: the suggested policies are not valid\n", stderr);
    return kInternal;
  }
  if (failed != 0) return failed;
  return exit_code(outcomes, recording, options.fail_on);
}

}  // namespace

void add_replay(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("replay", "Which recorded flows would fare otherwise under these policies: newly dropped, newly opened");
  command->add_option("recording", options->first_flows, "Flows of `hubble observe -o jsonpb`: a file, a directory or archive with hubble-flows-*.json, or - for stdin")->type_name("PATH")->group("Input");
  add_repeatable(*command, "--flows", options->flows, "More of them; repeatable", "Input")->type_name("PATH");
  add_input_options(*command, options->input);
  command->get_option("paths")->description("The policies, and what of the cluster they are about; the same as -f");
  command->get_option("--keep-going")->description("Go on without rejected policies and malformed lines, which are reported");
  add_repeatable(*command, "--against", options->against, "Hold the flows against these policies instead of what was recorded; -f is in both sets; repeatable", "Input")->type_name("PATH");
  command->add_option("--fail-on", options->fail_on, "none, dropped, opened or any: the changes that end with 1")
      ->check(CLI::IsMember({"none", "dropped", "opened", "any"}))
      ->capture_default_str()
      ->group("Output");
  command->add_flag("--suggest", options->suggest, "Print policies that let pass what would be newly dropped, and what was proved of them")->group("Output");
  add_outputs(*command, options->outputs, kFormats, "text or json");
  command->callback([options, &chosen] {
    if (!options->first_flows.empty()) options->flows.insert(options->flows.begin(), options->first_flows);
    chosen = [options] { return run(*options); };
  });
}

}  // namespace netpolc::compiler
