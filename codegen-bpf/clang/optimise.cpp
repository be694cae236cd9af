// A policy as code is a few functions without loops: tests of bits, switches, and verdicts. LLVM's
// default passes optimise each function before and after it is inlined, look for loops, vectors and
// calls to memcpy, and take twice as long for the same instructions. So such a policy has passes of
// its own. A policy as tables has loops, and what the verifier makes of a loop depends on its form:
// it gets the default passes.
#include "codegen-bpf/clang/optimise.h"

#include <llvm/Analysis/CFG.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/IPO/ConstantMerge.h>
#include <llvm/Transforms/IPO/GlobalDCE.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/CorrelatedValuePropagation.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/JumpThreading.h>
#include <llvm/Transforms/Scalar/Reassociate.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

namespace netpolc::codegen_bpf {
namespace {

llvm::OptimizationLevel level() { return llvm::OptimizationLevel::O2; }

llvm::PipelineTuningOptions tuning() {
  llvm::PipelineTuningOptions out;
  out.LoopVectorization = out.SLPVectorization = out.LoopInterleaving = false;  // BPF has no vectors
  return out;
}

bool has_loops(const llvm::Module& module) {
  llvm::SmallVector<std::pair<const llvm::BasicBlock*, const llvm::BasicBlock*>, 4> back;
  for (const llvm::Function& function : module)
    if (!function.isDeclaration()) llvm::FindFunctionBackedges(function, back);
  return !back.empty();
}

// A jump reaches 32,767 instructions of BPF, and a policy ends up with fewer of those than of LLVM's before they
// are optimised; the rest is for what switches over many ports take.
constexpr unsigned kMostInstructions = 16384;

// Whatever is the policy's own becomes part of its callers: a call costs a frame of the kernel's 512
// bytes of stack.
void inline_all(llvm::Module& module) {
  for (llvm::Function& function : module)
    if (function.hasLocalLinkage() && !function.isDeclaration() && !function.hasFnAttribute(llvm::Attribute::NoInline))
      function.addFnAttr(llvm::Attribute::AlwaysInline);
}

llvm::InstCombinePass combine_instructions() { return llvm::InstCombinePass(llvm::InstCombineOptions().setMaxIterations(1)); }

llvm::ModulePassManager straight_passes(llvm::PassBuilder& builder) {
  llvm::ModulePassManager out;
  builder.invokePipelineStartEPCallbacks(out, level());
  // first make small what is inlined in many places
  llvm::FunctionPassManager before;
  before.addPass(llvm::SimplifyCFGPass());
  before.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  before.addPass(llvm::EarlyCSEPass());
  out.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(before), /*EagerlyInvalidate=*/true));
  builder.invokePipelineEarlySimplificationEPCallbacks(out, level());
  out.addPass(llvm::AlwaysInlinerPass());

  llvm::FunctionPassManager after;
  after.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  after.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  after.addPass(combine_instructions());
  after.addPass(llvm::SimplifyCFGPass(llvm::SimplifyCFGOptions().hoistCommonInsts(true).convertSwitchRangeToICmp(true)));
  after.addPass(llvm::ReassociatePass());
  after.addPass(llvm::GVNPass());
  after.addPass(llvm::JumpThreadingPass());
  after.addPass(llvm::CorrelatedValuePropagationPass());
  after.addPass(llvm::SimplifyCFGPass(llvm::SimplifyCFGOptions()
                                          .forwardSwitchCondToPhi(true)
                                          .convertSwitchRangeToICmp(true)
                                          .convertSwitchToLookupTable(true)
                                          .needCanonicalLoops(false)
                                          .hoistCommonInsts(true)
                                          .sinkCommonInsts(true)));
  after.addPass(combine_instructions());
  after.addPass(llvm::SimplifyCFGPass(llvm::SimplifyCFGOptions().convertSwitchRangeToICmp(true)));
  out.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(after), /*EagerlyInvalidate=*/true));
  out.addPass(llvm::GlobalDCEPass());
  out.addPass(llvm::ConstantMergePass());
  return out;
}

}  // namespace

Optimiser::Optimiser(llvm::TargetMachine& machine) : builder_(&machine, tuning()) {
  builder_.registerModuleAnalyses(modules_);
  builder_.registerCGSCCAnalyses(components_);
  builder_.registerFunctionAnalyses(functions_);
  builder_.registerLoopAnalyses(loops_);
  builder_.crossRegisterProxies(loops_, functions_, components_, modules_);
  straight_ = straight_passes(builder_);
}

void Optimiser::run(llvm::Module& module) {
  if (has_loops(module) || module.getInstructionCount() > kMostInstructions) {
    builder_.buildPerModuleDefaultPipeline(level()).run(module, modules_);  // is not to be used twice
  } else {
    inline_all(module);
    straight_.run(module, modules_);
  }
  forget();
}

// What is known is kept by addresses, and the next module may have the same ones.
void Optimiser::forget() {
  loops_.clear();
  functions_.clear();
  components_.clear();
  modules_.clear();
}

}  // namespace netpolc::codegen_bpf
