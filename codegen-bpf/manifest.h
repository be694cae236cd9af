// codegen-bpf/manifest.h — bundle.json and the source maps, as text.
#pragma once
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "codegen-bpf/bundle.h"
#include "codegen-bpf/programs.h"
#include "codegen-bpf/xdp/outside.h"

namespace netpolc::codegen_bpf {

struct BundleInput {
  const ir::Decisions& decisions;
  const ir::Cluster& cluster;
  const ir::Identities& identities;
  const ir::PolicySet& policies;
  const BundleOptions& options;
  const Outside& outside;  // of the programs, in their order
};

using ManifestJson = nlohmann::ordered_json;
struct Manifest {
  std::string json, digest;
};
// Gives it its digest: the SHA-256 of its text with an empty one.
Manifest seal(ManifestJson& bundle);

// `files`: digest of every other file by its path in the bundle.
Manifest manifest(const BundleInput& input, const std::vector<Program>& programs, const std::map<std::string, std::string>& files);
std::string source_map(const BundleInput& input, const Program& program);

}  // namespace netpolc::codegen_bpf
