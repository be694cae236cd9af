#include "runtime-loader/xdp_plan.h"

#include <algorithm>
#include <set>

namespace netpolc::loader {
namespace {

Prefix single(const Address& address) { return {address, static_cast<std::uint8_t>(address.v6 ? 128 : 32)}; }

Prefix masked(const Address& address, unsigned length) {
  Prefix out{address, static_cast<std::uint8_t>(length)};
  for (unsigned byte = 0; byte < 16; ++byte) {
    const unsigned bits = length > byte * 8 ? std::min(8u, length - byte * 8) : 0;
    out.address.bytes[byte] &= static_cast<std::uint8_t>(0xff00u >> bits);
  }
  return out;
}

// The addresses that are certainly those of the pod at this interface.
std::vector<Address> own_addresses(const ResolvedRequest& resolved, const BundleEndpoint& endpoint) {
  std::vector<Address> out = resolved.request.addresses;
  const std::string name = resolved.request.endpoint.substr(endpoint.ns.size() + 1);
  const BundlePod* known = endpoint.pods.size() == 1 && name == endpoint.name ? &endpoint.pods.front() : nullptr;
  for (const BundlePod& pod : endpoint.pods)
    if (pod.name == name) known = &pod;
  if (known == nullptr) return out;
  for (const Address& address : known->addresses) {
    const bool replaced = std::any_of(resolved.request.addresses.begin(), resolved.request.addresses.end(), [&](const Address& a) { return a.v6 == address.v6; });
    if (!replaced) out.push_back(address);
  }
  return out;
}

bool was_spoken_of(const std::map<Prefix, AddressOverride>& overrides, const Address& address) {
  return std::any_of(overrides.begin(), overrides.end(), [&](const auto& said) { return said.first.contains(single(address)); });
}

struct LocalPods {
  std::map<Address, std::uint32_t> ifindex;
  std::set<std::size_t> programs;
};

LocalPods local_pods(const Bundle& bundle, const std::vector<ResolvedRequest>& requests, const std::vector<Attachment>& attachments,
                     const AddressIdentities& addresses, const std::map<Prefix, AddressOverride>& overrides, std::uint64_t netns) {
  LocalPods out;
  std::map<Address, int> owners;
  for (const ResolvedRequest& resolved : requests)
    for (const Address& address : own_addresses(resolved, bundle.endpoints[resolved.endpoint])) ++owners[address];
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const BundleEndpoint& endpoint = bundle.endpoints[requests[i].endpoint];
    const bool behind = attachments[i].netns_inode == netns && !attachments[i].audit && !bundle.programs[endpoint.program].outside.empty();
    if (!behind) continue;
    for (const Address& address : own_addresses(requests[i], endpoint)) {
      const auto known = addresses.find(single(address));
      if (owners[address] != 1 || known == addresses.end() || known->second != endpoint.identity || was_spoken_of(overrides, address)) continue;
      out.ifindex[address] = static_cast<std::uint32_t>(attachments[i].ifindex);
      out.programs.insert(endpoint.program);
    }
  }
  return out;
}

// The map has so many classes. Those go first that concern the most identities, the world's always.
void keep_most(const Bundle& bundle, ir::DeniedOutside& classes) {
  const auto weight = [&](const ir::DeniedGroup& group) {
    const auto has = [&](std::uint32_t id) { return std::binary_search(group.identities.begin(), group.identities.end(), id); };
    return group.identities.size() + (has(bundle.world4) || has(bundle.world6) ? 1u << 30 : 0);
  };
  std::stable_sort(classes.begin(), classes.end(), [&](const auto& a, const auto& b) { return weight(a) > weight(b); });
  if (classes.size() > NP_OUTSIDE_CLASSES - 1) classes.resize(NP_OUTSIDE_CLASSES - 1);
}

bool prefixes_differ(const Bundle& bundle, const OutsidePlan& plan, const AddressIdentities& addresses) {
  const std::uint32_t world4 = plan.class_of(bundle.world4), world6 = plan.class_of(bundle.world6);
  return std::any_of(addresses.begin(), addresses.end(), [&](const auto& entry) {
    return !entry.first.is_single() && plan.class_of(entry.second) != (entry.first.address.v6 ? world6 : world4);
  });
}

void set_ports(np_u64 (&bits)[1024], const ir::DeniedRange& range) {
  for (unsigned port = range.first; port <= range.last; ++port) bits[port / 64] |= 1ull << (port % 64);
}

}  // namespace

std::uint32_t OutsidePlan::class_of(std::uint32_t identity) const {
  for (std::size_t i = 0; i < classes.size(); ++i)
    if (std::binary_search(classes[i].identities.begin(), classes[i].identities.end(), identity)) return static_cast<std::uint32_t>(i + 1);
  return 0;
}

OutsidePlan plan_outside(const Bundle& bundle, const std::vector<ResolvedRequest>& requests,
                         const std::vector<Attachment>& attachments, const AddressIdentities& addresses,
                         const std::map<Prefix, AddressOverride>& overrides, std::uint64_t netns) {
  OutsidePlan out;
  if (bundle.xdp.object.empty()) {
    out.nothing = "no policy of the bundle denies anything from outside the cluster";
    return out;
  }
  const LocalPods pods = local_pods(bundle, requests, attachments, addresses, overrides, netns);
  if (pods.ifindex.empty()) {
    out.nothing = "no policy of a pod attached here, whose address is known, denies anything from outside the cluster";
    return out;
  }
  std::vector<const ir::DeniedOutside*> policies;
  for (const std::size_t program : pods.programs) policies.push_back(&bundle.programs[program].outside);
  out.classes = ir::denied_by_all(policies);
  if (out.classes.empty()) {
    out.nothing = "nothing from outside the cluster is denied by the policies of all pods attached here";
    return out;
  }
  keep_most(bundle, out.classes);
  out.local = pods.ifindex;
  out.services = bundle.xdp.services;
  for (const Address& address : bundle.xdp.behind_services) out.local.try_emplace(address, 0);
  out.prefixes = prefixes_differ(bundle, out, addresses);
  return out;
}

np_denied denied_ports(const ir::DeniedGroup& group) {
  constexpr std::uint16_t kEcho = 8, kEchoV6 = 128;
  np_denied out{};
  for (const ir::DeniedRange& range : group.ranges) {
    const std::uint32_t reason = range.by_rule ? NP_REASON_DENY : NP_REASON_DEFAULT_DENY;
    const bool v6 = range.protocol == ir::Protocol::Icmpv6;
    if (v6 || range.protocol == ir::Protocol::Icmp) {
      const std::uint16_t echo = v6 ? kEchoV6 : kEcho;
      if (range.first <= echo && echo <= range.last) out.echo[v6] = reason;
      continue;
    }
    const std::size_t slot = range.protocol == ir::Protocol::Tcp ? 0 : range.protocol == ir::Protocol::Udp ? 1 : 2;
    set_ports(out.denied[slot], range);
    if (range.by_rule) set_ports(out.by_rule[slot], range);
  }
  return out;
}

std::uint32_t identity_of(const Bundle& bundle, const AddressIdentities& addresses, const Address& address) {
  for (int length = address.v6 ? 128 : 32; length >= 0; --length)
    if (const auto found = addresses.find(masked(address, static_cast<unsigned>(length))); found != addresses.end()) return found->second;
  return address.v6 ? bundle.world6 : bundle.world4;
}

}  // namespace netpolc::loader
