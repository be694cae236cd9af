// Clang and LLVM, in process and from memory. Only the policy's own few lines are parsed,
// optimised and translated; the runtime joins as an object, see combine.h.
#include <bpf/libbpf.h>
#include <clang/Basic/Diagnostic.h>
#include <clang/Basic/Version.h>
#include <clang/CodeGen/CodeGenAction.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/CompilerInvocation.h>
#include <clang/Frontend/TextDiagnosticBuffer.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/VirtualFileSystem.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Target/TargetOptions.h>

#include <mutex>

#include "codegen-bpf/clang/combine.h"
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

llvm::IntrusiveRefCntPtr<llvm::vfs::InMemoryFileSystem> files_for(const Emitted& emitted) {
  auto files = llvm::makeIntrusiveRefCnt<llvm::vfs::InMemoryFileSystem>();
  files->setCurrentWorkingDirectory("/");
  files->addFile("/policy.c", 0, llvm::MemoryBuffer::getMemBuffer(emitted.c, "policy.c"));
  for (const RuntimeFile& file : runtime_files())
    files->addFile("/include/" + std::string(file.name), 0, llvm::MemoryBuffer::getMemBuffer(llvm::StringRef(file.text), "", false));
  return files;
}

// The arguments that the driver gives for the command in the header of the generated C. The
// source is embedded so that the kernel's verifier log can quote it.
constexpr const char* kArguments[] = {
    "-triple", "bpf", "-target-cpu", "v3", "-emit-llvm", "-O2", "-disable-llvm-passes", "-ffreestanding", "-nostdsysteminc", "-nobuiltininc",
    "-debug-info-kind=constructor", "-dwarf-version=5", "-gembed-source", "-fdebug-compilation-dir=.",
    "-mframe-pointer=all", "-Wall", "-Wno-unused-parameter",
    "-I", "include", "-main-file-name", "policy.c", "-x", "c", "policy.c"};

std::string first_error(const clang::TextDiagnosticBuffer& buffer) {
  return buffer.err_begin() == buffer.err_end() ? "clang gave no reason" : buffer.err_begin()->second;
}

Result<std::unique_ptr<llvm::Module>> parse(const Emitted& emitted, llvm::LLVMContext& context) {
  clang::CompilerInstance clang;
  clang::TextDiagnosticBuffer diagnostics;
  clang.createDiagnostics(&diagnostics, /*ShouldOwnClient=*/false);
  if (!clang::CompilerInvocation::CreateFromArgs(clang.getInvocation(), kArguments, clang.getDiagnostics()))
    return failed("clang refused its arguments: " + first_error(diagnostics));
  clang.getDiagnosticOpts().ShowCarets = false;  // or it counts warnings on stderr
  clang.createFileManager(files_for(emitted));
  clang.createSourceManager(clang.getFileManager());
  clang::EmitLLVMOnlyAction action(&context);
  if (!clang.ExecuteAction(action)) return failed(first_error(diagnostics));
  std::unique_ptr<llvm::Module> module = action.takeModule();
  if (!module) return failed("clang gave no module");
  return module;
}

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

void optimise(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = tuning.LoopInterleaving = false;  // BPF has no vectors
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

Result<std::string> translate(llvm::Module& module) {
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget("bpf", error);
  if (!target) return failed(error);
  const std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine("bpf", "v3", "", llvm::TargetOptions(), llvm::Reloc::PIC_));
  module.setDataLayout(machine->createDataLayout());
  optimise(module, *machine);
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream out(bytes);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, out, nullptr, llvm::CodeGenFileType::ObjectFile)) return failed("LLVM can't write BPF objects");
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
