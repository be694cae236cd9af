// runtime-loader/xdp_plan.h — what the program at the node's external device is told, worked out
// from the bundle and from the pods that are attached. Pure.
//
// Promises: what it makes the program drop, the program of the pod that it is meant for would drop
// too, as long as addresses are whose they are now.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "ir/map_layout.h"
#include "runtime-loader/plan.h"

namespace netpolc::loader {

struct OutsidePlan {
  ir::DeniedOutside classes;               // class n is classes[n - 1]
  std::map<Address, std::uint32_t> local;  // np_local*: ifindex of the pod, 0 for what stands behind a service
  bool services = false;
  bool prefixes = false;                   // some have another class than the world
  std::string nothing;                     // not empty: why there is nothing to drop
  std::uint32_t class_of(std::uint32_t identity) const;  // 0: nothing is dropped
};

// Pods whose policy lets everybody in from outside are left out, so that what counts is what all
// others deny; pods in audit mode, whose denied packets pass; and addresses that may be another
// pod's. `netns`: inode of the namespace that the device is in; pods elsewhere are not behind it.
OutsidePlan plan_outside(const Bundle& bundle, const std::vector<ResolvedRequest>& requests,
                         const std::vector<Attachment>& attachments, const AddressIdentities& addresses,
                         const std::map<Prefix, AddressOverride>& overrides, std::uint64_t netns);

// As np_denied has it. `nothing_sent` is not said by policy alone: 0.
np_denied denied_ports(const ir::DeniedGroup& group);

// Who an address is: the longest prefix counts, the bundle's world where there is none.
std::uint32_t identity_of(const Bundle& bundle, const AddressIdentities& addresses, const Address& address);

}  // namespace netpolc::loader
