// compiler/kernel_judge/programs.h — compiled objects by what they are made of: scenarios share many.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "codegen-bpf/codegen.h"

namespace netpolc::kernel_judge {

// Thread-safe. Two threads may compile the same program at the same time; both get its bytes.
class Programs {
 public:
  // Throws std::runtime_error where a program doesn't compile.
  std::shared_ptr<const codegen_bpf::Object> get(const codegen_bpf::Emitted& emitted);
  std::size_t size();

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const codegen_bpf::Object>> by_digest_;
};

}  // namespace netpolc::kernel_judge
