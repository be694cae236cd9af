// compiler/kernel_judge/numbered.h — a cluster as a node's programs know it: everyone has a number, endpoints have tables, and whoever
// can be at an end of a packet has an address of each family that fits.
#pragma once
#include <map>
#include <optional>
#include <set>

#include "ir/decide/table.h"
#include "verify/ends.h"

namespace netpolc::kernel_judge {

// Someone who can be at either end of a connection.
struct Party {
  verify::End end;
  std::uint32_t identity = 0;
  std::optional<IpAddress> v4, v6;       // none: packets of that family can't come from or go to it
  std::optional<std::uint32_t> decided;  // index into Decisions::endpoints: it has policies of its own
};

class Numbered {
 public:
  // `cluster` outlives it.
  Numbered(const ir::PolicySet& policies, const ir::Cluster& cluster, const ir::Resolutions& resolutions, const ir::IdentityLock& lock = {});

  const ir::Identities& identities() const { return identities_; }
  const ir::Decisions& decisions() const { return decisions_; }
  // The node's whole ipcache: what the identities know, and addresses that parties were given.
  const std::map<IpPrefix, std::uint32_t>& ipcache() const { return ipcache_; }
  // The node where packets are judged, one of the cluster's with the addresses that count here: it knows itself as identity 1, and
  // others by what the ipcache says. Who has which address and what identity 1 is there, in the tables too, is what the loader says
  // of these identities. Throws std::runtime_error.
  void run_on(const ir::Node& node);
  // A host is that of node `node`, if one is said. Throws std::runtime_error where the end has no identity.
  Party party(const verify::End& end, std::optional<std::uint32_t> node);

 private:
  void give_addresses(Party& party);
  void host_is(const ir::LabelSet& labels);
  IpAddress fresh_address(bool v6, std::uint32_t identity);

  const ir::Cluster& cluster_;
  ir::Identities identities_;
  ir::Decisions decisions_;
  std::map<IpPrefix, std::uint32_t> ipcache_;
  std::set<IpAddress> given_;
  std::vector<IpAddress> own_;  // of the node that packets are judged on
  std::uint32_t next_address_ = 0;
};

}  // namespace netpolc::kernel_judge
