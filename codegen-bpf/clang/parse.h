// codegen-bpf/clang/parse.h — from a policy's C to LLVM's representation of it, not yet optimised.
#pragma once
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

#include <memory>

#include "codegen-bpf/codegen.h"

namespace netpolc::codegen_bpf {

// The module must not outlive the context. Thread-safe; each thread needs a context of its own. The error is clang's first one.
Result<std::unique_ptr<llvm::Module>> parse(const Emitted& emitted, llvm::LLVMContext& context);

}  // namespace netpolc::codegen_bpf
