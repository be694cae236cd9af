// verify/bytecode/grounds.h — what a proof of a program rests on, in words: for its certificate
// (docs/decisions/0011-proving-bytecode.md says it at length).
#pragma once
#include <string>
#include <vector>

namespace netpolc::verify::bytecode {

struct Grounds {
  std::vector<std::string> assumed;      // of what happens around the program
  std::vector<std::string> trusted;      // of the tools and of the machine
  std::vector<std::string> not_covered;  // what nobody proved
};
const Grounds& grounds();
// Of the program for external devices.
const Grounds& outside_grounds();

// Of Z3: "4.8.12.0".
std::string solver_version();

}  // namespace netpolc::verify::bytecode
