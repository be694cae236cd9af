// codegen-bpf/programs.h — the distinct programs of all endpoints, compiled side by side.
#pragma once
#include <string>
#include <vector>

#include "codegen-bpf/codegen.h"
#include "ir/identity/identities.h"

namespace netpolc::codegen_bpf {

class ObjectCache;

struct Program {
  std::string digest;
  std::uint32_t table = 0;               // one of those that give this program
  Subject subject = Subject::Pod;        // of all its endpoints
  Emitted emitted;
  Object object;
  std::vector<std::uint32_t> endpoints;  // indices into Decisions::endpoints
};

// Sorted by digest. Without `cache` all are compiled; the
// result is the same.
Result<std::vector<Program>> compile_programs(const ir::Decisions& decisions, unsigned jobs, const ObjectCache* cache = nullptr);

}  // namespace netpolc::codegen_bpf
