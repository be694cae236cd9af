// compiler/suggest/labels.h — which labels identities need: those that policies ask about. The rest only makes more identities
// (Cilium's documentation, "Limiting Identity-Relevant Labels"), and `labels` of cilium-config can leave it out.
//
// What is suggested keeps the excluding patterns that are configured and Cilium's own, and names every label that a policy asks
// about and that identities may have today; so no identity gets a label that it doesn't have, and none that policies look at is lost.
// Whether a verdict changes nevertheless (from 1.20 on pods that become one identity must agree on names of ports) says the diff.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "verify/diff/diff.h"

namespace netpolc::compiler::suggest {

struct LabelUse {
  std::string key;
  std::size_t values = 0;      // different ones
  std::size_t policies = 0;    // that ask about it; 0: it is left out
  std::size_t costs = 0;       // of one that is left out: identities more, if it were kept as well
};

struct LabelSuggestion {
  std::string value;  // of the option `labels`
  std::size_t endpoints = 0, before = 0, after = 0;  // different label sets of workloads and of CiliumIdentities
  std::vector<LabelUse> kept;      // by key; without those that Cilium takes by itself
  std::vector<LabelUse> left_out;  // costliest first
  verify::Diff diff;               // of verdicts, before and after
  bool proved() const { return !diff.differs() && !diff.is_undecided(); }
};

LabelSuggestion suggest_labels(const verify::DiffWorld& world);
std::string to_text(const LabelSuggestion& suggestion);

}  // namespace netpolc::compiler::suggest
