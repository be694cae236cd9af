// tools/sequences/trial.h — one case, judged by the model and by the kernel, packet by packet.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "tools/sequences/kernel.h"

namespace netpolc::sequences {

// Something that the model gets wrong, to see that it would be noticed. Empty functions change nothing.
struct Wrong {
  std::string name;
  std::function<void(ir::flow::Firewall&)> setup;
  std::function<void(Frame&)> frame;  // as the model sees it
  std::function<void(ir::flow::Decision&)> decision;
  bool one_pod = false;  // the neighbour's packets are the pod's
  bool deaf = false;     // to changes of addresses
  bool gullible = false; // whoever has the node's address is the node
};

struct Difference {
  std::size_t step = 0;  // index into Case::steps
  std::string what;      // in a line
};

struct Tally {
  std::uint64_t cases = 0, packets = 0;
  std::map<std::string, std::uint64_t> outcomes;  // by what became of them
};

// The first difference, if there is one.
std::optional<Difference> run(Kernel& kernel, const Script& script, const Case& one, const Wrong* wrong, Tally& tally);

// The case with as few steps, and its script with as few rules, as still differ.
struct Shrunk {
  Script script;
  Case smallest;
  Difference difference;
};
Shrunk shrink(Kernel& kernel, const Script& script, const Case& failing, const Difference& difference, const Wrong* wrong);

}  // namespace netpolc::sequences
