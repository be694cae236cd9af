// frontend/cluster/exposure.h — how Services are reached, read from their manifests when a question needs to know it: policies do
// not, so that ir::Cluster has nothing of it. A manifest is found again by the place of its name.
#pragma once
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "frontend/load.h"
#include "frontend/yaml/document.h"
#include "ir/exposure.h"

namespace netpolc::frontend {

class Exposures {
 public:
  // Both outlive it. Files are parsed when something in them is asked about, once.
  Exposures(const Loaded& loaded, const SourceManager& sources) : loaded_(loaded), sources_(sources) {}
  // `service`: of the loaded cluster. The error says what in its manifest makes no sense, and where.
  tl::expected<ir::Exposure, std::string> of(const ir::Service& service);
  // The error: which option has no value that a supported agent takes.
  tl::expected<ir::ServiceHandling, std::string> handling();

 private:
  const Node* object_named_at(Span name);
  void keep(const Node& object);

  const Loaded& loaded_;
  const SourceManager& sources_;
  std::unordered_map<std::uint32_t, std::vector<Node>> documents_;      // by file
  std::unordered_map<std::uint64_t, const Node*> objects_;              // by file and place of the name
};

}  // namespace netpolc::frontend
