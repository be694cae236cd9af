// codegen-bpf/programs.h — the distinct programs of all endpoints, compiled side by side.
#pragma once
#include <string>
#include <vector>

#include "codegen-bpf/codegen.h"
#include "ir/identity/identities.h"

namespace netpolc::codegen_bpf {

struct Program {
  std::string digest;
  std::uint32_t table = 0;               // one of those that give this program
  Emitted emitted;
  Object object;
  std::vector<std::uint32_t> endpoints;  // indices into Decisions::endpoints
};

// Pods' programs; hosts have none yet. Sorted by digest.
Result<std::vector<Program>> compile_programs(const ir::Decisions& decisions, unsigned jobs);

}  // namespace netpolc::codegen_bpf
