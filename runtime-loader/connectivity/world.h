// runtime-loader/connectivity/world.h — machines that a connectivity test speaks between: nodes on a fabric,
// pods behind their nodes, and one host that has all addresses outside the cluster. Each is a network namespace
// without a name; bpffs and the loader's state are mounted where only this process sees them. All of it
// goes when the process does, however it ends.
//
//   node-1 ──┐            a pod's eth0 has its other end, lxcN, on its node
//   node-2 ──┼─ fabric
//   outside ─┘
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime-loader/address.h"
#include "runtime-loader/connectivity/namespace.h"
#include "runtime-loader/events.h"
#include "runtime-loader/node_addresses.h"

namespace netpolc::loader::connectivity {

enum class HostKind : std::uint8_t { Pod, Node, Outside };

struct HostPlan {
  std::string name;  // of a pod "namespace/name"
  HostKind kind = HostKind::Pod;
  std::size_t node = 0;  // of a pod: index into the nodes
  std::vector<Address> addresses;
};
inline constexpr const char* kOutside = "outside";

struct Host : HostPlan {
  Namespace ns;
  std::string ifname;  // of a pod: on its node
  Host(HostPlan plan, Namespace where) : HostPlan(std::move(plan)), ns(std::move(where)) {}
};

// A node's own installation of the loader.
struct NodeSite {
  std::string name;
  std::size_t host = 0;  // index into World::hosts()
  Where where;
  Fd ring;
  std::vector<EventReader> events;  // one, once it is loaded
};

class World {
 public:
  // Nodes first. In a mount namespace of its own from here on; call it before threads are begun. Fails as kernel
  // where the machine doesn't let us.
  static Result<World> build(const std::vector<HostPlan>& plans);
  // The bundle, on every node, for all of its pods.
  Done load(const std::string& bundle);
  // The address answers on this node's fabric side from now on as well; of pods it doesn't matter whose.
  Done tell(const std::vector<AddressWord>& words);

  std::vector<Host>& hosts() { return hosts_; }
  const std::vector<Host>& hosts() const { return hosts_; }
  const Host* find(const std::string& name) const;
  std::vector<NodeSite>& nodes() { return nodes_; }
  // How to look into it from another terminal, a line each.
  std::vector<std::string> how_to_look() const;

 private:
  Done mount_private();
  Done connect_all();
  Done attach(Namespace& router, const std::string& ifname, Host& leaf, const std::optional<std::size_t>& node);

  std::optional<Namespace> fabric_;
  std::vector<Host> hosts_;
  std::vector<NodeSite> nodes_;
};

}  // namespace netpolc::loader::connectivity
