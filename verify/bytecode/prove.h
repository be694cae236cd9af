// verify/bytecode/prove.h — does the bytecode of a program do what its decision table says? For every content of what it
// is given and of the maps that the layout allows, not for some (docs/decisions/0011-proving-bytecode.md says what
// is proved, and what is trusted).
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/decide/table.h"
#include "verify/bytecode/object.h"

namespace netpolc::verify::bytecode {

struct Effort {
  std::uint32_t steps = 20'000'000;  // of the solver, for each question
  std::uint32_t milliseconds = 120'000;      // only for what would go on and on: steps take seconds, some more on a busy machine
  // Functions that all programs share, too, which takes a minute. It depends on nothing of the program but np_plan, so whoever
  // holds an object to the runtime that netpolc has need not repeat what netpolc's own tests prove.
  bool whole_runtime = false;
};

// A flow that policy is asked about, and what the peer's row has.
struct AskedFlow {
  std::uint8_t protocol = 0;
  std::uint16_t number = 0;
  std::uint32_t identity = 0;
  bool row_known = false;
  std::vector<std::uint64_t> row;
  std::uint32_t expected = 0, got = 0;  // reason << 24 | rule
};

struct Proved {};
struct Refuted {
  std::string what;  // "returns another verdict", "touches memory outside of np_peers_in"
  std::optional<AskedFlow> flow;
};
struct Undecided {
  std::string why;
};
struct Part {
  std::string name;  // of the function, or "constants"
  std::variant<Proved, Refuted, Undecided> answer;
  std::uint64_t steps = 0;        // of the solver
  std::size_t instructions = 0;   // run, on terms
};
struct ProgramProof {
  std::vector<Part> parts;
  bool proved() const;
  bool refuted() const;
};

// Proves programs one after the other. What many have in common (the runtime's functions) is proved once for all
// whose instructions, maps and constants are the same. Not thread-safe.
class Prover {
 public:
  explicit Prover(Effort effort = {}) : effort_(effort) {}
  // `of_node`: the program of a node (the host firewall).
  ProgramProof prove(const Object& object, const ir::DecisionTable& table, bool of_node);

 private:
  Effort effort_;
  std::map<std::string, Part> shared_;  // by all that decides
};

// Functions of `runtime` that the object has not, or not with the same instructions; and functions of the object that
// neither the runtime has nor `prove` speaks of. Empty: what all programs share is what was handed over.
std::vector<std::string> strangers(const Object& object, const Object& runtime);

std::string to_string(const AskedFlow& flow);

}  // namespace netpolc::verify::bytecode
