// compiler/claim_text.h — answers to claims, as people and scripts read them.
#pragma once
#include <string>
#include <vector>

#include "compiler/kernel_replay.h"
#include "ir/base/source.h"
#include "verify/claims.h"

namespace netpolc::compiler {

// What is assumed of all answers about these policies: of the names in toFQDNs. "": nothing.
std::string assumed_of_names(const ir::PolicySet& policies);

// A witness's side as an answer's; it points into what it is made of.
std::optional<verify::Side> side_of(const std::optional<verify::WitnessSide>& side);

// Why nothing was found where nothing of the kind can be.
std::string why_impossible(const verify::NoneFound& none, const std::string& therefore);

struct ClaimAnswer {
  std::string claim;     // "never", …
  std::string from, to;  // as asked
  std::string by;        // of `isolated`
  verify::FlowRange traffic;
  std::optional<verify::RequestRange> request = std::nullopt;
  verify::Finding finding;
  std::vector<std::string> assumed;
  std::uint64_t steps = 0;  // of the solver
  std::optional<WitnessSaid> programs = std::nullopt;  // about the witness, if they were asked
};

// Reachability of all that could be.
struct ReachAnswer {
  std::string from, to;  // as asked
  verify::FlowRange traffic;
  std::optional<verify::RequestRange> request = std::nullopt;
  verify::Finding allowed, denied;  // something that is
  std::vector<std::string> assumed;
  std::uint64_t steps = 0;
  std::optional<WitnessSaid> programs_allowed = std::nullopt, programs_denied = std::nullopt;
};
int exit_code(const ReachAnswer& answer);
// ALLOWED: all of it; DENIED: none; MIXED, with a witness of each; UNDECIDED.
std::string to_text(const ReachAnswer& answer, const ir::PolicySet& policies, const SourceManager& sources, bool colour);
std::string to_json(const ReachAnswer& answer, const ir::PolicySet& policies, const SourceManager& sources);

// What two inquiries of one claim say together, kept in `all`. True: the claim is refuted, nothing more need be asked.
bool join(verify::Finding& all, verify::Finding more);
// A claim about ends that can't be is no proof of anything: kNoAnswer.
int exit_code(const ClaimAnswer& answer);
std::string to_text(const ClaimAnswer& answer, const ir::PolicySet& policies, const SourceManager& sources, bool colour);
// One object: {"claim","verdict","from","to","traffic","witness" or "denies" and "defaultDenies","assumed",…}.
std::string to_json(const ClaimAnswer& answer, const ir::PolicySet& policies, const SourceManager& sources);

}  // namespace netpolc::compiler
