// ir/certificate.h — what a program's certificate is about (docs/bundle.md): the contract between whoever proves a
// program and the loader that demands a proof.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ir/decide/condition_tree.h"
#include "ir/decide/denied_outside.h"

namespace netpolc::ir {

// Parts of a proof without which a program counts as unproved. A certificate may have more.
inline constexpr std::array kCertifiedParts = {"constants",   "np_policy_ingress", "np_policy_egress", "np_admit_in",
                                               "np_admit_out", "shared functions",  "rows"};

// What the program for external devices is called in its certificate, whose it is, and the parts of its proof.
inline constexpr const char* kOutsideProgram = "np_xdp";
inline constexpr const char* kOutsideSubject = "external device";
inline constexpr std::array kCertifiedOutsideParts = {"shared functions", "denied"};

// The peer bits of identities, lowest word first: what np_peers_in or np_peers_out is filled with.
using CertifiedRows = std::map<std::uint32_t, std::vector<std::uint64_t>>;
// What a certificate has the SHA-256 of: "words 1\n300 0x0000000000000003\n", a line for each identity, ascending.
std::string certified_text(const CertifiedRows& rows, std::size_t words);
// The same of a direction's selectors, by which later identities get their rows: a line a bit. Equal text, equal meaning.
std::string certified_text(const std::vector<ConditionPtr>& selectors);

// What a bundle says may be dropped at an external device: what the tables of the program there are made from.
struct CertifiedOutside {
  std::map<std::string, DeniedOutside> programs;  // by digest, those that deny something
  bool services = false;
  std::set<std::string> behind_services;          // addresses, their 4 or 16 bytes
};
// "services 1", a line for each address, and for each program its digest and its groups.
std::string certified_text(const CertifiedOutside& outside);

}  // namespace netpolc::ir
