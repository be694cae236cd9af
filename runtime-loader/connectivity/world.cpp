#include "runtime-loader/connectivity/world.h"

#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime-loader/load.h"

namespace netpolc::loader::connectivity {
namespace {

// What is there on every machine that has bpffs, and where no bundle lies.
constexpr const char* kPlace = "/sys/fs/bpf";

// What a router is called on each of its links. A node takes no question from an address that is its own, so the
// fabric has another one.
Address gateway(bool v6, bool fabric) { return *Address::parse(v6 ? "fe80::1" : fabric ? "169.254.2.1" : "169.254.1.1"); }
Prefix single(const Address& address) { return {address, static_cast<std::uint8_t>(address.v6 ? 128 : 32)}; }
Prefix everything(bool v6) { return {*Address::parse(v6 ? "::" : "0.0.0.0"), 0}; }

std::optional<Address> first_of(const Host& host, bool v6) {
  const auto found = std::find_if(host.addresses.begin(), host.addresses.end(), [&](const Address& it) { return it.v6 == v6; });
  return found == host.addresses.end() ? std::nullopt : std::optional<Address>(*found);
}

Result<int> index_of(const std::string& ifname) {
  const int index = static_cast<int>(if_nametoindex(ifname.c_str()));
  if (index == 0) return refused("looking for " + ifname + ", which was just made", errno);
  return index;
}

// Runs steps until one fails.
class Steps {
 public:
  template <class Step>
  Steps& then(Step&& step) {
    if (done_) done_ = step();
    return *this;
  }
  Done done() const { return done_; }

 private:
  Done done_;
};

Done mount_on(const char* type, const std::string& place) {
  if (mount(type, place.c_str(), type, 0, "mode=0700") != 0) return refused(std::string("mounting ") + type + " on " + place, errno);
  return {};
}
Done make_directory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0) return refused("making " + path, errno);
  return {};
}

}  // namespace

Done World::mount_private() {
  if (unshare(CLONE_NEWNS) != 0) return refused("making a mount namespace (the connectivity test needs root: CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF)", errno);
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return refused("making mounts private", errno);
  const std::string place = kPlace;
  return Steps()
      .then([&] { return mount_on("tmpfs", place); })
      .then([&] { return make_directory(place + "/pins"); })
      .then([&] { return mount_on("bpf", place + "/pins"); })
      .done();
}

Result<World> World::build(const std::vector<HostPlan>& plans) {
  World world;
  if (Done done = world.mount_private(); !done) return tl::make_unexpected(done.error());
  auto fabric = Namespace::create();
  if (!fabric) return tl::make_unexpected(fabric.error());
  world.fabric_ = std::move(*fabric);
  for (const HostPlan& plan : plans) {
    auto ns = Namespace::create();
    if (!ns) return tl::make_unexpected(ns.error());
    if (plan.kind == HostKind::Node) {
      NodeSite site;
      site.name = plan.name;
      site.host = world.hosts_.size();
      const std::string number = std::to_string(world.nodes_.size() + 1);
      site.where = {std::string(kPlace) + "/pins/node-" + number, std::string(kPlace) + "/state-" + number};
      world.nodes_.push_back(std::move(site));
    }
    world.hosts_.emplace_back(plan, std::move(*ns));
  }
  if (Done done = world.connect_all(); !done) return tl::make_unexpected(done.error());
  return world;
}

// A cable from the router to a leaf, which has its addresses as single ones and everything else behind the router.
Done World::attach(Namespace& router, const std::string& ifname, Host& leaf, const std::optional<std::size_t>& node) {
  Steps steps;
  {
    auto inside = Inside::enter(router);
    if (!inside) return tl::make_unexpected(inside.error());
    Netlink& link = router.netlink();
    steps.then([&] { return link.add_veth(ifname, leaf.ns.fd(), "eth0"); });
    const auto index = steps.done() ? index_of(ifname) : Result<int>(0);
    if (!index) return tl::make_unexpected(index.error());
    steps.then([&] { return link.set_up(*index); });
    steps.then([&] { return link.add_address(*index, single(gateway(false, !node))); });
    steps.then([&] { return link.add_address(*index, {gateway(true, !node), 64}); });
    for (const Address& address : leaf.addresses)
      steps.then([&] { return link.add_route(single(address), *index, std::nullopt, node ? first_of(hosts_[nodes_[*node].host], address.v6) : std::nullopt); });
  }
  auto inside = Inside::enter(leaf.ns);
  if (!inside) return tl::make_unexpected(inside.error());
  Netlink& link = leaf.ns.netlink();
  const auto index = steps.done() ? index_of("eth0") : Result<int>(0);
  if (!index) return tl::make_unexpected(index.error());
  steps.then([&] { return link.set_up(*index); });
  for (const Address& address : leaf.addresses) steps.then([&] { return link.add_address(*index, single(address)); });
  for (const bool v6 : {false, true})
    if (const auto from = first_of(leaf, v6)) steps.then([&] { return link.add_route(everything(v6), *index, gateway(v6, !node), from); });
  return steps.done();
}

Done World::connect_all() {
  std::size_t number = 0;
  for (Host& host : hosts_) {
    ++number;
    if (host.kind != HostKind::Pod) {
      if (Done done = attach(*fabric_, "to" + std::to_string(number), host, std::nullopt); !done) return done;
      continue;
    }
    host.ifname = "lxc" + std::to_string(number);
    Host& node = hosts_[nodes_[host.node].host];
    if (Done done = attach(node.ns, host.ifname, host, host.node); !done) return done;
    auto inside = Inside::enter(*fabric_);
    if (!inside) return tl::make_unexpected(inside.error());
    const auto index = index_of("to" + std::to_string(nodes_[host.node].host + 1));
    if (!index) return tl::make_unexpected(index.error());
    for (const Address& address : host.addresses)
      if (const auto via = first_of(node, address.v6))
        if (Done done = fabric_->netlink().add_route(single(address), *index, via, std::nullopt); !done) return done;
  }
  return {};
}

Done World::load(const std::string& bundle) {
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    NodeSite& node = nodes_[n];
    LoadOptions options;
    options.bundle = bundle;
    options.node = node.name;
    options.root = node.where.root;
    options.state = node.where.state;
    options.host.skip = true;
    options.report_allowed = true;
    options.event_limit = 1u << 20;
    for (const Host& host : hosts_) {
      if (host.kind != HostKind::Pod || host.node != n) continue;
      AttachRequest request;
      request.endpoint = host.name;
      request.ifname = host.ifname;
      request.addresses = {};
      options.requests.push_back(std::move(request));
    }
    auto inside = Inside::enter(hosts_[node.host].ns);
    if (!inside) return tl::make_unexpected(inside.error());
    if (const auto report = loader::load(options); !report) return tl::make_unexpected(report.error());
    const auto site = Installation::find(options.root, options.state);
    if (!site) return tl::make_unexpected(site.error());
    node.ring = open_pinned(site->map_path(NP_MAP_EVENTS));
    if (!node.ring) return refused("the ring buffer of events is not where it was pinned");
    auto reader = EventReader::open(node.ring.get());
    if (!reader) return tl::make_unexpected(reader.error());
    node.events.push_back(std::move(*reader));
  }
  return {};
}

Done World::tell(const std::vector<AddressWord>& words) {
  for (NodeSite& node : nodes_) {
    auto inside = Inside::enter(hosts_[node.host].ns);
    if (!inside) return tl::make_unexpected(inside.error());
    if (const auto report = change_addresses(node.where, words); !report) return tl::make_unexpected(report.error());
  }
  return {};
}

const Host* World::find(const std::string& name) const {
  const auto found = std::find_if(hosts_.begin(), hosts_.end(), [&](const Host& it) { return it.name == name; });
  return found == hosts_.end() ? nullptr : &*found;
}

std::vector<std::string> World::how_to_look() const {
  const std::string self = std::to_string(getpid());
  std::vector<std::string> out;
  for (const Host& host : hosts_)
    out.push_back(host.name + ": nsenter --target " + self + " --mount --net=/proc/" + self + "/fd/" + std::to_string(host.ns.fd()));
  for (const NodeSite& node : nodes_)
    out.push_back(node.name + ", when inside: netpol-loader status --root " + node.where.root + " --state " + node.where.state);
  return out;
}

}  // namespace netpolc::loader::connectivity
