// compiler/assertions/safety.h — the built-in pack: what no change of policy should break. Each is tests like those of files, made for the
// cluster at hand, and only where they say something (docs/test.md says where that is).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "compiler/assertions/model.h"
#include "frontend/load.h"
#include "verify/judge.h"

namespace netpolc::compiler::assertions {

struct Pack {
  std::vector<Test> tests;
  std::string not_judged;  // why there are none
};

// "safety/dns", …: in the order in which they are told of.
const std::vector<std::string>& safety_names();
// `except`: workloads that are left out, by reference ("ns/name").
Pack safety(const std::string& name, const frontend::Loaded& loaded, verify::Judge& judge, const std::vector<Reference>& except);

}  // namespace netpolc::compiler::assertions
