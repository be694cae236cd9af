// compile: from manifests to a bundle that a node can load, or the names of the policies that
// can't be enforced and why.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "codegen-bpf/bundle.h"
#include "compiler/answers.h"
#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/proofs.h"
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
  bool prove = false;
  ProofOptions proving;  // its `jobs` is that of compiling, too
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

codegen_bpf::BundleOptions bundle_options(const Options& options, const Session& session) {
  codegen_bpf::BundleOptions out;
  out.jobs = options.proving.jobs;
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

Result<codegen_bpf::MadeBundle> make(const ir::Decisions& decisions, const ir::Cluster& cluster, const ir::Identities& identities, const Options& options, const Session& session) {
  Phase phase("compiling programs");
  codegen_bpf::BundleOptions how = bundle_options(options, session);
  how.compiled = [&phase](std::size_t done, std::size_t of) { phase.at(done, of); };
  return codegen_bpf::make_bundle(decisions, cluster, identities, session.loaded.policies, how);
}

int refuse(const Refusals& refusals, const Options& options, const Session& session) {
  const bool colour = use_colour(options.input.color, Stream::Err);
  for (const auto& diagnostic : refusals.diagnostics) std::fputs(render(diagnostic, session.sources, colour).c_str(), stderr);
  if (refusals.policies != 0) std::fprintf(stderr, "netpolc: no bundle was written: %zu policies can't be enforced\n", refusals.policies);
  else std::fprintf(stderr, "netpolc: no bundle was written\n");
  for (const auto& advice : refusals.advice) std::fprintf(stderr, "netpolc: %s\n", advice.c_str());
  return kUndecided;
}

// The bundle as it will lie there is proved, and gets its certificates; or the exit code to end with, and nothing is written.
std::optional<int> prove_made(const Options& options, const ir::Decisions& decisions, const ir::Cluster& cluster, const ir::Identities& identities,
                              codegen_bpf::MadeBundle& made, std::string& said) {
  const auto start = Clock::now();
  const auto read = [&](const std::string& path) -> Result<std::string> { return made.files.at(path); };
  const auto bundle = nlohmann::ordered_json::parse(made.files.at(codegen_bpf::kManifestPath));
  ProofOptions proving = options.proving;
  std::optional<codegen_bpf::ObjectCache> cache;
  if (!options.cache.empty()) {
    auto opened = codegen_bpf::ObjectCache::open(options.cache);
    if (!opened) return complain(opened.error().message);
    cache = std::move(*opened);
    proving.cache = &*cache;
  }
  const auto proofs = prove_programs(bundle, read, decisions, cluster, identities, proving);
  if (!proofs) return complain(proofs.error().message);
  const Tally found = tally(*proofs);
  if (found.all_proved()) {
    auto digest = codegen_bpf::add_certificates(made.files, certificates(*proofs, options.proving));
    if (!digest) return complain(digest.error().message);
    made.summary.digest = std::move(*digest);
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.2f s", seconds_since(start));
    said = "proved " + std::to_string(made.summary.programs) + " programs in " + seconds + (found.known != 0 ? ", " + std::to_string(found.known) + " of them in a former run" : "");
    return std::nullopt;
  }
  for (const Proof& proof : *proofs)
    if (!proof.result.proved()) print(stderr, proof);
  std::fprintf(stderr, "netpolc: no bundle was written: %zu programs are refuted, %zu are undecided\n", found.refuted, found.undecided);
  if (found.refuted != 0) std::fprintf(stderr, "netpolc: a program that does not do what the policies say is a fault in netpolc: please report it\n");
  else std::fprintf(stderr, "netpolc: compile without --prove, or give the solver more --steps where those are why\n");
  return found.exit_code();
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
  const nlohmann::ordered_json out = {{"apiVersion", kApiVersion},
                                      {"kind", "CompileResult"},
                                      {"bundle", options.bundle},
                                      {"digest", summary.digest},
                                      {"programs", summary.programs},
                                      {"endpoints", summary.endpoints},
                                      {"instructions", summary.instructions},
                                      {"proved", options.prove}};
  std::printf("%s\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

int compile_command(const Options& options) {
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const auto& [policies, cluster] = std::tie(session.loaded.policies, session.loaded.cluster);
  const auto start = Clock::now();
  const auto identities = during("grouping labels", [&] { return ir::Identities::build(policies, cluster, session.resolutions, session.lock); });
  ir::Decisions decisions = during("deciding", [&] { return ir::decide(policies, cluster, session.resolutions, identities); });
  const double deciding = seconds_since(start);

  if (options.host == "skip") std::erase_if(decisions.endpoints, [](const ir::DecidedEndpoint& one) { return one.is_host; });
  if (const auto replaceable = codegen_bpf::check_replaceable(options.bundle); !replaceable) return complain(replaceable.error().message);
  auto writing = Clock::now();
  auto made = make(decisions, cluster, identities, options, session);
  if (!made) return complain(made.error().message);
  const codegen_bpf::BundleSummary& summary = made->summary;
  Refusals refusals;
  refuse_endpoints(summary.refused, cluster, policies, refusals);
  if (!refusals.empty()) return refuse(refusals, options, session);
  double compiling = seconds_since(writing);
  std::string proved;
  if (options.prove)
    if (const auto code = prove_made(options, decisions, cluster, identities, *made, proved)) return *code;
  writing = Clock::now();
  if (const auto written = codegen_bpf::write_bundle(options.bundle, made->files); !written) return complain(written.error().message);
  compiling += seconds_since(writing);

  if (!options.input.identities.empty()) {
    const auto kept = write_identity_lock(options.input.identities, identities.lock());
    if (!kept) return complain(kept.error().message);
  }
  print_summary(summary, deciding, compiling);
  if (!proved.empty()) std::fprintf(stderr, "%s\n", proved.c_str());
  print_result(options, summary);
  return kGood;
}

}  // namespace

void add_compile(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("compile", "Writes a bundle: the programs of all endpoints, and what they need to run");
  add_input_options(*command, options->input);
  command->add_option("-o,--output", options->bundle, "Directory of the bundle; a bundle that is there is replaced as a whole")->type_name("PATH")
      ->required()
      ->group("Output");
  command->add_option("--emit", options->emit, "What to write beside the objects: c (always), ir (the decision tables as text)")
      ->delimiter(',')
      ->check(CLI::IsMember({"c", "ir"}))
      ->group("Output");
  command->add_option("--format", options->format, "What to print about it: text (DIGEST  BUNDLE) or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->group("Output");
  command->add_option("--jobs", options->proving.jobs, "How many programs to compile, and to prove, at a time (default: one a processor)")->group("Compiling");
  command->add_option("--cache", options->cache, "Directory that keeps objects and proofs for the next time; they are checked, and made again if they don't fit (default: none)")
      ->type_name("PATH")
      ->envname("NETPOLC_CACHE_DIR")
      ->group("Compiling");
  command->add_option("--l7", options->l7, "Flows that only an L7 rule allows: refuse to compile (default), or drop them")
      ->check(CLI::IsMember({"refuse", "drop"}))
      ->group("Compiling");
  command->add_option("--host-policies", options->host, "Policies of nodes, where the host firewall is on: compile them (default), or skip them")
      ->check(CLI::IsMember({"compile", "skip"}))
      ->group("Compiling");
  CLI::Option* prove = command->add_flag("--prove", options->prove, "Prove that the bytecode of every program does what the policies say, and put a certificate for each into the bundle; without a proof of all, nothing is written")
      ->group("Proving");
  command->add_option("--steps", options->proving.steps, "Steps of the solver for each question, until it is undecided")->needs(prove)->group("Proving");
  command->callback([options, &chosen] { chosen = [options] { return compile_command(*options); }; });
}

}  // namespace netpolc::compiler
