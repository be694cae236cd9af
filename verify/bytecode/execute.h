// verify/bytecode/execute.h — runs a function on terms: each instruction once for all ways that lead to it, their states
// merged by if-then-else; loops turn by turn until no way leads back. Whoever includes this links Z3.
//
// Calls are by contract. Of helpers, a map look-up finds nothing or a value, and times are any numbers. Other functions of
// the object return anything, and write nothing but what `Contract::writes` names; each such call is on record.
// Whatever has no contract is NotModelled.
#pragma once
#include <array>
#include <functional>

#include "verify/bytecode/machine.h"

namespace netpolc::verify::bytecode {

struct State {
  z3::expr when;  // the way here was taken
  std::vector<Value> registers;
  Stack stack;
};

struct Call {
  z3::expr when;
  std::string callee;
  std::vector<Value> arguments;  // r1 to r5
  Stack stack;                   // as it was
  z3::expr result;               // 64 bits
};
// A look-up that the program made: its key may be another's too.
struct Asked {
  z3::expr when;
  Lookup lookup;
};

struct Run {
  z3::expr result;    // r0, 64 bits, wherever `returns`
  z3::expr returns;
  std::vector<Call> calls;
  std::vector<Asked> asked;
  std::size_t steps = 0;  // instructions
};

// Functions of the object that may be called, and which of the arguments (1 to 5) point to what they write.
using Contracts = std::map<std::string, std::vector<unsigned>>;

// `arguments`: r1 and so on. Throws NotModelled.
Run execute(Machine& machine, const Function& function, const std::vector<Value>& arguments, const Contracts& contracts);

}  // namespace netpolc::verify::bytecode
