// compiler/lint/selectors.h — what rules about selectors share: which selectors policies have, and what is near to a label.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "compiler/lint/rule.h"

namespace netpolc::lint {

// A selector of endpoints as the IR has it (namespace injected), and where its text is to be looked for.
struct SelectorUse {
  const ir::Policy& policy;
  const ir::Selector& selector;
  Span inside;                     // of the spec, or of the rule
  const ir::Rule* rule = nullptr;  // of a peer; null: the subject
  const char* list() const;        // "endpointSelector", "fromEndpoints", …: for people
};
// Subjects (not of nodes) and peers (from/toEndpoints and what NetworkPolicies have for them), in order.
void each_selector(const Facts& facts, const std::function<void(const SelectorUse&)>& visit);

// The requirement that asks for the namespace, if there is just one namespace to ask for.
std::optional<std::string> namespace_of(const ir::Selector& selector);
ir::Selector without_namespace(const ir::Selector& selector);
bool is_implied(const ir::Requirement& requirement);  // about namespace or cluster, perhaps written by nobody
bool is_negative(const ir::Requirement& requirement);
// Where a person would look: the first label that the selector itself asks for, at its value where there is one.
Span place_of(const Facts& facts, const SelectorUse& use);
// "`app=chekout`, `tier`": as a person would say it, without namespace and cluster.
std::string in_words(const ir::Selector& selector);

// A label that exists and is at most two changes away; none where there is not exactly one nearest.
struct Nearby {
  std::string key, value;    // as written
  std::string better;        // of the key or of the value
  bool of_key = false;
};
std::optional<Nearby> nearby(const Facts& facts, const ir::Selector& selector);

}  // namespace netpolc::lint
