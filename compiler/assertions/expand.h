// compiler/assertions/expand.h — tests that stand for several: `forEach` is one for each workload, and `use` one for each of a pack's.
#pragma once
#include <vector>

#include "compiler/assertions/model.h"
#include "frontend/load.h"
#include "verify/judge.h"

namespace netpolc::compiler::assertions {

// In the order of the tests, and of namespaces and names within one. A test that is for nobody stays, with the reason.
std::vector<Test> expand(const Test& test, const frontend::Loaded& loaded, verify::Judge& judge);

}  // namespace netpolc::compiler::assertions
