// runtime-loader/cni/interfaces.h — the host's end of a pod's interface, and the pod's addresses, of what the plugins before say.
#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime-loader/cni/error.h"

namespace netpolc::cni {

struct PodInterface {
  std::string host_end;  // an interface of this network namespace
  std::vector<std::string> ipv4, ipv6;
};

// Name, in this network namespace, of the other end of interface `ifname` in the network namespace at path `netns`.
using PeerOf = std::function<Result<std::string>(const std::string& netns, const std::string& ifname)>;
// As the kernel has it: each end must say that the other one is its peer (veth, netkit). Needs CAP_SYS_ADMIN.
Result<std::string> peer_of(const std::string& netns, const std::string& ifname);

// `result`: a prevResult of version 0.3.1 or later. The host's end is what the kernel says; where the result lists interfaces of
// the host, it must be among them. Addresses are those of the container's interface, or of no interface that is named.
Result<PodInterface> pod_interface(const nlohmann::ordered_json& result, const std::string& netns, const std::string& ifname, const PeerOf& peer = peer_of);

}  // namespace netpolc::cni
