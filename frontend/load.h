// frontend/load.h — from paths to policies and a cluster: the frontend's only entrance.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "frontend/discover.h"
#include "ir/base/diagnostics.h"
#include "ir/cluster.h"
#include "ir/policy.h"

namespace netpolc::frontend {

// What is said of the agents' options beside the objects; it counts before a ConfigMap cilium-config among these.
struct GivenConfig {
  std::vector<FileId> files;  // in the source manager: that ConfigMap, or values of Cilium's Helm chart
  std::string cluster_name;   // "": as the configuration says
};

struct LoadOptions {
  bool lax = false;         // unknown fields in policies: warnings instead of errors
  bool keep_going = false;  // rejected policies are reported and left out
  int cilium_version = 18;
  GivenConfig given = {};
};

// One policy object that was read, accepted or not (for `--keep-going` summaries and tests).
struct PolicyResult {
  std::string kind, ns, name;
  bool accepted = false;
  std::size_t rules = 0;                    // specs imported
  std::vector<std::string> unknown_fields;  // paths
  Span where;
};

struct Loaded {
  ir::PolicySet policies;
  ir::Cluster cluster;
  std::vector<PolicyResult> results;  // in order of arrival, replaced versions included
  std::size_t files = 0;
  std::size_t skipped_objects = 0;    // of kinds we do not know
  std::optional<Span> agent_config;   // the cilium-config that counts: its name
  GivenConfig given;                  // as in the options
  std::vector<std::string> remarks;   // on which configuration counts: worth a line on stderr, and no findings
  // Errors that make an answer impossible: bad YAML, and bad policies unless keep_going.
  bool usable = true;
};

// Adds every file below `paths` ("-": stdin; directories recurse over .yaml .yml .json in
// byte order of their paths) to `sources` and reads it.
Loaded load(const std::vector<std::string>& paths, const LoadOptions& options, SourceManager& sources, DiagSink& sink);
// The same over files already in `sources`, in this order; all of them were named.
Loaded load(const std::vector<Input>& inputs, const LoadOptions& options, SourceManager& sources, DiagSink& sink);
Loaded load(const std::vector<FileId>& files, const LoadOptions& options, SourceManager& sources, DiagSink& sink);

}  // namespace netpolc::frontend
