// prove: for a bundle that lies there, that the bytecode of its programs does what the policies say.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "codegen-bpf/codegen.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/session.h"
#include "ir/decide/table.h"
#include "verify/bytecode/prove.h"

namespace netpolc::compiler {
namespace {

namespace bytecode = verify::bytecode;
using Json = nlohmann::ordered_json;

struct Options {
  InputOptions input;
  std::string bundle, output = "text";
  std::uint32_t steps = bytecode::Effort{}.steps;
};

// What is taken for granted, in the certificate too.
constexpr const char* kAssumed[] = {
    "the kernel runs the object's instructions as it documents them, after relocation as libbpf does it",
    "maps do not change while a packet is judged",
    "rows of np_peers_in and np_peers_out have bit 0 set, and are those of the peer's identity",
    "policy is asked about TCP, UDP, SCTP, and ICMP and ICMPv6 with types to 255",
    "functions that all programs share do what their contracts say; they are the runtime's, instruction by instruction",
};

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string out{std::istreambuf_iterator<char>(in), {}};
  if (!in && !in.eof()) return tl::unexpected(Failure{path.string() + " can't be read; is it a bundle of netpolc compile?"});
  if (out.empty()) return tl::unexpected(Failure{path.string() + " is missing or empty; is it a bundle of netpolc compile?"});
  return out;
}

// A program of the bundle for a table: what is to be proved, once for all endpoints that have both.
struct Pair {
  std::string program;
  std::uint32_t table = 0;
  bool is_node = false;
  auto operator<=>(const Pair&) const = default;
};
struct Claim {
  Pair pair;
  std::vector<std::string> endpoints;
};

// The k-th endpoint of a name is the k-th of that name in the bundle.
Result<std::vector<Claim>> claims(const Json& bundle, const ir::Decisions& decisions, const ir::Cluster& cluster) {
  std::map<std::string, std::vector<std::string>> programs;
  for (const Json& e : bundle.at("endpoints"))
    programs[e.at("namespace").get<std::string>() + "/" + e.at("name").get<std::string>() + " " + e.at("kind").get<std::string>()].push_back(e.at("program"));
  if (bundle.contains("hosts"))
    for (const Json& host : bundle["hosts"]) programs["node " + host.at("node").get<std::string>()].push_back(host.at("program"));
  std::map<std::string, std::size_t> seen;
  std::map<Pair, std::vector<std::string>> all;
  for (const ir::DecidedEndpoint& d : decisions.endpoints) {
    if (d.is_host && !bundle.contains("hosts")) continue;  // --host-policies skip
    std::string name, key;
    if (d.is_host) {
      name = cluster.nodes[d.endpoint].name;
      key = "node " + name;
    } else {
      const ir::Endpoint& e = cluster.endpoints[d.endpoint];
      name = e.ns + "/" + e.name;
      key = name + " " + e.kind;
    }
    const auto& own = programs[key];
    const std::size_t at = seen[key]++;
    if (at >= own.size()) return tl::unexpected(Failure{"the bundle has no program for " + name + ": compile it again from these manifests"});
    all[{own[at], d.table, d.is_host}].push_back(name);
  }
  std::vector<Claim> out;
  for (auto& [pair, endpoints] : all) out.push_back({pair, std::move(endpoints)});
  return out;
}

// Which bits identities have, as the bundle tells the loader, against the table.
std::optional<std::string> wrong_row(const Json& rows, const ir::DirectionTable& table) {
  std::map<std::uint32_t, std::set<std::uint32_t>> wanted, listed;
  for (std::uint32_t b = 1; b < table.bits.size(); ++b)
    for (const std::uint32_t identity : table.bits[b].identities) wanted[identity].insert(b);
  for (const Json& row : rows) {
    std::set<std::uint32_t> bits;
    const auto& words = row.at("words");
    for (std::uint32_t b = 0; b < table.bits.size(); ++b)
      if ((std::strtoull(words.at(b / 64).get<std::string>().c_str(), nullptr, 16) >> (b % 64) & 1) != 0) bits.insert(b);
    if (bits.erase(0) == 0) return "identity " + row.at("identity").dump() + " lacks the bit of everyone";
    if (!bits.empty()) listed[row.at("identity").get<std::uint32_t>()] = std::move(bits);
  }
  for (const auto& [identity, bits] : wanted)
    if (listed[identity] != bits) return "identity " + std::to_string(identity) + " has other bits than the table says";
  for (const auto& [identity, bits] : listed)
    if (wanted[identity] != bits) return "identity " + std::to_string(identity) + " has other bits than the table says";
  return std::nullopt;
}

bytecode::ProgramProof prove_claim(const std::string& bytes, const Claim& claim, const Json& program, const ir::DecisionTable& table,
                                   const bytecode::Object& runtime, bytecode::Prover& prover) {
  bytecode::ProgramProof out;
  const auto object = bytecode::read_object(bytes);
  if (!object) {
    out.parts.push_back({"object", bytecode::Undecided{object.error().message}});
    return out;
  }
  out = prover.prove(*object, table, claim.pair.is_node);
  bytecode::Part shared{"shared functions", bytecode::Proved{}}, rows{"rows", bytecode::Proved{}};
  const auto strangers = bytecode::strangers(*object, runtime);
  if (!strangers.empty()) shared.answer = bytecode::Undecided{"shared functions: " + strangers.front()};
  for (const char* direction : {"ingress", "egress"})
    if (const auto wrong = wrong_row(program.at("peers").at(direction), direction[0] == 'i' ? table.ingress : table.egress))
      rows.answer = bytecode::Refuted{std::string(direction) + ": " + *wrong, std::nullopt};
  out.parts.push_back(std::move(shared));
  out.parts.push_back(std::move(rows));
  return out;
}

const char* word(const bytecode::ProgramProof& proof) { return proof.refuted() ? "refuted" : proof.proved() ? "proved" : "undecided"; }

Json certificate(const Claim& claim, const bytecode::ProgramProof& proof, const std::string& bytes, const ir::DecisionTable& table) {
  Json parts = Json::array();
  for (const bytecode::Part& part : proof.parts) {
    Json one = {{"part", part.name}};
    if (std::holds_alternative<bytecode::Proved>(part.answer)) one["answer"] = "proved";
    if (const auto* no = std::get_if<bytecode::Refuted>(&part.answer)) {
      one["answer"] = "refuted";
      one["what"] = no->what;
      if (no->flow)
        one["flow"] = {{"protocol", no->flow->protocol}, {"number", no->flow->number}, {"identity", no->flow->identity},
                       {"row", no->flow->row_known ? Json(no->flow->row) : Json()}, {"expected", no->flow->expected}, {"got", no->flow->got}};
    }
    if (const auto* unknown = std::get_if<bytecode::Undecided>(&part.answer)) {
      one["answer"] = "undecided";
      one["why"] = unknown->why;
    }
    one["solverSteps"] = part.steps;
    one["instructions"] = part.instructions;
    parts.push_back(std::move(one));
  }
  return {{"program", claim.pair.program},
          {"bytecode", codegen_bpf::sha256_hex(bytes)},
          {"table", codegen_bpf::sha256_hex(ir::to_string(table))},
          {"answer", word(proof)},
          {"endpoints", claim.endpoints},
          {"parts", std::move(parts)},
          {"assumed", kAssumed}};
}

void print(const Claim& claim, const bytecode::ProgramProof& proof) {
  std::printf("%-9s  %s  %s%s\n", word(proof), claim.pair.program.substr(0, 16).c_str(), claim.endpoints.front().c_str(),
              claim.endpoints.size() > 1 ? (" and " + std::to_string(claim.endpoints.size() - 1) + " more").c_str() : "");
  for (const bytecode::Part& part : proof.parts) {
    if (const auto* no = std::get_if<bytecode::Refuted>(&part.answer))
      std::printf("  %s %s%s\n", part.name.c_str(), no->what.c_str(), no->flow ? (": " + bytecode::to_string(*no->flow)).c_str() : "");
    if (const auto* unknown = std::get_if<bytecode::Undecided>(&part.answer)) std::printf("  UNDECIDED %s\n", unknown->why.c_str());
  }
}

int prove_command(const Options& options) {
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const auto& [policies, cluster] = std::tie(session.loaded.policies, session.loaded.cluster);
  const auto identities = ir::Identities::build(policies, cluster, session.resolutions, session.lock);
  const ir::Decisions decisions = ir::decide(policies, cluster, session.resolutions, identities);
  const std::filesystem::path directory(options.bundle);
  const auto text = read_file(directory / "bundle.json");
  if (!text) return complain(text.error().message);
  const Json bundle = Json::parse(*text, nullptr, false);
  if (bundle.is_discarded()) return complain((directory / "bundle.json").string() + " is no JSON: compile the bundle again");
  const auto runtime = bytecode::read_object(codegen_bpf::runtime_object());
  if (!runtime) return complain(runtime.error().message);
  bytecode::Prover prover({.steps = options.steps});
  Json certificates = Json::array();
  std::size_t proved = 0, refuted = 0;
  std::vector<double> times;
  try {
    const auto all = claims(bundle, decisions, cluster);
    if (!all) return complain(all.error().message);
    std::map<std::string, const Json*> programs;
    for (const Json& program : bundle.at("programs")) programs[program.at("digest").get<std::string>()] = &program;
    for (const Claim& claim : *all) {
      const Json* program = programs.contains(claim.pair.program) ? programs[claim.pair.program] : nullptr;
      if (program == nullptr) return complain("the bundle lacks the program " + claim.pair.program);
      const auto bytes = read_file(directory / program->at("object").get<std::string>());
      if (!bytes) return complain(bytes.error().message);
      const auto start = std::chrono::steady_clock::now();
      const auto proof = prove_claim(*bytes, claim, *program, decisions.tables[claim.pair.table], *runtime, prover);
      times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
      proved += proof.proved();
      refuted += proof.refuted();
      if (options.output == "json") certificates.push_back(certificate(claim, proof, *bytes, decisions.tables[claim.pair.table]));
      else print(claim, proof);
    }
  } catch (const nlohmann::json::exception& problem) {
    return complain("bundle.json is not as netpolc writes it (" + std::string(problem.what()) + "): compile the bundle again");
  }
  if (options.output == "json") std::printf("%s\n", certificates.dump(2).c_str());
  std::sort(times.begin(), times.end());
  std::fprintf(stderr, "%zu of %zu programs proved, %zu refuted, %zu undecided", proved, times.size(), refuted, times.size() - proved - refuted);
  if (!times.empty()) std::fprintf(stderr, " · median %.0f ms, longest %.0f ms", times[times.size() / 2], times.back());
  std::fprintf(stderr, "\n");
  return refuted != 0 ? kNegative : proved == times.size() ? kGood : kUndecided;
}

}  // namespace

void add_prove(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("prove", "Proves that the bytecode of a bundle's programs does what the policies say");
  command->add_option("bundle", options->bundle, "Directory of the bundle")->required();
  add_input_options(*command, options->input);
  command->add_option("-o,--output", options->output, "What to print: text, or json with a certificate for each program")
      ->check(CLI::IsMember({"text", "json"}))
      ->group("Output");
  command->add_option("--steps", options->steps, "Steps of the solver for each question, until it is undecided")->group("Proving");
  command->callback([options, &chosen] { chosen = [options] { return prove_command(*options); }; });
}

}  // namespace netpolc::compiler
