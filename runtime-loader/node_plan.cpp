#include "runtime-loader/node_plan.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

#include "runtime-loader/netns.h"
#include "runtime-loader/workload_match.h"

namespace netpolc::loader {
namespace {

std::string namespace_of(const std::string& endpoint) { return endpoint.substr(0, endpoint.find('/')); }

// What the daemon was asked for fails nobody else's load.
bool goes_on(const NodeRequest& request, const AttachRequest& wanted) { return request.keep_going || !wanted.origin.empty(); }

void leave_without(const Bundle& bundle, const NodeRequest& request, const std::string& why, Attachment& it) {
  it.bundle_endpoint = kNoEndpoint;
  const std::string ns = namespace_of(it.endpoint);
  if (request.fresh == NewEndpoints::Allow)
    it.open = why + ", and new endpoints are allowed";
  else if (!bundle.policing.covers(ns))
    it.open = why + ", and no policy speaks of namespace " + ns;
  else
    it.blocked = why;
}

Done give_program(const Bundle& bundle, const NodeRequest& request, const AttachRequest& wanted, Attachment& it) {
  std::string why;
  const auto found = endpoint_for(bundle, wanted, why, request.names);
  if (!found) {
    if (!goes_on(request, wanted)) return bad_input(why);
    leave_without(bundle, request, why, it);
    return {};
  }
  it.bundle_endpoint = *found;
  const BundleProgram& program = bundle.programs[bundle.endpoints[*found].program];
  if (request.skip_unenforced && !program.is_enforced())
    it.open = "no policy selects it";
  else
    it.program = program.digest;
  return {};
}

using Place = std::pair<std::string, std::string>;  // network namespace, name of the interface

Result<Attachment> placed(const AttachRequest& request, const std::map<Place, const Attachment*>& known) {
  Attachment it{request};
  if (const auto there = known.find({request.netns, request.ifname}); there != known.end()) {
    it.ifindex = there->second->ifindex;
    it.netns_inode = there->second->netns_inode;
    it.mode = there->second->mode;
    return it;
  }
  const auto interface = find_interface(request.netns, request.ifname);
  if (!interface) return tl::make_unexpected(Failure{interface.error().kind, request.endpoint + ": " + interface.error().message});
  if (!interface->ethernet)
    return bad_input(request.endpoint + ": interface `" + request.ifname + "`" + (request.netns.empty() ? "" : " in `" + request.netns + "`") +
                     " has no Ethernet frames (a tun, WireGuard or IP tunnel device?), which the programs need; attach to the host's end of a veth");
  it.ifindex = interface->index;
  it.netns_inode = interface->netns;
  return it;
}

Done add_host(const Bundle& bundle, const NodeRequest& request, const std::vector<Attachment>& known, NodePlan& plan) {
  std::map<std::pair<std::uint64_t, int>, AttachMode> modes;
  for (const Attachment& it : known)
    if (it.for_node) modes[{it.netns_inode, it.ifindex}] = it.mode;
  std::vector<Attachment> pods;
  std::copy_if(plan.attachments.begin(), plan.attachments.end(), std::back_inserter(pods), [](const Attachment& it) { return it.blocked.empty(); });
  auto host = plan_host(bundle, request.node, request.host, pods, known);
  if (!host) return tl::make_unexpected(host.error());
  plan.nothing_at_host = std::move(host->nothing);
  for (Attachment& it : host->attachments) {
    if (const auto mode = modes.find({it.netns_inode, it.ifindex}); mode != modes.end()) it.mode = mode->second;
    it.program = bundle.programs[bundle.endpoints[it.bundle_endpoint].program].digest;
    plan.attachments.push_back(std::move(it));
  }
  return {};
}

template <class Keep>
std::vector<Attachment> only(const std::vector<Attachment>& all, const Keep& keep) {
  std::vector<Attachment> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out), keep);
  return out;
}

}  // namespace

Result<NodePlan> plan_node(const Bundle& bundle, const NodeRequest& request, const std::vector<AttachRequest>& endpoints,
                           const std::vector<Attachment>& known) {
  std::map<Place, const Attachment*> there;
  for (const Attachment& it : known)
    if (!it.for_node) there.emplace(Place{it.netns, it.ifname}, &it);
  NodePlan plan;
  std::map<std::pair<std::uint64_t, int>, std::string> seen;
  std::map<Address, std::string> owners;
  for (const AttachRequest& wanted : endpoints) {
    for (const Address& address : wanted.addresses)
      if (const auto owner = owners.emplace(address, wanted.endpoint).first; owner->second != wanted.endpoint && !goes_on(request, wanted))
        return bad_input("address " + address.to_string() + " is given twice, for " + owner->second + " and for " + wanted.endpoint);
    std::string why;
    if (!goes_on(request, wanted) && !endpoint_for(bundle, wanted, why, request.names)) return bad_input(why);
  }
  for (const AttachRequest& wanted : endpoints) {
    auto it = placed(wanted, there);
    if (!it && goes_on(request, wanted) && it.error().kind != FailureKind::Kernel) {  // who can't be asked for isn't gone
      plan.gone.push_back(it.error().message);
      continue;
    }
    if (!it) return tl::make_unexpected(it.error());
    const auto [other, first] = seen.emplace(std::pair(it->netns_inode, it->ifindex), wanted.endpoint);
    if (!first && goes_on(request, wanted)) {
      plan.gone.push_back(wanted.endpoint + ": interface `" + wanted.ifname + "` is " + other->second + "'s already");
      continue;
    }
    if (!first)
      return bad_input("interface `" + wanted.ifname + "` is given twice, for " + other->second + " and for " + wanted.endpoint);
    if (const Done done = give_program(bundle, request, wanted, *it); !done) return tl::make_unexpected(done.error());
    plan.attachments.push_back(std::move(*it));
  }
  if (const Done done = add_host(bundle, request, known, plan); !done) return tl::make_unexpected(done.error());
  return plan;
}

void forget_said(const Attachment& gone, std::map<Prefix, AddressOverride>& overrides) {
  if (gone.for_node || (gone.bundle_endpoint != kNoEndpoint && gone.labels.empty())) return;
  for (const Address& address : gone.addresses) {
    const auto said = overrides.find({address, static_cast<std::uint8_t>(address.v6 ? 128 : 32)});
    if (said == overrides.end()) continue;
    const AddressOverride& what = said->second;
    const bool nobody = !what.key && !what.external && !what.identity && what.endpoint.empty();
    if (what.key || (nobody && gone.bundle_endpoint == kNoEndpoint)) overrides.erase(said);
  }
}

void say_unknown(const Bundle& bundle, const std::vector<Attachment>& former, const std::vector<Attachment>& now, std::map<Prefix, AddressOverride>& overrides) {
  for (const Attachment& it : former) forget_said(it, overrides);
  for (const Attachment& it : now) {
    if (it.for_node || it.bundle_endpoint != kNoEndpoint) continue;
    AddressOverride what;
    if (!it.labels.empty())
      if (auto key = checked_key(bundle, {parsed(it.labels), {}})) what.key = std::move(*key);
    for (const Address& address : it.addresses) {
      const Prefix prefix{address, static_cast<std::uint8_t>(address.v6 ? 128 : 32)};
      if (what.key || bundle.addresses.contains(prefix)) overrides[prefix] = what;
    }
  }
}

std::vector<AttachRequest> requested(const std::vector<Attachment>& attachments) {
  std::vector<AttachRequest> out;
  for (const Attachment& it : attachments)
    if (!it.for_node) out.push_back(it);
  return out;
}

std::vector<Attachment> known_to_bundle(const std::vector<Attachment>& attachments) {
  return only(attachments, [](const Attachment& it) { return it.bundle_endpoint != kNoEndpoint; });
}

std::vector<Attachment> with_program(const std::vector<Attachment>& attachments) {
  return only(attachments, [](const Attachment& it) { return !it.program.empty() && it.blocked.empty() && it.open.empty(); });
}

}  // namespace netpolc::loader
