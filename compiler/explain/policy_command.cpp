// `netpolc explain policy`: what one policy means, and whom it meets.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "compiler/exit_code.h"
#include "compiler/explain/commands.h"
#include "compiler/explain/policy.h"
#include "compiler/namespaces.h"
#include "compiler/outputs.h"
#include "compiler/question_options.h"
#include "compiler/session.h"

namespace netpolc::explain {
namespace {

struct Options {
  compiler::InputOptions input;
  PolicyQuery query;
  std::string output = "text";
  bool wide = false, list = false;
};

int run(const Options& options) {
  if (options.list != options.query.reference.empty()) return compiler::complain(options.list ? "--list names all policies: leave the name out, and give files with -f" : "which policy? --list names those that there are");
  if (options.list && options.output != "text") return compiler::complain("--list prints names, one a line: leave -o " + options.output + " out");
  compiler::Session session;
  if (const auto code = compiler::open(options.input, session)) return *code;
  if (options.list) {
    if (const std::string problem = compiler::unknown_namespace(options.query.ns, session.loaded); !problem.empty()) return compiler::complain(problem);
    for (const std::string& name : policy_names(options.query, session.loaded.policies)) std::printf("%s\n", name.c_str());
    return compiler::kGood;
  }
  const auto found = find_policy(options.query, session.loaded.policies);
  if (!found) return compiler::complain(found.error());
  const ir::eval::World world{session.loaded.policies, session.loaded.cluster, session.resolutions};
  verify::Judge judge(world, session.lock);
  lint::Places places(session.sources);
  const Sources sources{world, judge, places};
  std::vector<SpecView> specs;
  for (const std::size_t policy : *found) specs.push_back(view_of(policy, sources));
  const std::string out = compiler::is_document(options.output) ? policy_json(specs, sources) : policy_text(specs, sources, options.wide);
  return compiler::print_as(options.output, out) ? compiler::kGood : compiler::kNoAnswer;
}

}  // namespace

void add_policy(CLI::App& explain, compiler::Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = explain.add_subcommand("policy", "What a policy means: whom it selects, what each rule lets pass, and what has no effect now");
  command->add_option("policy", options->query.reference, "NAMESPACE/NAME, or NAME");
  command->add_option("--kind", options->query.kind, "Where several kinds have one of this name")
      ->check(CLI::IsMember({"CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "NetworkPolicy", "ClusterNetworkPolicy"}));
  compiler::add_namespace_options(*command, options->query.ns, "Policy", "Of a policy that is given without one");
  command->get_option("--kind")->group("Policy");
  command->add_flag("--list", options->list, "Name the policies that there are instead, one a line")->group("Policy");
  compiler::add_input_options(*command, options->input);
  command->add_flag("--wide", options->wide, "All names, however many there are")->group("Output");
  compiler::add_output(*command, options->output, {"text", "json"});
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::explain
