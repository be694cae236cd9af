// ir/certificate.h — what a program's certificate is about (docs/bundle.md): the contract between whoever proves a
// program and the loader that demands a proof.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/decide/condition_tree.h"

namespace netpolc::ir {

// Parts of a proof without which a program counts as unproved. A certificate may have more.
inline constexpr std::array kCertifiedParts = {"constants",   "np_policy_ingress", "np_policy_egress", "np_admit_in",
                                               "np_admit_out", "shared functions",  "rows"};

// The peer bits of identities, lowest word first: what np_peers_in or np_peers_out is filled with.
using CertifiedRows = std::map<std::uint32_t, std::vector<std::uint64_t>>;
// What a certificate has the SHA-256 of: "words 1\n300 0x0000000000000003\n", a line for each identity, ascending.
std::string certified_text(const CertifiedRows& rows, std::size_t words);
// The same of a direction's selectors, by which later identities get their rows: a line a bit. Equal text, equal meaning.
std::string certified_text(const std::vector<ConditionPtr>& selectors);

}  // namespace netpolc::ir
