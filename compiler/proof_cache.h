// compiler/proof_cache.h — proofs of former runs beside the objects that they are of (codegen-bpf/cache.h). Only what was
// proved is kept: what is undecided or refuted is asked again.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "codegen-bpf/cache.h"
#include "ir/decide/table.h"
#include "verify/bytecode/prove.h"

namespace netpolc::compiler {

// Of all that the proof follows from: the object (`bytecode` is its SHA-256), the table, the budget, and the very program
// that proves, this one. "": this process can't read itself, so that nothing is found or kept.
std::string proof_name(const std::string& bytecode, const ir::DecisionTable& table, bool of_node, std::uint32_t steps);

std::optional<verify::bytecode::ProgramProof> find_proof(const codegen_bpf::ObjectCache& cache, const std::string& name);
void keep_proof(const codegen_bpf::ObjectCache& cache, const std::string& name, const verify::bytecode::ProgramProof& proof);

}  // namespace netpolc::compiler
