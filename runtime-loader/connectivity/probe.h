// runtime-loader/connectivity/probe.h — real packets between the machines of a test, and what became of
// them: an answer, or the event of the program that dropped them. A packet is called denied because a
// program says that it dropped it, never because no answer came.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/connectivity/decision_table.h"
#include "runtime-loader/connectivity/scene.h"

namespace netpolc::loader::connectivity {

struct Seen {
  bool answered = false;
  std::string by;                        // who answered; of echo and DNS nobody says
  std::vector<Address> addresses;        // that DNS said
  std::string problem;                   // not empty: why it could not be sent, or what else was wrong
  std::optional<Decision> egress, ingress;  // as the programs reported them
  bool dropped() const { return (egress && !egress->allowed) || (ingress && !ingress->allowed); }
};

// All at once; one result an action, in order. Ends early when interrupted.
Result<std::vector<Seen>> probe(World& world, const std::vector<Action>& actions, std::chrono::milliseconds patience);

}  // namespace netpolc::loader::connectivity
