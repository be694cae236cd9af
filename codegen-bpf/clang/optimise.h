// codegen-bpf/clang/optimise.h — what LLVM does to a policy before it is translated.
#pragma once
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Target/TargetMachine.h>

namespace netpolc::codegen_bpf {

// For one thread, and for as many modules as it likes; making one takes longer than a small policy.
// The same module gives the same result whatever was optimised before. The machine must outlive it.
class Optimiser {
 public:
  explicit Optimiser(llvm::TargetMachine& machine);
  void run(llvm::Module& module);

 private:
  void forget();

  llvm::PassBuilder builder_;
  llvm::LoopAnalysisManager loops_;
  llvm::FunctionAnalysisManager functions_;
  llvm::CGSCCAnalysisManager components_;
  llvm::ModuleAnalysisManager modules_;
  llvm::ModulePassManager straight_;
};

}  // namespace netpolc::codegen_bpf
