// prove: for a bundle that lies there, that the bytecode of its programs does what the policies say.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "codegen-bpf/bundle_files.h"
#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/outputs.h"
#include "compiler/proofs.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  InputOptions input;
  std::string bundle, output = "text";
  ProofOptions proving;
  bool write = false;
};

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string out{std::istreambuf_iterator<char>(in), {}};
  if (!in && !in.eof()) return tl::unexpected(Failure{path.string() + " can't be read; is it a bundle of netpolc compile?"});
  if (out.empty()) return tl::unexpected(Failure{path.string() + " is missing or empty; is it a bundle of netpolc compile?"});
  return out;
}

void print_text(const std::vector<Proof>& proofs, const std::vector<CertificateCheck>& checked) {
  for (const Proof& proof : proofs) {
    print(stdout, proof);
    for (const CertificateCheck& check : checked)
      if (check.program == proof.program && !check.why.empty()) std::printf("  certificate %s %s\n", check.path.c_str(), check.why.c_str());
  }
}

std::string json(const std::vector<Proof>& proofs, const std::vector<CertificateCheck>& checked) {
  Json out = Json::array();
  for (const Proof& proof : proofs) {
    out.push_back(to_json(proof));
    for (const CertificateCheck& check : checked)
      if (check.program == proof.program) out.back()["certificate"] = {{"path", check.path}, {"belongs", check.why.empty()}, {"why", check.why.empty() ? Json() : Json(check.why)}};
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void print_summary(const std::vector<Proof>& proofs, const std::vector<CertificateCheck>& checked, std::size_t unfit) {
  const Tally found = tally(proofs);
  std::fprintf(stderr, "%zu of %zu programs proved, %zu refuted, %zu undecided", found.proved, proofs.size(), found.refuted, found.undecided);
  std::vector<double> times;
  for (const Proof& proof : proofs) times.push_back(proof.milliseconds);
  std::sort(times.begin(), times.end());
  if (!times.empty()) std::fprintf(stderr, " · median %.0f ms, longest %.0f ms", times[times.size() / 2], times.back());
  if (unfit != 0) std::fprintf(stderr, " · %zu of %zu certificates are not of this", unfit, checked.size());
  std::fprintf(stderr, "\n");
}

int write_certificates(const Options& options, codegen_bpf::BundleFiles& files, const std::vector<Proof>& proofs) {
  if (const Tally found = tally(proofs); !found.all_proved()) {
    std::fprintf(stderr, "netpolc: no certificate was written: not all programs are proved\n");
    return found.exit_code();
  }
  const auto digest = codegen_bpf::add_certificates(files, certificates(proofs, options.proving));
  if (!digest) return complain(digest.error().message);
  if (const auto written = codegen_bpf::write_bundle(options.bundle, files); !written) return complain(written.error().message);
  std::fprintf(stderr, "wrote a certificate for each program; the bundle's digest is %s\n", digest->c_str());
  return kGood;
}

int prove_command(const Options& options) {
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const auto& [policies, cluster] = std::tie(session.loaded.policies, session.loaded.cluster);
  const auto identities = ir::Identities::build(policies, cluster, session.resolutions, session.lock);
  const ir::Decisions decisions = during("deciding", [&] { return ir::decide(policies, cluster, session.resolutions, identities); });
  const std::filesystem::path directory(options.bundle);
  codegen_bpf::BundleFiles files;  // what is written is what was proved
  if (options.write) {
    auto all = codegen_bpf::read_bundle(options.bundle);
    if (!all) return complain(all.error().message);
    files = std::move(*all);
  }
  const ReadFile read = [&](const std::string& path) -> Result<std::string> {
    if (!options.write) return read_file(directory / path);
    const auto found = files.find(path);
    if (found == files.end()) return tl::unexpected(Failure{"bundle.json lists no checksum of " + path});
    return found->second;
  };
  const auto text = read(codegen_bpf::kManifestPath);
  if (!text) return complain(text.error().message);
  const Json bundle = Json::parse(*text, nullptr, false);
  if (bundle.is_discarded()) return complain((directory / codegen_bpf::kManifestPath).string() + " is no JSON: compile the bundle again");
  const auto proofs = prove_programs(bundle, read, decisions, cluster, identities, options.proving);
  if (!proofs) return complain(proofs.error().message);
  std::vector<CertificateCheck> checked;
  if (!options.write) checked = check_certificates(bundle, read, *proofs);
  const auto unfit = static_cast<std::size_t>(std::count_if(checked.begin(), checked.end(), [](const auto& one) { return !one.why.empty(); }));
  if (!is_document(options.output)) print_text(*proofs, checked);
  else if (!print_as(options.output, json(*proofs, checked))) return kNoAnswer;
  print_summary(*proofs, checked, unfit);
  if (options.write) return write_certificates(options, files, *proofs);
  const int code = tally(*proofs).exit_code();
  return code == kGood && unfit != 0 ? kNegative : code;
}

}  // namespace

void add_prove(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("prove", "Proves that the bytecode of a bundle's programs does what the policies say");
  command->add_option("bundle", options->bundle, "Directory of the bundle")->type_name("PATH")->required();
  add_input_options(*command, options->input);
  add_output(*command, options->output, {"text", "json"})->description("What to print: text, or json or yaml with what was proved of each program");
  command->add_flag("--write", options->write, "Put a certificate for each program into the bundle, in place of those there, if all are proved")->group("Output");
  command->add_option("--steps", options->proving.steps, "Steps of the solver for each question, until it is undecided")->group("Proving");
  command->add_flag("--whole-runtime", options->proving.whole_runtime, "Prove the functions that all programs share, too, which takes minutes and is the same for every bundle of a version")->group("Proving");
  command->add_option("--jobs", options->proving.jobs, "How many programs to prove at a time (default: one a processor)")->group("Proving");
  command->callback([options, &chosen] { chosen = [options] { return prove_command(*options); }; });
}

}  // namespace netpolc::compiler
