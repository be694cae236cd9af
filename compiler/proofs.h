// compiler/proofs.h — that the bytecode of a bundle's programs does what the policies say, for `prove` and for
// `compile --prove` alike, and the certificates that say so (docs/bundle.md).
#pragma once
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "codegen-bpf/cache.h"
#include "ir/base/diagnostics.h"
#include "ir/cluster.h"
#include "ir/decide/table.h"
#include "ir/identity/identities.h"
#include "verify/bytecode/prove.h"

namespace netpolc::compiler {

struct ProofOptions {
  std::uint32_t steps = verify::bytecode::Effort{}.steps;  // of the solver, for each question
  bool whole_runtime = false;
  unsigned jobs = 0;                                       // programs at a time; 0: one a processor
  const codegen_bpf::ObjectCache* cache = nullptr;         // of former proofs; none: all are proved
};

// Of one program and one table: two that compile to the same program are proved apart. Or of the program for external devices,
// which has no table and is the same in all bundles, with what the bundle says may be dropped there.
struct Proof {
  std::string program;                 // as the bundle calls it; ir::kOutsideProgram
  bool of_node = false, outside = false;
  std::vector<std::string> endpoints;  // that have both; not empty
  std::string bytecode, table;         // SHA-256 of the object and of the table's text
  std::string ingress_rows, egress_rows;  // SHA-256 of ir::certified_text
  std::string ingress_selectors, egress_selectors;  // the same
  std::string denied;                               // the same, of the program for external devices
  verify::bytecode::ProgramProof result;
  double milliseconds = 0;
  bool known = false;  // from the cache
};

// A file of the bundle by its path there. Several threads call it.
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

// In the order of programs' digests, that for external devices last. Fails where the bundle is not one of these manifests.
Result<std::vector<Proof>> prove_programs(const nlohmann::ordered_json& bundle, const ReadFile& read, const ir::Decisions& decisions,
                                          const ir::Cluster& cluster, const ir::Identities& identities, const ProofOptions& options);

const char* word(const Proof& proof);  // "proved", "refuted", "undecided"
// A line, and one for each part that is not proved.
void print(std::FILE* to, const Proof& proof);
nlohmann::ordered_json to_json(const Proof& proof);

struct Tally {
  std::size_t proved = 0, refuted = 0, undecided = 0, known = 0;
  bool all_proved() const { return refuted + undecided == 0; }
  int exit_code() const;  // 1 where something is refuted, else 3 where something is undecided
};
Tally tally(const std::vector<Proof>& proofs);

// One for each program, by its digest, if all is proved. The same proofs give the same bytes.
std::map<std::string, std::string> certificates(const std::vector<Proof>& proofs, const ProofOptions& options);

// A certificate that the bundle has.
struct CertificateCheck {
  std::string program, path;
  std::string why;  // it is none of its program; "": it is one
};
std::vector<CertificateCheck> check_certificates(const nlohmann::ordered_json& bundle, const ReadFile& read, const std::vector<Proof>& proofs);

}  // namespace netpolc::compiler
