#include "compiler/proofs.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "codegen-bpf/codegen.h"
#include "compiler/command_line/progress.h"
#include "compiler/exit_code.h"
#include "compiler/outside_proof.h"
#include "compiler/proof_cache.h"
#include "compiler/selector_text.h"
#include "ir/certificate.h"

namespace netpolc::compiler {
namespace {

namespace bytecode = verify::bytecode;
using Json = nlohmann::ordered_json;

constexpr const char* kFromTheseManifests = ": compile it again from these manifests";

// A program of the bundle for a table: what is to be proved, once for all endpoints that have both.
struct Pair {
  std::string program;
  std::uint32_t table = 0;
  bool is_node = false;
  auto operator<=>(const Pair&) const = default;
};
using Claims = std::map<Pair, std::vector<std::string>>;  // endpoints

// The k-th endpoint of a name is the k-th of that name in the bundle.
Result<Claims> claims(const Json& bundle, const ir::Decisions& decisions, const ir::Cluster& cluster) {
  std::map<std::string, std::vector<std::string>> programs;
  for (const Json& e : bundle.at("endpoints"))
    programs[e.at("namespace").get<std::string>() + "/" + e.at("name").get<std::string>() + " " + e.at("kind").get<std::string>()].push_back(e.at("program"));
  if (bundle.contains("hosts"))
    for (const Json& host : bundle["hosts"]) programs["node " + host.at("node").get<std::string>()].push_back(host.at("program"));
  std::map<std::string, std::size_t> seen;
  Claims out;
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
    if (at >= own.size()) return tl::unexpected(Failure{"the bundle has no program for " + name + kFromTheseManifests});
    out[{own[at], d.table, d.is_host}].push_back(name);
  }
  for (const auto& [key, own] : programs)
    if (seen[key] < own.size()) return tl::unexpected(Failure{"the bundle has " + key + ", which the manifests lack" + kFromTheseManifests});
  return out;
}

struct Rows {
  std::size_t words = 0;
  ir::CertifiedRows bits;
};
Rows rows_of(const Json& program, const char* direction) {
  Rows out{program.at("words").at(direction).get<std::size_t>(), {}};
  for (const Json& row : program.at("peers").at(direction)) {
    auto& bits = out.bits[row.at("identity").get<std::uint32_t>()];
    bits.clear();
    for (const Json& word : row.at("words")) bits.push_back(std::strtoull(word.get<std::string>().c_str(), nullptr, 16));
  }
  return out;
}

// Which bits identities have, as the bundle tells the loader, against the table.
std::optional<std::string> wrong_row(const Rows& rows, const ir::DirectionTable& table) {
  std::map<std::uint32_t, std::set<std::uint32_t>> wanted, listed;
  for (std::uint32_t b = 1; b < table.bits.size(); ++b)
    for (const std::uint32_t identity : table.bits[b].identities) wanted[identity].insert(b);
  for (const auto& [identity, words] : rows.bits) {
    const auto name = "identity " + std::to_string(identity);
    if (words.size() != rows.words || words.size() * 64 < table.bits.size()) return name + " has " + std::to_string(words.size()) + " words";
    std::set<std::uint32_t> bits;
    for (std::uint32_t b = 0; b < words.size() * 64; ++b)
      if ((words[b / 64] >> (b % 64) & 1) != 0) bits.insert(b);
    if (bits.erase(0) == 0) return name + " lacks the bit of everyone";
    if (!bits.empty()) listed[identity] = std::move(bits);
  }
  for (const auto* of : {&wanted, &listed})
    for (const auto& [identity, bits] : *of)
      if (wanted[identity] != listed[identity]) return "identity " + std::to_string(identity) + " has other bits than the table says";
  return std::nullopt;
}

// Conditions for whoever comes later, as the bundle tells the loader, against the table.
using Selectors = std::vector<ir::ConditionPtr>;
Selectors selectors_of(const Json& program, const char* direction, const Selectors& all) {
  Selectors out;
  for (const Json& number : program.at("selectors").at(direction)) {
    const auto at = number.get<std::size_t>();
    out.push_back(at < all.size() ? all[at] : throw BadSelector{"a program has selector " + std::to_string(at) + ", and there are " + std::to_string(all.size())});
  }
  return out;
}
// What the loader will take is known by its text. Of a selector with another one it is not known whether it means the same,
// unless there are labels for which it doesn't.
void judge_selectors(const char* direction, const Selectors& has, const ir::DirectionTable& table, bytecode::Part& part) {
  const std::string name(direction);
  if (has.size() != table.bits.size()) part.answer = bytecode::Refuted{name + ": there are " + std::to_string(has.size()) + " selectors for " + std::to_string(table.bits.size()) + " bits", std::nullopt};
  for (std::size_t b = 0; b < std::min(has.size(), table.bits.size()); ++b) {
    const ir::ConditionPtr& wanted = table.bits[b].condition;
    if (ir::certified_text(Selectors{has[b]}) == ir::certified_text(Selectors{wanted})) continue;
    const std::string what = name + ": the selector of " + table.bits[b].text;
    if (const auto labels = wanted ? told_apart(*has[b], *wanted) : std::nullopt) part.answer = bytecode::Refuted{what + " holds for other peers: not the same for " + *labels, std::nullopt};
    else if (std::holds_alternative<bytecode::Proved>(part.answer)) part.answer = bytecode::Undecided{what + " is written otherwise"};
  }
}

// What a thread needs to know of a claim, taken from the bundle before.
struct Work {
  Proof proof;
  std::string object;  // path
  Rows ingress, egress;
  Selectors ingress_selectors, egress_selectors;
  const ir::DecisionTable* table = nullptr;
  std::optional<Failure> failure;
};

Result<std::vector<Work>> to_do(const Json& bundle, const ir::Decisions& decisions, const ir::Cluster& cluster) {
  auto all = claims(bundle, decisions, cluster);
  if (!all) return tl::make_unexpected(all.error());
  std::map<std::string, const Json*> programs;
  for (const Json& program : bundle.at("programs")) programs[program.at("digest").get<std::string>()] = &program;
  Selectors selectors;
  for (const Json& selector : bundle.at("selectors")) selectors.push_back(selector_of(selector));
  std::vector<Work> out;
  std::set<std::string> claimed;
  for (auto& [pair, endpoints] : *all) {
    const auto found = programs.find(pair.program);
    if (found == programs.end()) return tl::unexpected(Failure{"the bundle lacks the program " + pair.program});
    claimed.insert(pair.program);
    const Json& program = *found->second;
    Work& work = out.emplace_back();
    work.object = program.at("object").get<std::string>();
    work.ingress = rows_of(program, "ingress");
    work.egress = rows_of(program, "egress");
    work.table = &decisions.tables[pair.table];
    work.ingress_selectors = selectors_of(program, "ingress", selectors);
    work.egress_selectors = selectors_of(program, "egress", selectors);
    work.proof.ingress_selectors = codegen_bpf::sha256_hex(ir::certified_text(work.ingress_selectors));
    work.proof.egress_selectors = codegen_bpf::sha256_hex(ir::certified_text(work.egress_selectors));
    work.proof.program = pair.program;
    work.proof.of_node = pair.is_node;
    work.proof.endpoints = std::move(endpoints);
    work.proof.table = codegen_bpf::sha256_hex(ir::to_string(*work.table));
    work.proof.ingress_rows = codegen_bpf::sha256_hex(ir::certified_text(work.ingress.bits, work.ingress.words));
    work.proof.egress_rows = codegen_bpf::sha256_hex(ir::certified_text(work.egress.bits, work.egress.words));
  }
  for (const auto& [digest, program] : programs)
    if (!claimed.contains(digest)) return tl::unexpected(Failure{"the bundle has the program " + digest + ", which no endpoint of the manifests has" + kFromTheseManifests});
  return out;
}

// What the solver has to say, if it did not say so before.
bytecode::ProgramProof ask(Work& work, const bytecode::Object& object, bytecode::Prover& prover, const ProofOptions& options) {
  const std::string name = options.cache != nullptr ? proof_name(work.proof.bytecode, *work.table, work.proof.of_node, options.steps) : "";
  if (!name.empty())
    if (auto known = find_proof(*options.cache, name)) {
      work.proof.known = true;
      return std::move(*known);
    }
  auto out = prover.prove(object, *work.table, work.proof.of_node);
  if (!name.empty() && out.proved()) keep_proof(*options.cache, name, out);
  return out;
}

void prove(Work& work, const ReadFile& read, const bytecode::Object& runtime, bytecode::Prover& prover, const ProofOptions& options) {
  const auto bytes = read(work.object);
  if (!bytes) {
    work.failure = bytes.error();
    return;
  }
  const auto start = std::chrono::steady_clock::now();
  work.proof.bytecode = codegen_bpf::sha256_hex(*bytes);
  auto& result = work.proof.result;
  if (const auto object = bytecode::read_object(*bytes); !object) {
    result.parts.push_back({"object", bytecode::Undecided{object.error().message}});
  } else {
    result = ask(work, *object, prover, options);
    bytecode::Part shared{"shared functions", bytecode::Proved{}}, rows{"rows", bytecode::Proved{}};
    const auto strangers = bytecode::strangers(*object, runtime);
    if (!strangers.empty()) shared.answer = bytecode::Undecided{"shared functions: " + strangers.front()};
    if (const auto wrong = wrong_row(work.egress, work.table->egress)) rows.answer = bytecode::Refuted{"egress: " + *wrong, std::nullopt};
    if (const auto wrong = wrong_row(work.ingress, work.table->ingress)) rows.answer = bytecode::Refuted{"ingress: " + *wrong, std::nullopt};
    judge_selectors("egress", work.egress_selectors, work.table->egress, rows);
    judge_selectors("ingress", work.ingress_selectors, work.table->ingress, rows);
    result.parts.push_back(std::move(shared));
    result.parts.push_back(std::move(rows));
  }
  work.proof.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Result<std::vector<Proof>> prove_programs(const Json& bundle, const ReadFile& read, const ir::Decisions& decisions, const ir::Cluster& cluster,
                                          const ir::Identities& identities, const ProofOptions& options) try {
  auto all = to_do(bundle, decisions, cluster);
  if (!all) return tl::make_unexpected(all.error());
  const auto runtime = bytecode::read_object(codegen_bpf::runtime_object());
  if (!runtime) return tl::make_unexpected(runtime.error());
  Phase phase("proving programs");
  phase.at(0, all->size());
  std::atomic<std::size_t> next = 0, done = 0;
  const auto run = [&] {
    bytecode::Prover prover({.steps = options.steps, .whole_runtime = options.whole_runtime});
    for (std::size_t i; (i = next++) < all->size(); phase.at(++done, all->size())) prove((*all)[i], read, *runtime, prover, options);
  };
  const unsigned jobs = options.jobs != 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < std::min<std::size_t>(jobs, all->size()); ++i) others.emplace_back(run);
  run();
  for (std::thread& thread : others) thread.join();
  std::vector<Proof> out;
  std::vector<OutsideClaim> denies;
  for (Work& work : *all) {
    if (work.failure) return tl::make_unexpected(std::move(*work.failure));
    denies.push_back({work.proof.program, work.proof.of_node ? nullptr : work.table});
    out.push_back(std::move(work.proof));
  }
  if (bundle.contains("xdp")) {
    auto outside = prove_outside(bundle, read, denies, codegen_bpf::denied_from_outside(decisions, cluster, identities, {}), ir::outside_identities(identities), options);
    if (!outside) return tl::make_unexpected(outside.error());
    out.push_back(std::move(*outside));
  }
  return out;
} catch (const BadSelector& problem) {
  return tl::make_unexpected(Failure{"bundle.json is not as netpolc writes it (" + problem.why + "): compile the bundle again"});
} catch (const nlohmann::json::exception& problem) {
  return tl::make_unexpected(Failure{"bundle.json is not as netpolc writes it (" + std::string(problem.what()) + "): compile the bundle again"});
}

const char* word(const Proof& proof) { return proof.result.refuted() ? "refuted" : proof.result.proved() ? "proved" : "undecided"; }

void print(std::FILE* to, const Proof& proof) {
  const std::string more = proof.endpoints.size() > 1 ? " and " + std::to_string(proof.endpoints.size() - 1) + " more" : "";
  std::fprintf(to, "%-9s  %s  %s%s\n", word(proof), proof.program.substr(0, 16).c_str(), proof.endpoints.front().c_str(), more.c_str());
  for (const bytecode::Part& part : proof.result.parts) {
    if (const auto* no = std::get_if<bytecode::Refuted>(&part.answer))
      std::fprintf(to, "  %s %s%s\n", part.name.c_str(), no->what.c_str(), no->flow ? (": " + bytecode::to_string(*no->flow)).c_str() : "");
    if (const auto* unknown = std::get_if<bytecode::Undecided>(&part.answer)) std::fprintf(to, "  UNDECIDED %s\n", unknown->why.c_str());
  }
}

Tally tally(const std::vector<Proof>& proofs) {
  Tally out;
  for (const Proof& proof : proofs) {
    ++(proof.result.refuted() ? out.refuted : proof.result.proved() ? out.proved : out.undecided);
    out.known += proof.known;
  }
  return out;
}

int Tally::exit_code() const { return refuted != 0 ? kNegative : undecided != 0 ? kUndecided : kGood; }

}  // namespace netpolc::compiler
