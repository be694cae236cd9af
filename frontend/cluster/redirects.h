// frontend/cluster/redirects.h — CiliumLocalRedirectPolicies (cilium.io/v2; semantics reference, section 9): what is sent to a
// frontend goes to pods of the sender's own node. Policy sees those pods, so an answer about the frontend must know of it.
#pragma once
#include <optional>

#include "frontend/cluster/fields.h"
#include "ir/cluster.h"

namespace netpolc::frontend {

// None where Cilium would not make a redirect of it: a frontend that is no address and no Service, or both (NP259), or no backend.
std::optional<ir::LocalRedirect> read_local_redirect(const Node& object, const Fields& fields);

}  // namespace netpolc::frontend
