// frontend/whole_input.h — warnings that need every object of the input: what one policy says is
// only surprising beside the others, or without them.
#pragma once
#include <string>
#include <vector>

#include "frontend/policy/lower.h"

namespace netpolc::frontend {

// A policy whose object names no namespace, and so is taken for one of `default`.
struct Unnamespaced {
  std::string kind, name;
  Span where;
};

// Warns if endpoints are given, but none in `default`: `kubectl apply` puts such an object into
// the namespace of its context, which was hardly that one.
void warn_unnamespaced(const std::vector<Unnamespaced>& objects, const ir::Cluster& cluster, DiagSink& sink);

// Warns of rules that only deny and so switch on default deny, where no policy of the same
// namespace or of all allows anything in that direction (section 11).
void warn_deny_only(const std::vector<DenyOnly>& rules, const ir::PolicySet& policies, DiagSink& sink);

}  // namespace netpolc::frontend
