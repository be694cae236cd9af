// tools/prove_test/world.h — a program in the kernel with one peer: the identity that a refutation names, with the row that it
// names.
#pragma once
#include <optional>
#include <string>

#include "runtime-loader/test_run.h"
#include "verify/bytecode/prove.h"

namespace netpolc::prove_test {

// Says why not; in CI that is a failure.
bool kernel_is_here();

class World {
 public:
  // False where the kernel's verifier refuses the program.
  bool load(const std::string& bytes, const verify::bytecode::AskedFlow& flow);
  // As programs say it; nothing where there was no event.
  std::optional<std::uint32_t> verdict(std::uint8_t protocol, std::uint16_t number);

 private:
  loader::TestMaps maps_;
  std::optional<loader::Object> object_;
  bool from_node_ = false;
};

}  // namespace netpolc::prove_test
