// frontend/policy/status.h — what a live cluster says of a policy, in a dump of it: an object that Cilium refuses stays in the
// cluster like any other, and only its `status` tells.
#pragma once
#include "frontend/policy/object.h"

namespace netpolc::frontend::policy {

// Warns (NP098) if Cilium's operator found the policy invalid (condition `Valid`, from 1.16 on), or a node's agent did not take it
// (`status.nodes`, which earlier agents wrote and which may have stayed). Says nothing of a status that is absent or otherwise.
void warn_refused(Judge& judge, const Value& object);

}  // namespace netpolc::frontend::policy
