// frontend/cluster/lower.h — cluster objects to ir::Cluster. Objects are added one by one,
// in order; `finish` resolves what needs all of them (owned pods, services' endpoints,
// namespace labels, identities).
#pragma once
#include <optional>
#include <string>
#include <memory>

#include "frontend/yaml/document.h"
#include "ir/cluster.h"

namespace netpolc::frontend {

// The cilium-config ConfigMap's data over `config`.
void apply_cilium_config(const Node& config_map, ir::Config& config, DiagSink& sink);
// The option by which the agents look at no policy of this kind, if it is off in the ConfigMap.
std::optional<std::string> switched_off(const Node& config_map, const std::string& kind);

class ClusterBuilder {
 public:
  ClusterBuilder(const ir::Config& config, DiagSink& sink);
  ~ClusterBuilder();
  static bool knows(const std::string& api_version, const std::string& kind);
  void add(const Node& object, const std::string& kind);
  ir::Cluster finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace netpolc::frontend
