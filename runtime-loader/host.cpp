#include "runtime-loader/host.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <string_view>

#include "runtime-loader/netns.h"
#include "runtime-loader/xdp.h"

namespace netpolc::loader {
namespace {

std::optional<std::size_t> host_of(const Bundle& bundle, const std::string& node) {
  for (std::size_t i = 0; i < bundle.endpoints.size(); ++i)
    if (bundle.endpoints[i].is_node && bundle.endpoints[i].name == node) return i;
  return std::nullopt;
}

bool any_host_enforced(const Bundle& bundle) {
  return std::any_of(bundle.endpoints.begin(), bundle.endpoints.end(), [&](const BundleEndpoint& it) { return it.is_node && bundle.programs[it.program].is_enforced(); });
}

std::optional<Address> address_of(const sockaddr& raw) {
  Address out;
  if (raw.sa_family == AF_INET) {
    std::memcpy(out.bytes.data(), &reinterpret_cast<const sockaddr_in&>(raw).sin_addr, 4);
    const bool link_local = out.bytes[0] == 169 && out.bytes[1] == 254;
    if (link_local || out.bytes[0] == 127) return std::nullopt;
    return out;
  }
  if (raw.sa_family != AF_INET6) return std::nullopt;
  out.v6 = true;
  std::memcpy(out.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(raw).sin6_addr, 16);
  const bool link_local = out.bytes[0] == 0xfe && (out.bytes[1] & 0xc0) == 0x80;
  if (link_local || std::memcmp(out.bytes.data(), &in6addr_loopback, 16) == 0) return std::nullopt;
  return out;
}

// Devices whose addresses Cilium doesn't take for the node's: those of pods and containers, and what stands for services.
bool is_of_others(std::string_view device) {
  if (device == "cilium_host") return false;
  if (device == "kube-ipvs0") return true;
  for (const std::string_view prefix : {"cilium_", "lxc", "cni", "docker"})
    if (device.starts_with(prefix)) return true;
  return false;
}

}  // namespace

Result<std::vector<Address>> local_addresses() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return refused("asking for the addresses of this machine", errno);
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> all(first, freeifaddrs);
  std::set<Address> out;
  for (const ifaddrs* it = first; it != nullptr; it = it->ifa_next) {
    if (it->ifa_addr == nullptr || is_of_others(it->ifa_name)) continue;
    if (const auto address = address_of(*it->ifa_addr)) out.insert(*address);
  }
  return std::vector<Address>(out.begin(), out.end());
}

Result<HostPlan> plan_host(const Bundle& bundle, const std::string& node, const HostOptions& options, const std::vector<Attachment>& pods,
                           const std::vector<Attachment>& former) {
  HostPlan out;
  std::vector<const Attachment*> gone;
  std::vector<std::string> there = options.devices;
  std::erase_if(there, [&](const std::string& name) {
    const auto known = std::find_if(former.begin(), former.end(), [&](const Attachment& it) { return it.for_node && it.netns.empty() && it.ifname == name; });
    const bool is_gone = known != former.end() && presence("", name, known->ifindex, known->netns_inode) == Presence::Gone;
    if (is_gone) gone.push_back(&*known);
    return is_gone;
  });
  const auto devices = find_devices(there, "--host-device");
  if (!devices) return tl::make_unexpected(devices.error());
  if (options.skip) {
    if (!options.devices.empty()) return bad_input("--host-device and --skip-host-policies exclude each other");
    return out;
  }
  if (node.empty() && any_host_enforced(bundle))
    return bad_input("the bundle has policies of nodes: say with --node which of them this is, or leave them alone with --skip-host-policies");
  const auto host = host_of(bundle, node);
  if (!host) {
    if (!options.devices.empty()) out.nothing = "the bundle has no policy of " + (node.empty() ? std::string("any node") : "node " + node) + ": the host firewall is off";
    return out;
  }
  if (devices->empty() && gone.empty()) {
    if (!bundle.programs[bundle.endpoints[*host].program].is_enforced()) return out;
    return bad_input("node " + node + " has policies of its own: name the devices that lead out of it with --host-device, or leave them alone with --skip-host-policies");
  }
  Attachment it;
  it.endpoint = bundle.endpoints[*host].full_name();
  it.bundle_endpoint = *host;
  it.for_node = true;
  it.audit = options.audit;
  for (const ExternalDevice& device : *devices) {
    it.ifname = device.ifname;
    it.ifindex = device.ifindex;
    it.netns_inode = device.netns;
    out.attachments.push_back(it);
  }
  for (const Attachment* device : gone) {
    it.ifname = device->ifname;
    it.ifindex = device->ifindex;
    it.netns_inode = device->netns_inode;
    out.attachments.push_back(it);
  }
  for (const Attachment& pod : pods) {
    if (std::any_of(devices->begin(), devices->end(), [&](const ExternalDevice& device) { return device.ifindex == pod.ifindex && device.netns == pod.netns_inode; }))
      return bad_input("--host-device " + pod.ifname + ": is a pod's interface");
    it.ifname = pod.ifname;
    it.netns = pod.netns;
    it.ifindex = pod.ifindex;
    it.netns_inode = pod.netns_inode;
    out.attachments.push_back(it);
  }
  out.requests = requests_of(out.attachments);
  return out;
}

}  // namespace netpolc::loader
