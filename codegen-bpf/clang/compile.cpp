// Clang and LLVM, in process and from memory. Only the policy's own few lines are parsed,
// optimised and translated; the runtime joins as an object, see combine.h.
#include <bpf/libbpf.h>
#include <clang/Basic/Version.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Target/TargetOptions.h>

#include <mutex>

#include "codegen-bpf/clang/combine.h"
#include "codegen-bpf/clang/optimise.h"
#include "codegen-bpf/clang/parse.h"
#include "codegen-bpf/codegen.h"

extern "C" {
void LLVMInitializeBPFTargetInfo();
void LLVMInitializeBPFTarget();
void LLVMInitializeBPFTargetMC();
void LLVMInitializeBPFAsmPrinter();
}

namespace netpolc::codegen_bpf {
namespace {

void initialise_target() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeBPFTargetInfo();
    LLVMInitializeBPFTarget();
    LLVMInitializeBPFTargetMC();
    LLVMInitializeBPFAsmPrinter();
  });
}

tl::unexpected<Failure> failed(const std::string& what) { return tl::make_unexpected(Failure{"compiling a policy: " + what}); }

// DWARF is made of where variables live, and nobody keeps it: neither optimiser nor translator
// shall carry it through. BTF needs functions, types and lines.
void forget_dwarf(llvm::Module& module) {
  for (llvm::Function& function : module)
    for (llvm::BasicBlock& block : function)
      for (llvm::Instruction& instruction : llvm::make_early_inc_range(block)) {
        instruction.dropDbgRecords();
        if (llvm::isa<llvm::DbgInfoIntrinsic>(instruction)) instruction.eraseFromParent();
      }
  // LLVM writes DWARF unless a module asks for CodeView and names no version of DWARF; CodeView
  // exists for Windows only, so this module gets neither, but BTF as always.
  llvm::NamedMDNode* flags = module.getModuleFlagsMetadata();
  llvm::SmallVector<llvm::MDNode*, 8> kept;
  for (llvm::MDNode* flag : flags->operands())
    if (llvm::cast<llvm::MDString>(flag->getOperand(1))->getString() != "Dwarf Version") kept.push_back(flag);
  flags->clearOperands();
  for (llvm::MDNode* flag : kept) flags->addOperand(flag);
  module.addModuleFlag(llvm::Module::Warning, "CodeView", 1);
}

// What a thread keeps from one policy to the next.
struct Machine {
  std::unique_ptr<llvm::TargetMachine> target;
  std::unique_ptr<Optimiser> optimiser;
};

Result<Machine*> machine_of_thread() {
  static thread_local Machine machine;
  if (machine.target) return &machine;
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget("bpf", error);
  if (!target) return failed(error);
  machine.target.reset(target->createTargetMachine("bpf", "v3", "", llvm::TargetOptions(), llvm::Reloc::PIC_));
  machine.optimiser = std::make_unique<Optimiser>(*machine.target);
  return &machine;
}

Result<std::string> translate(llvm::Module& module) {
  const auto machine = machine_of_thread();
  if (!machine) return tl::make_unexpected(machine.error());
  module.setDataLayout((*machine)->target->createDataLayout());
  (*machine)->optimiser->run(module);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager passes;
  if ((*machine)->target->addPassesToEmitFile(passes, out, nullptr, llvm::CodeGenFileType::ObjectFile)) return failed("LLVM can't write BPF objects");
  passes.run(module);
  return std::string(bytes.data(), bytes.size());
}

Result<Instructions> count_instructions(llvm::StringRef bytes) {
  auto object = llvm::object::ObjectFile::createELFObjectFile(llvm::MemoryBufferRef(bytes, "policy.o"));
  if (!object) return failed(llvm::toString(object.takeError()));
  Instructions out;
  for (const llvm::object::SectionRef& section : (*object)->sections()) {
    if (!section.isText()) continue;
    auto name = section.getName();
    if (!name) return failed(llvm::toString(name.takeError()));
    const auto instructions = static_cast<std::uint32_t>(section.getSize() / 8);
    (*name == ".text" ? out.subprograms : out.programs) += instructions;
  }
  return out;
}

}  // namespace

std::string translator() {
  return clang::getClangFullVersion() + "\nlibbpf " + libbpf_version_string() + "\n" + std::string(translation_sources());
}

Result<Object> compile(const Emitted& emitted) {
  initialise_target();
  llvm::LLVMContext context;
  context.setDiscardValueNames(true);
  auto policy = parse(emitted, context);
  if (!policy) return tl::make_unexpected(policy.error());
  forget_dwarf(**policy);
  auto translated = translate(**policy);
  if (!translated) return tl::make_unexpected(translated.error());
  auto bytes = combine(runtime_object(), *translated);
  if (!bytes) return tl::make_unexpected(bytes.error());
  auto instructions = count_instructions(*bytes);
  if (!instructions) return tl::make_unexpected(instructions.error());
  return Object{std::move(*bytes), *instructions};
}

}  // namespace netpolc::codegen_bpf
