// ir/labels.h — labels, identities' label sets, and selectors over them
// (semantics reference, sections 2.1 to 2.3). Types only: matching is written twice,
// once plainly for the interpreter (ir/eval) and once for speed (ir/decide).
#pragma once
#include <algorithm>
#include <compare>
#include <string>
#include <vector>

namespace netpolc::ir {

// "k8s:app=web". Sources: k8s, reserved, cidr, fqdn, cidrgroup, node, any (selectors only), …
struct Label {
  std::string source;
  std::string key;
  std::string value;
  auto operator<=>(const Label&) const = default;
  std::string to_string() const {  // Cilium's text: "source:key=value", "source:key" without a value
    return source + ":" + key + (value.empty() ? "" : "=" + value);
  }
};

// Sorted by (source, key, value), unique.
using LabelSet = std::vector<Label>;
inline void normalise(LabelSet& labels) {
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
}

enum class Operator { In, NotIn, Exists, DoesNotExist };

// One requirement; `matchLabels` entries are In with one value. `source` is never empty:
// a key without a source has "any".
struct Requirement {
  std::string source;
  std::string key;
  Operator op = Operator::Exists;
  std::vector<std::string> values;  // sorted, unique; empty for Exists and DoesNotExist
  auto operator<=>(const Requirement&) const = default;
};

// All requirements hold. None: every identity. Sorted, unique.
struct Selector {
  std::vector<Requirement> requirements;
  auto operator<=>(const Selector&) const = default;
};
inline void normalise(Selector& selector) {
  auto& r = selector.requirements;
  for (auto& q : r) {
    std::sort(q.values.begin(), q.values.end());
    q.values.erase(std::unique(q.values.begin(), q.values.end()), q.values.end());
  }
  std::sort(r.begin(), r.end());
  r.erase(std::unique(r.begin(), r.end()), r.end());
}

// "k8s:app in (web), any:tier exists"; "*" for the empty selector.
std::string to_string(const Selector& selector);

}  // namespace netpolc::ir
