// Clang in process and from memory, without its driver and its back end.
#include "codegen-bpf/clang/parse.h"

#include <clang/Basic/Diagnostic.h>
#include <clang/CodeGen/ModuleBuilder.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/CompilerInvocation.h>
#include <clang/Frontend/FrontendAction.h>
#include <clang/Frontend/TextDiagnosticBuffer.h>
#include <llvm/Support/VirtualFileSystem.h>

namespace netpolc::codegen_bpf {
namespace {

tl::unexpected<Failure> failed(const std::string& what) { return tl::make_unexpected(Failure{"compiling a policy: " + what}); }

llvm::IntrusiveRefCntPtr<llvm::vfs::InMemoryFileSystem> files_for(const Emitted& emitted) {
  auto files = llvm::makeIntrusiveRefCnt<llvm::vfs::InMemoryFileSystem>();
  files->setCurrentWorkingDirectory("/");
  files->addFile("/policy.c", 0, llvm::MemoryBuffer::getMemBuffer(emitted.c, "policy.c"));
  for (const RuntimeFile& file : runtime_files())
    files->addFile("/include/" + std::string(file.name), 0, llvm::MemoryBuffer::getMemBuffer(llvm::StringRef(file.text), "", false));
  return files;
}

// What the driver gives for the command in the header of the generated C, where it matters to the
// result. The source is embedded so that the kernel's verifier log can quote it. Nobody reads
// warnings about generated C, names of values, or checksums of files (DWARF 5 has them).
constexpr const char* kArguments[] = {
    "-triple", "bpf", "-target-cpu", "v3", "-emit-llvm", "-O2", "-disable-llvm-passes", "-ffreestanding", "-nostdsysteminc", "-nobuiltininc",
    "-debug-info-kind=constructor", "-dwarf-version=4", "-gembed-source", "-fdebug-compilation-dir=.",
    "-mframe-pointer=all", "-w", "-discard-value-names",
    "-I", "include", "-main-file-name", "policy.c", "-x", "c", "policy.c"};

std::string first_error(const clang::TextDiagnosticBuffer& buffer) {
  return buffer.err_begin() == buffer.err_end() ? "clang gave no reason" : buffer.err_begin()->second;
}

// The arguments, understood once.
struct Arguments {
  std::shared_ptr<clang::CompilerInvocation> invocation = std::make_shared<clang::CompilerInvocation>();
  std::string refused;

  Arguments() {
    clang::CompilerInstance clang;
    clang::TextDiagnosticBuffer diagnostics;
    clang.createDiagnostics(&diagnostics, /*ShouldOwnClient=*/false);
    if (!clang::CompilerInvocation::CreateFromArgs(*invocation, kArguments, clang.getDiagnostics()))
      refused = "clang refused its arguments: " + first_error(diagnostics);
    invocation->getDiagnosticOpts().ShowCarets = false;  // or it counts warnings on stderr
  }
};

// Clang's own action for this prepares a back end, too, and checks what it is given.
class MakeModule : public clang::ASTFrontendAction {
 public:
  explicit MakeModule(llvm::LLVMContext& context) : context_(context) {}
  std::unique_ptr<llvm::Module> module;

 private:
  std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance& clang, llvm::StringRef file) override {
    generator_ = clang::CreateLLVMCodeGen(clang.getDiagnostics(), file, &clang.getVirtualFileSystem(), clang.getHeaderSearchOpts(),
                                          clang.getPreprocessorOpts(), clang.getCodeGenOpts(), context_);
    return std::unique_ptr<clang::ASTConsumer>(generator_);
  }
  void EndSourceFileAction() override { module.reset(generator_->ReleaseModule()); }

  llvm::LLVMContext& context_;
  clang::CodeGenerator* generator_ = nullptr;  // the instance's
};

}  // namespace

Result<std::unique_ptr<llvm::Module>> parse(const Emitted& emitted, llvm::LLVMContext& context) {
  // Never destroyed: clang's libraries have no type information, which a destructor that is made here would need.
  static const Arguments& arguments = *new Arguments;
  if (!arguments.refused.empty()) return failed(arguments.refused);
  clang::CompilerInstance clang;
  clang::TextDiagnosticBuffer diagnostics;
  clang.setInvocation(std::make_shared<clang::CompilerInvocation>(*arguments.invocation));
  clang.createDiagnostics(&diagnostics, /*ShouldOwnClient=*/false);
  clang.createFileManager(files_for(emitted));
  clang.createSourceManager(clang.getFileManager());
  MakeModule action(context);
  if (!clang.ExecuteAction(action)) return failed(first_error(diagnostics));
  if (!action.module) return failed("clang gave no module");
  return std::move(action.module);
}

}  // namespace netpolc::codegen_bpf
