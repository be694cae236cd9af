// codegen-bpf/bundle.h — everything a node needs, as the files of a directory (docs/bundle.md).
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "codegen-bpf/bundle_files.h"
#include "codegen-bpf/codegen.h"
#include "ir/identity/identities.h"

namespace netpolc::codegen_bpf {

struct RulePlace {
  std::string file;
  std::uint32_t line = 0, column = 0;
};

struct BundleOptions {
  unsigned jobs = 0;      // threads that compile; 0: one a processor
  std::string cache;      // directory of former objects; empty: none
  bool l7_drop = false;   // see EmitOptions
  bool emit_ir = false;   // policies.ir and programs/DIGEST.ir too: policies and decision tables as text
  std::string generator;  // "netpolc 0.1.0"
  std::function<RulePlace(ir::RuleRef)> place;  // called from one thread
  std::function<void(std::size_t done, std::size_t of)> compiled;  // a program more is there; from any thread
};

// An endpoint that can't be compiled: the policy is at fault, or nobody enforces it yet.
struct RefusedEndpoint {
  std::uint32_t endpoint = 0;  // index into Cluster::endpoints, or into nodes when is_host
  bool is_host = false;
  Unenforceable why;
};
struct BundleSummary {
  std::size_t programs = 0, endpoints = 0;
  std::uint64_t instructions = 0;
  std::string digest;                    // of the bundle
  std::vector<RefusedEndpoint> refused;  // not empty: there are no files
};
struct MadeBundle {
  BundleFiles files;
  BundleSummary summary;
};

// Compiles in parallel, and writes nothing: see bundle_files.h.
Result<MadeBundle> make_bundle(const ir::Decisions& decisions, const ir::Cluster& cluster, const ir::Identities& identities,
                               const ir::PolicySet& policies, const BundleOptions& options);

}  // namespace netpolc::codegen_bpf
