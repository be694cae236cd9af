// compiler/explain/witness.h — the packet that policy would drop first, in the words of Hubble's compact output, and what an answer
// about a DNS name takes for granted.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "compiler/explain/why.h"
#include "ir/identity/identities.h"

namespace netpolc::explain {

struct Witness {
  // As Hubble writes them: a workload by its name, others by address; the identity's number as `identity list` has it, reserved
  // ones by name. The source port is the first of the dynamic range (RFC 6335).
  std::string from, to;
  ir::Direction direction = ir::Direction::Egress;
  ir::Flow flow;
  const char* match = "none";  // policy_match_type

  std::string ends() const { return from + " <> " + to; }
  std::string verdict() const;  // "policy-verdict:none EGRESS DENIED (TCP Flags: SYN)"
};
// Numbers the identities of the cluster, as `lock` keeps them. None where neither side's policy drops the packet: it passes, a proxy refuses what it carries, or it is dropped before.
std::optional<Witness> first_drop(const verify::PairAnswer& pair, const Sources& sources, const ir::IdentityLock& lock);

// What the answer, which has one pair, takes for granted of DNS names: that an allowed one is known to the agent, and that a denied one
// has no address of another that the nearest rule names. A rule of names is a rule of the addresses that they have.
std::vector<std::string> assumed(const verify::Answer& answer, const Why& egress, const ir::PolicySet& policies);

}  // namespace netpolc::explain
