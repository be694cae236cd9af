// verify/symbolic/replay.h — what the solver found, put before the interpreter: in a cluster that has these pods, and what
// else the model needs.
#pragma once
#include "verify/symbolic/search.h"

namespace netpolc::verify::symbolic {

struct Replayed {
  std::optional<WitnessSide> egress, ingress;
  std::string incomputable;          // "": both sides have a policy
  std::vector<std::string> besides;  // what other pods must be like
  Scene scene;                       // of its ends, those that patterns mean
  bool allowed() const;        // the connection, and the request if there is one
  std::string unknown() const;  // why that can't be said of the request; "": it can
  bool proxied() const;
};
Replayed replay(const ir::eval::World& world, const Model& model);

}  // namespace netpolc::verify::symbolic
