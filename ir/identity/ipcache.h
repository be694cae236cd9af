// ir/identity/ipcache.h — what is known about external prefixes (semantics reference, sections
// 3.4 to 3.6): which prefixes policies, groups, names and API servers mention, and the labels
// each has, own and inherited.
#pragma once
#include <map>
#include <set>

#include "ir/cluster.h"
#include "ir/policy.h"

namespace netpolc::ir {

struct PrefixFacts {
  bool named = false;  // a policy names this prefix: it has a cidr: label of its own
  LabelSet labels;     // fqdn:, cidrgroup:, reserved:kube-apiserver
};
// Ordered so that a prefix comes after every prefix that contains it.
using PrefixTable = std::map<IpPrefix, PrefixFacts>;

// `nodes`: addresses that carry a cidr: label of their own (policy-cidr-match-mode: nodes).
PrefixTable mentioned_prefixes(const PolicySet& policies, const Cluster& cluster, const Resolutions& resolutions,
                               const std::set<IpAddress>& nodes);

// Adds to each prefix the labels of the prefixes around it. Only the most specific cidr: label
// stays and, before 1.20, only the most specific value of a group label (section 3.5).
std::map<IpPrefix, LabelSet> inherit(const PrefixTable& prefixes, CiliumVersion version);

// reserved:world, or -ipv4/-ipv6 in dual stack.
Label world_label(const Config& config, bool v6);

}  // namespace netpolc::ir
