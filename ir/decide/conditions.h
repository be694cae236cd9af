// ir/decide/conditions.h — the peer conditions of all rules, each distinct one evaluated once
// over all identities (semantics reference, sections 1.5, 1.9, 3.2 to 3.5).
#pragma once
#include <functional>
#include <initializer_list>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/decide/bits.h"
#include "ir/decide/condition_tree.h"
#include "ir/decide/selector_index.h"

namespace netpolc::ir {

using ConditionId = std::uint32_t;
inline constexpr ConditionId everyone = 0;

struct Condition {
  std::string text;  // equal text, equal meaning
  Bits bits;
  ConditionPtr tree;  // `bits` is what it says of the known identities
};

class Conditions {
 public:
  Conditions(const SelectorIndex& index, const Cluster& cluster);
  const Condition& operator[](ConditionId id) const { return all_[id]; }
  // One id for the union of nothing (entity none, services that resolve to nothing), one or
  // several conditions; `resolved_services` as section 1.9: deny rules never resolve theirs.
  std::vector<ConditionId> of(const Peer& peer, bool resolve_services);
  ConditionId of_selector(const Selector& selector);
  // What services with a selector become: from/toEndpoints members, to which toRequires apply.
  std::vector<Selector> service_selectors(const ServicePeer& peer) const;
  // In Cilium an entity is a list of selectors; those of cluster meet others one by one when
  // rules are merged (section 5.6). Empty for other conditions.
  std::vector<ConditionId> parts(ConditionId id);
  ConditionId both(ConditionId a, ConditionId b);
  ConditionId with_port(ConditionId base, const NamedPort& port);

 private:
  ConditionId intern(const std::string& text, const std::function<ConditionPtr()>& make);
  ConditionId add(Condition condition);
  Bits evaluate(const ConditionTree& tree) const;
  ConditionId of_entity(Entity entity);
  ConditionId of_cidr(const CidrPeer& peer);
  ConditionId of_group(const CidrGroupPeer& peer);
  std::vector<ConditionId> of_services(const ServicePeer& peer);
  ConditionPtr outside(ConditionPtr tree, const std::vector<IpPrefix>& except) const;
  ConditionPtr in_prefix(const CidrPeer& peer) const;

  const SelectorIndex& index_;
  const Cluster& cluster_;
  std::vector<Condition> all_;
  std::unordered_map<std::string, ConditionId> ids_;
};

}  // namespace netpolc::ir
