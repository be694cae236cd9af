// tools/prove_test/mutants.h — objects with a fault in their bytecode: what a compiler that errs might have made.
#pragma once
#include <string>
#include <vector>

#include "verify/bytecode/object.h"

namespace netpolc::prove_test {

struct Mutant {
  std::string kind;      // "comparison flipped"
  std::string function;  // or the section of the constants
  std::string what;      // the instruction, or byte, as it was
  std::string bytes;     // the whole object
};

// All faults of all kinds in these functions.
std::vector<Mutant> mutants_of(const std::vector<std::string>& functions, const std::string& bytes, const verify::bytecode::Object& object);
// In the functions that have a proof and in the constants.
std::vector<Mutant> mutants(const std::string& bytes, const verify::bytecode::Object& object);

}  // namespace netpolc::prove_test
