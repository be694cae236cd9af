#include "tools/prove_test/programs.h"

#include <doctest/doctest.h>

namespace netpolc::prove_test {

std::string bytes_of(const ir::DecisionTable& table, codegen_bpf::Subject subject) {
  const auto object = codegen_bpf::compile(codegen_bpf::emit(table, subject));
  REQUIRE_MESSAGE(object, object.error().message);
  return object->bytes;
}

verify::bytecode::Object object_of(const std::string& bytes) {
  auto object = verify::bytecode::read_object(bytes);
  REQUIRE_MESSAGE(object, object.error().message);
  return std::move(*object);
}

}  // namespace netpolc::prove_test
