// codegen-bpf/programs.h — the distinct programs of all endpoints, compiled side by side.
#pragma once
#include <functional>
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
// result is the same. `compiled` as in BundleOptions.
Result<std::vector<Program>> compile_programs(const ir::Decisions& decisions, unsigned jobs, const ObjectCache* cache = nullptr,
                                              const std::function<void(std::size_t, std::size_t)>& compiled = nullptr);

}  // namespace netpolc::codegen_bpf
