// verify/bytecode/flow_graph.h — in which order the blocks of a function are run so that each is run once for all
// ways that lead to it: what comes before a block comes before it, but for the ways back to the head of a loop.
#pragma once
#include <cstddef>
#include <vector>

#include "verify/bytecode/instruction.h"

namespace netpolc::verify::bytecode {

// A block, or with `loop` the head of one, whose `body` leads back to it.
struct Step {
  std::size_t block = 0;
  bool loop = false;
  std::vector<Step> body;
};

struct FlowGraph {
  std::vector<std::size_t> first;  // instruction of each block
  std::vector<Step> order;
  std::size_t block_at(std::size_t instruction) const;  // that begins there
};

// Jumps must lead to instructions of the function; `broken` says so otherwise.
struct Graphed {
  FlowGraph graph;
  bool broken = false;
};
Graphed flow_graph(const std::vector<Instruction>& code);

}  // namespace netpolc::verify::bytecode
