#include "compiler/proof_cache.h"

#include <fstream>
#include <iterator>
#include <sstream>

#include "codegen-bpf/codegen.h"
#include "verify/bytecode/grounds.h"
#include "verify/bytecode/subject.h"

namespace netpolc::compiler {
namespace {

namespace bytecode = verify::bytecode;

// No version says what the prover is as exactly as its own bytes do.
const std::string& who_proves() {
  static const std::string who = [] {
    std::ifstream in("/proc/self/exe", std::ios::binary);
    const std::string own{std::istreambuf_iterator<char>(in), {}};
    return own.empty() ? "" : codegen_bpf::sha256_hex(own) + "\n" + codegen_bpf::translator() + "\n" + bytecode::solver_version();
  }();
  return who;
}

}  // namespace

std::string proof_name(const std::string& object, const ir::DecisionTable& table, bool of_node, std::uint32_t steps) {
  if (who_proves().empty()) return "";
  return codegen_bpf::sha256_hex("proof\n" + who_proves() + "\n" + object + "\n" + (of_node ? "node " : "pod ") + std::to_string(steps) + "\n" + bytecode::subject_of(table));
}

std::optional<bytecode::ProgramProof> find_proof(const codegen_bpf::ObjectCache& cache, const std::string& name) {
  const auto content = cache.find(name);
  if (!content) return std::nullopt;
  std::istringstream lines(*content);
  bytecode::ProgramProof out;
  bytecode::Part part{"", bytecode::Proved{}};
  while (lines >> part.steps >> part.instructions && lines.get() == ' ' && std::getline(lines, part.name)) out.parts.push_back(part);
  return lines.eof() && !out.parts.empty() ? std::optional(std::move(out)) : std::nullopt;
}

void keep_proof(const codegen_bpf::ObjectCache& cache, const std::string& name, const bytecode::ProgramProof& proof) {
  if (!proof.proved()) return;
  std::string content;
  for (const bytecode::Part& part : proof.parts) content += std::to_string(part.steps) + " " + std::to_string(part.instructions) + " " + part.name + "\n";
  cache.keep(name, content);
}

}  // namespace netpolc::compiler
