// compile: from manifests to a bundle that a node can load, or the names of the policies that
// can't be enforced and why.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "codegen-bpf/bundle.h"
#include "compiler/answers.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/refusals.h"
#include "compiler/session.h"
#include "compiler/side_files.h"

namespace netpolc::compiler {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  InputOptions input;
  std::string bundle, cache, l7 = "refuse", host = "compile", format = "text";
  std::vector<std::string> emit;
  unsigned jobs = 0;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

codegen_bpf::BundleOptions bundle_options(const Options& options, const Session& session) {
  codegen_bpf::BundleOptions out;
  out.jobs = options.jobs;
  out.cache = options.cache;
  out.l7_drop = options.l7 == "drop";
  out.emit_ir = std::find(options.emit.begin(), options.emit.end(), "ir") != options.emit.end();
  out.generator = "netpolc";
  out.place = [&session](ir::RuleRef ref) {
    const Span where = place_of(ref, session.loaded.policies);
    const auto at = session.sources.locate(where.file, where.begin);
    return codegen_bpf::RulePlace{session.sources.path(where.file), at.line, at.column};
  };
  return out;
}

int refuse(const Refusals& refusals, const Options& options, const Session& session) {
  const bool colour = use_colour(options.input.color, Stream::Err);
  for (const auto& diagnostic : refusals.diagnostics) std::fputs(render(diagnostic, session.sources, colour).c_str(), stderr);
  if (refusals.policies != 0) std::fprintf(stderr, "netpolc: no bundle was written: %zu policies can't be enforced\n", refusals.policies);
  else std::fprintf(stderr, "netpolc: no bundle was written\n");
  for (const auto& advice : refusals.advice) std::fprintf(stderr, "netpolc: %s\n", advice.c_str());
  return kUndecided;
}

void print_summary(const codegen_bpf::BundleSummary& summary, double deciding, double writing) {
  std::fprintf(stderr, "compiled %zu programs for %zu endpoints · %llu instructions · decided in %.2f s, compiled and written in %.2f s\n",
               summary.programs, summary.endpoints, static_cast<unsigned long long>(summary.instructions), deciding, writing);
}

void print_result(const Options& options, const codegen_bpf::BundleSummary& summary) {
  if (options.format == "text") {
    std::printf("%s  %s\n", summary.digest.c_str(), options.bundle.c_str());
    return;
  }
  const nlohmann::ordered_json out = {{"bundle", options.bundle},
                                      {"digest", summary.digest},
                                      {"programs", summary.programs},
                                      {"endpoints", summary.endpoints},
                                      {"instructions", summary.instructions}};
  std::printf("%s\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

int compile_command(const Options& options) {
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const auto& [policies, cluster] = std::tie(session.loaded.policies, session.loaded.cluster);
  const auto start = Clock::now();
  const auto identities = ir::Identities::build(policies, cluster, session.resolutions, session.lock);
  ir::Decisions decisions = ir::decide(policies, cluster, session.resolutions, identities);
  const double deciding = seconds_since(start);

  if (options.host == "skip") std::erase_if(decisions.endpoints, [](const ir::DecidedEndpoint& one) { return one.is_host; });
  const auto writing = Clock::now();
  auto written = codegen_bpf::write_bundle(options.bundle, decisions, cluster, identities, policies, bundle_options(options, session));
  if (!written) return complain(written.error().message);
  const codegen_bpf::BundleSummary summary = std::move(*written);
  Refusals refusals;
  refuse_endpoints(summary.refused, cluster, policies, refusals);
  if (!refusals.empty()) return refuse(refusals, options, session);

  if (!options.input.identities.empty()) {
    const auto kept = write_identity_lock(options.input.identities, identities.lock());
    if (!kept) return complain(kept.error().message);
  }
  print_summary(summary, deciding, seconds_since(writing));
  print_result(options, summary);
  return kGood;
}

}  // namespace

void add_compile(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("compile", "Writes a bundle: the programs of all endpoints, and what they need to run");
  add_input_options(*command, options->input);
  command->add_option("-o,--output", options->bundle, "Directory of the bundle; a bundle that is there is replaced as a whole")
      ->required()
      ->group("Output");
  command->add_option("--emit", options->emit, "What to write beside the objects: c (always), ir (the decision tables as text)")
      ->delimiter(',')
      ->check(CLI::IsMember({"c", "ir"}))
      ->group("Output");
  command->add_option("--format", options->format, "What to print about it: text (DIGEST  BUNDLE) or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->group("Output");
  command->add_option("--jobs", options->jobs, "How many programs to compile at a time (default: one a processor)")->group("Compiling");
  command->add_option("--cache", options->cache, "Directory that keeps objects for the next time; they are checked, and compiled if they don't fit (default: none)")
      ->envname("NETPOLC_CACHE_DIR")
      ->group("Compiling");
  command->add_option("--l7", options->l7, "Flows that only an L7 rule allows: refuse to compile (default), or drop them")
      ->check(CLI::IsMember({"refuse", "drop"}))
      ->group("Compiling");
  command->add_option("--host-policies", options->host, "Policies of nodes, where the host firewall is on: compile them (default), or skip them")
      ->check(CLI::IsMember({"compile", "skip"}))
      ->group("Compiling");
  command->callback([options, &chosen] { chosen = [options] { return compile_command(*options); }; });
}

}  // namespace netpolc::compiler
