// verify/scene.h — where a witness is: what the interpreter was asked with when the witness was replayed, so that others can be
// asked the same.
#pragma once
#include "ir/cluster.h"
#include "verify/ends.h"

namespace netpolc::verify {

struct SceneEnd {
  End end;                                          // an Endpoint's index is into the scene's cluster
  std::optional<std::uint32_t> node = std::nullopt;  // of a Host: whose, where that is known
};

// The cluster at hand, with the pods that only the witness knows, and the names that it needs.
struct Scene {
  ir::Cluster cluster;
  ir::Resolutions resolutions;
  SceneEnd from, to;
};

}  // namespace netpolc::verify
