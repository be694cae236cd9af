// tools/agreement/trial.h — one policy set before four judges that share as little as they can: the interpreter, the set
// engine (tables and exact sets of traffic), the solver's formula, and the compiled program in the kernel.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/kernel_judge/programs.h"
#include "tools/agreement/generate.h"
#include "tools/agreement/packets.h"
#include "tools/agreement/words.h"

namespace netpolc::agreement {

enum class Judge : std::uint8_t { Interpreter, Sets, Solver, Kernel };
inline constexpr std::size_t kJudges = 4;
const char* to_string(Judge judge);

// What one judge believes instead of what was read.
struct Wrong {
  const char* name = "";
  judges::World::Change change;
  bool to_solver = true;  // authentication is nothing to it
  // Whether it is wrong about this world.
  bool matters(const judges::World& world) const;
};

// A packet and what was said of it.
struct Disagreement {
  Packet packet;
  std::string said;  // a line for each judge
};

struct Verdicts {
  std::uint64_t packets = 0, in_kernel = 0, without_kernel = 0;
  std::uint64_t questions = 0, programs = 0;
  std::map<std::string, std::uint64_t> sides;  // in the interpreter's words
  void add(const Verdicts& other);
};

struct Options {
  bool with_solver = true, with_kernel = true;
  std::uint64_t solver_twice_every = 1;
  const Wrong* wrong = nullptr;  // if any: that of `who`
  Judge who = Judge::Interpreter;
  std::size_t most = 4;          // disagreements that are looked for
};

// Throws std::runtime_error where the setting can't be set up or the machine fails.
std::vector<Disagreement> judge(const judges::Scenario& scenario, judges::World& world, const std::vector<Packet>& packets, kernel_judge::Programs& programs,
                                const Options& options, Verdicts& verdicts);

}  // namespace netpolc::agreement
