// ir/eval/eval.h — what policies mean, executed: the reference interpreter. Slow, obvious and
// pure; the definition that decision tables and compiled programs are measured against. It
// shares nothing with ir/decide beyond the IR types: CIDR rules are judged on the address
// itself, not on identities.
//
// Semantics reference: 1.5-1.9 and 3 (who is matched), 4 (enforcement), 5.1 (verdict),
// 5.6 (merging, conflicts), 5.7 (authentication), 5.9 (named ports), 10 (versions).
#pragma once
#include <memory>
#include <optional>

#include "ir/request.h"

namespace netpolc::ir::eval {

// Everything a judgement depends on besides the two ends. Owned by the caller.
struct World {
  const PolicySet& policies;
  const Cluster& cluster;
  const Resolutions& resolutions;
};

struct Inspection;  // ir/eval/inspect.h

// An endpoint's rules, selected once and judged many times.
class SubjectPolicy {
 public:
  SubjectPolicy(const World& world, Subject subject);
  Enforcement enforcement(Direction direction) const;
  std::size_t selecting_policies() const;  // specs that select the subject
  // Conflicting rules make the whole endpoint incomputable, in both directions.
  const std::optional<Incomputable>& incomputable() const;
  // Precondition: !incomputable().
  SideVerdict judge(Direction direction, const PeerFacts& peer, Flow flow) const;
  // One request, or query, over a connection that is made with this flow (sections 5.8, 7). Precondition: !incomputable().
  RequestVerdict judge(Direction direction, const PeerFacts& peer, Flow flow, const Request& request) const;
  // Every rule of the direction beside this flow: what `judge` goes by. Linear in the rules; refers to this object.
  Inspection inspect(Direction direction, const PeerFacts& peer, Flow flow) const;

 private:
  struct State;
  class Requests;
  std::shared_ptr<const State> state_;
};

}  // namespace netpolc::ir::eval
