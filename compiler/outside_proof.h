// compiler/outside_proof.h — what a bundle has for external devices (docs/bundle.md, "xdp") against the policies: that its program is
// the one that netpolc proves, and that it says of no program that it denies more, or less, than its table.
#pragma once
#include <string>
#include <vector>

#include "codegen-bpf/xdp/outside.h"
#include "compiler/proofs.h"

namespace netpolc::compiler {

// A program of the bundle for a table; none: it is a node's, for which nothing is dropped there.
struct OutsideClaim {
  std::string program;
  const ir::DecisionTable* table = nullptr;
};

// `cluster`: of the services; `outside`: identities, sorted. Fails where the object can't be read; throws as JSON does where the bundle is not
// as netpolc writes it.
Result<Proof> prove_outside(const nlohmann::ordered_json& bundle, const ReadFile& read, const std::vector<OutsideClaim>& claims, const codegen_bpf::Outside& cluster,
                            const std::vector<std::uint32_t>& outside, const ProofOptions& options);

}  // namespace netpolc::compiler
