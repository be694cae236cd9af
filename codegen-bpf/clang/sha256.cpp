#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/SHA256.h>

#include "codegen-bpf/codegen.h"

namespace netpolc::codegen_bpf {

std::string sha256_hex(std::string_view bytes) {
  llvm::SHA256 hash;
  hash.update(llvm::StringRef(bytes));
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

}  // namespace netpolc::codegen_bpf
