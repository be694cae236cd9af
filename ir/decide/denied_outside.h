// ir/decide/denied_outside.h — what policies deny to whoever is outside the cluster, whatever pod
// of a node it is meant for: what may be dropped before it is known whose packet it is.
//
// Pure. Promises: what is listed for an identity is denied by every policy that was asked, as
// `look_up` says of each. What only fails for want of L7 rules or authentication is not listed.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/decide/table.h"

namespace netpolc::ir {

// Protocol Tcp, Udp, Sctp, Icmp or Icmpv6; no packet of another comes as far as policy.
struct DeniedRange {
  Protocol protocol = Protocol::Tcp;
  std::uint16_t first = 0, last = 65535;
  bool by_rule = false;  // a deny rule of every policy, not for want of one that allows
  auto operator<=>(const DeniedRange&) const = default;
};

struct DeniedGroup {
  std::vector<std::uint32_t> identities;  // to whom it is denied; sorted, unique, in no other group
  std::vector<DeniedRange> ranges;        // sorted, disjoint, not empty
  // Nothing may be sent to them either, so nothing from them is a reply.
  bool egress_denied = false;
  auto operator<=>(const DeniedGroup&) const = default;
};

// Sorted by their first identity. Empty: nothing is denied from outside.
using DeniedOutside = std::vector<DeniedGroup>;

// The identities of addresses outside the cluster, sorted. API servers are not among them: they
// are behind a service, so that what comes from them may be a reply to what was sent elsewhere.
std::vector<std::uint32_t> outside_identities(const Identities& identities);

// What this endpoint's ingress denies to each of `outside` (sorted).
DeniedOutside denied_outside(const DecisionTable& table, const std::vector<std::uint32_t>& outside);

// What all of them deny; nothing where there are none.
DeniedOutside denied_by_all(const std::vector<const DeniedOutside*>& policies);

}  // namespace netpolc::ir
