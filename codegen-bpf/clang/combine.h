// codegen-bpf/clang/combine.h — links a policy's object with the runtime's.
#pragma once
#include <string>
#include <string_view>

#include "ir/base/diagnostics.h"

namespace netpolc::codegen_bpf {

// Both are ELF objects with BTF. Same bytes in, same bytes out. Thread-safe; needs /proc.
Result<std::string> combine(std::string_view runtime, std::string_view policy);

}  // namespace netpolc::codegen_bpf
