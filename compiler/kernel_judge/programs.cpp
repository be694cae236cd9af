#include "compiler/kernel_judge/programs.h"

#include <stdexcept>

namespace netpolc::kernel_judge {

std::shared_ptr<const codegen_bpf::Object> Programs::get(const codegen_bpf::Emitted& emitted) {
  const std::string digest = codegen_bpf::digest(emitted);
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = by_digest_.find(digest); found != by_digest_.end()) return found->second;
  }
  auto object = codegen_bpf::compile(emitted);
  if (!object) throw std::runtime_error(object.error().message);
  const std::scoped_lock lock(mutex_);
  return by_digest_.try_emplace(digest, std::make_shared<const codegen_bpf::Object>(std::move(*object))).first->second;
}

std::size_t Programs::size() {
  const std::scoped_lock lock(mutex_);
  return by_digest_.size();
}

}  // namespace netpolc::kernel_judge
