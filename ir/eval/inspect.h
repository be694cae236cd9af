// ir/eval/inspect.h — the steps of a judgement, for whoever explains one: how each rule that applies to a subject meets one
// peer and one flow. Says nothing that SubjectPolicy::judge does not go by; the verdict is that of `judge`.
#pragma once
#include <vector>

#include "ir/eval/resolve.h"

namespace netpolc::ir::eval {

struct RuleMeeting {
  const ResolvedRule* rule = nullptr;  // owned by the SubjectPolicy that was inspected
  Tier tier = Tier::Normal;
  std::size_t level = 0;     // rules with the same number are judged together; lower ones are asked first
  std::vector<bool> peers;   // by rule->peers: whether it means this peer
  std::vector<bool> ports;   // by rule->ports: whether it covers this flow
  Redirect redirect;         // of the ports that cover the flow, the one of highest precedence
  bool by_peer() const;
  bool by_port() const;
  bool matches() const { return by_peer() && by_port(); }
};

struct Inspection {
  LabelSet labels;                    // of the peer, with those that its address adds
  std::vector<RuleMeeting> rules;     // of the direction, in the order in which they are asked
  std::vector<RuleRef> default_deny;  // that switch it on, whatever they allow
};

// Whether the policy's rules are the subject's, too (section 2.4).
bool selects(const Policy& policy, const Subject& subject);

}  // namespace netpolc::ir::eval
