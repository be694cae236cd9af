// `netpolc suggest labels`: the value of Cilium's option `labels` that keeps what policies ask about.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "compiler/exit_code.h"
#include "compiler/session.h"
#include "compiler/suggest/commands.h"
#include "compiler/suggest/labels.h"

namespace netpolc::compiler {
namespace {

struct Options {
  InputOptions input;
  std::string output = "text";
};

int run(const Options& options) {
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  if (session.loaded.cluster.endpoints.empty()) return complain("there are no workloads whose labels could be left out: give the cluster with -f");
  const auto suggestion = suggest::suggest_labels({session.loaded.policies, session.loaded.cluster, session.resolutions, session.lock});
  const bool good = suggestion.proved();
  if (good && options.output == "value") std::printf("%s\n", suggestion.value.c_str());
  if (options.output == "text") std::fputs(to_text(suggestion).c_str(), stdout);
  if (good) return kGood;
  std::fputs(suggestion.diff.differs() ? "netpolc: verdicts would change: pods that become one identity name their ports otherwise; leave `labels` as it is\n"
                                       : "undecided: some policies cannot be computed, with these labels or without\n",
             stderr);
  return suggestion.diff.differs() ? kNegative : kUndecided;
}

}  // namespace

void add_suggest(CLI::App& root, Action& chosen) {
  CLI::App* parent = root.add_subcommand("suggest", "Settings for Cilium that policies and workloads call for");
  parent->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* command = parent->add_subcommand("labels", "The option `labels`, with the labels that policies ask about: fewer identities, the same verdicts");
  add_input_options(*command, options->input);
  command->add_option("-o,--output", options->output, "text, or value alone")->check(CLI::IsMember({"text", "value"}))->group("Output");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::compiler
