// ir/decide/condition_tree.h — a peer condition as data: what a bundle carries of it, so that
// whoever comes to the cluster after it was compiled can be judged without compiling.
//
// `holds` is the definition for one peer; Conditions evaluates the same trees over all known
// identities at once. Both give the same (condition_tree_test.cpp).
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/cluster.h"
#include "ir/policy.h"

namespace netpolc::ir {

struct ConditionTree;
using ConditionPtr = std::shared_ptr<const ConditionTree>;  // never null inside a tree

// All, any or none of the parts hold. All of nothing: everyone; any of nothing: nobody.
struct Combination {
  enum class Kind : std::uint8_t { All, Any, None };
  Kind kind = Kind::All;
  std::vector<ConditionPtr> parts;
};
// The peer has a cidr: label inside the prefix.
struct InsidePrefix {
  IpPrefix prefix;
};
// The label that addresses of a name have is FqdnPeer's, the port is one that the peer names so.
struct ConditionTree {
  std::variant<Combination, Selector, InsidePrefix, FqdnPeer, NamedPort> is;
};

ConditionPtr condition(Selector selector);
ConditionPtr condition(InsidePrefix inside);
ConditionPtr condition(FqdnPeer name);
ConditionPtr condition(NamedPort port);
ConditionPtr combination(Combination::Kind kind, std::vector<ConditionPtr> parts);

// Who is asked about. Refers to its arguments.
class ConditionSubject {
 public:
  explicit ConditionSubject(const LabelSet& labels, const std::vector<NamedPort>* ports = nullptr);
  bool meets(const Requirement& requirement) const;
  bool inside(const IpPrefix& prefix) const;
  bool has_label(std::string_view source, std::string_view key) const;
  bool has_port(const NamedPort& port) const;

 private:
  const LabelSet& labels_;
  const std::vector<NamedPort>* ports_;
  std::vector<IpPrefix> prefixes_;  // of its cidr: labels
};

bool holds(const ConditionTree& tree, const ConditionSubject& subject);

// Appends the toFQDNs selectors that the tree asks for; the same may come twice.
void collect_names(const ConditionTree& tree, std::vector<FqdnPeer>& out);
// Does the tree ask for what only addresses outside the cluster have: prefixes, names, groups?
bool asks_for_addresses(const ConditionTree& tree);

}  // namespace netpolc::ir
