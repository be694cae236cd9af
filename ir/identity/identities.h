// ir/identity/identities.h — label sets become numeric identities as in Cilium (semantics
// reference 3.1, 3.4-3.6), and addresses become identities (the ipcache).
//
// Numbers: reserved ones as they are; CiliumIdentity objects and the lock file win; the rest
// is allocated deterministically from 256 in the order of label sets; external prefixes get
// 0x01000000|n in the order of prefixes, nodes 0x02000000|n where they need own identities.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/cluster.h"
#include "ir/policy.h"
#include "ir/verdict.h"

namespace netpolc::ir {

struct Identity {
  std::uint32_t id = 0;
  LabelSet labels;  // with cidr:, fqdn:, cidrgroup: labels as the ipcache gives them
  // From Cilium 1.20 on, of all endpoints with these labels; sorted, unique. A name that has two
  // numbers here resolves to none (section 5.9). Empty before.
  std::vector<NamedPort> named_ports = {};
};
struct AddressIdentity {  // one ipcache entry
  IpPrefix prefix;
  std::uint32_t identity = 0;
};

// `lock`: text form "id label,label,…" per line; ids found there are kept (stable numbers).
using IdentityLock = std::map<std::string, std::uint32_t>;  // joined labels → id

class Identities {
 public:
  static Identities build(const PolicySet& policies, const Cluster& cluster, const Resolutions& resolutions, const IdentityLock& lock = {});

  const std::vector<Identity>& all() const { return identities_; }         // sorted by id, reserved included
  const std::vector<AddressIdentity>& addresses() const { return addresses_; }  // sorted by prefix
  const Identity* find(std::uint32_t id) const;
  std::uint32_t of_endpoint(std::size_t endpoint) const { return endpoint_ids_[endpoint]; }  // index into Cluster::endpoints
  std::uint32_t of_node(std::size_t node) const { return node_ids_[node]; }  // as other nodes see it: 6, 7 or node scope
  // As it sees itself: identity 1 there, which has here what all nodes with pods have. Index into Cluster::nodes.
  const LabelSet& as_host(std::size_t node) const { return host_labels_[node]; }
  // Longest prefix; world of the family where nothing is known.
  std::uint32_t of_address(const IpAddress& address) const;
  IdentityLock lock() const;  // to write back: cluster-scope numbers only

 private:
  std::vector<Identity> identities_;
  std::vector<AddressIdentity> addresses_;
  std::vector<std::uint32_t> endpoint_ids_, node_ids_;
  std::vector<LabelSet> host_labels_;
  bool dual_stack_ = true, ipv4_ = true;
};

// Labels of the reserved identities 1 to 10; empty for other numbers.
LabelSet reserved_labels(std::uint32_t id);
// A node as other nodes see it, without the labels that come from its address: reserved:remote-node,
// `reserved:kube-apiserver` where `apiserver`, node:* with enable-node-selector-labels.
LabelSet remote_node_labels(const Node& node, const Config& config, bool apiserver);
// A node as it sees itself, and as host endpoint: reserved:host and its identity-relevant labels as k8s:*.
LabelSet host_labels(const Node& node, bool apiserver);
// Judged facts for the interpreter about an address, endpoint, node or reserved name live in
// verify/; this file knows numbers only.

}  // namespace netpolc::ir
