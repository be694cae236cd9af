// compiler/kernel_judge/witness.h — a witness of a claim before the program: the policies of both ends are decided and compiled in the
// witness's own cluster, and its packet runs through the program of each end in this machine's kernel.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "compiler/kernel_judge/numbered.h"
#include "compiler/kernel_judge/programs.h"
#include "verify/claims.h"
#include "verify/scene.h"

namespace netpolc::kernel_judge {

// What the program of one end said, which is what the interpreter says.
struct SideSaid {
  std::string not_asked;             // why there is no program, or no packet, to ask with; "": the rest counts
  std::uint8_t reason = 0;           // NP_REASON_*
  std::optional<ir::RuleRef> rule;   // that its event names
  std::vector<std::string> families; // "IPv4", "IPv6": of the packets
};
struct WitnessSaid {
  SideSaid egress, ingress;
};

// One policy set's part of a witness. Everything outlives the call.
struct Testimony {
  const ir::PolicySet& policies;
  const verify::Scene& scene;
  ir::Flow flow;
  const std::optional<verify::WitnessSide>& egress;   // the interpreter's word; none: nothing is enforced there
  const std::optional<verify::WitnessSide>& ingress;
};
// Who is who where its packets are judged: on the node whose host one end is, unless the other end is that node to others. Where
// policies may name nodes by prefix it has no address but the one that is asked about, as the interpreter judges each by itself.
// `cluster`, the scene's or what was made of it, outlives it.
Numbered numbered(const ir::PolicySet& policies, const verify::Scene& scene, const ir::Cluster& cluster);

// Compared are pass or drop, the reason (with Cilium 1.16 only whether policy allows it), the rule, the identity found for the other
// end, and counters. Throws std::logic_error where a program says otherwise than the interpreter, std::runtime_error where the machine
// fails; `kernel_unavailable` says before whether it can.
WitnessSaid replay(const Testimony& testimony, Programs& programs);

}  // namespace netpolc::kernel_judge
