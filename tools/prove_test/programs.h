// tools/prove_test/programs.h — the program of a table, as the compiler makes it and as the prover reads it. Whatever fails ends the
// test.
#pragma once
#include <string>

#include "codegen-bpf/codegen.h"
#include "ir/decide/table.h"
#include "verify/bytecode/object.h"

namespace netpolc::prove_test {

std::string bytes_of(const ir::DecisionTable& table, codegen_bpf::Subject subject = codegen_bpf::Subject::Pod);
verify::bytecode::Object object_of(const std::string& bytes);

}  // namespace netpolc::prove_test
