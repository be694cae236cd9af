// compiler/assertions/references.h — the form of endpoint references, so that a misspelt one is an error at its place, and only one that
// is well-formed can turn out to be nobody.
#pragma once
#include <string>
#include <string_view>

namespace netpolc::compiler::assertions {

struct Allowed {
  bool pattern = false;  // "[k=v]", pods of any namespace: where pods that could be are meant
  bool each = false;     // "each", the workload at hand
};
// What is wrong with it; "": nothing.
std::string malformed_reference(std::string_view reference, Allowed allowed);

}  // namespace netpolc::compiler::assertions
