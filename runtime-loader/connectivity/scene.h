// runtime-loader/connectivity/scene.h — what a connectivity test consists of, as data: machines, tests, and in
// each test who speaks to whom.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/connectivity/dns.h"
#include "runtime-loader/connectivity/world.h"

namespace netpolc::loader::connectivity {

enum class Speech : std::uint8_t { Tcp, Udp, Echo, DnsUdp, DnsTcp };  // Echo: ICMP or ICMPv6, by the address
std::uint8_t ip_protocol(Speech speech, bool v6);

// A service's address: where the client's packets to it go.
struct Translation {
  Address address;  // of the service
  bool at_node = false;  // by the client's node; else in the client's pod, as Cilium does it at sockets
};

struct Action {
  std::string from, to;         // names of hosts
  Address source, destination;  // of one family
  Speech speech = Speech::Tcp;
  std::uint16_t port = 0;
  std::optional<bool> claim;    // what the test says of it, beside the bundle
  std::string name;             // that is asked for, with DNS
  std::optional<Translation> service;  // the client speaks to its address, and `destination` answers
};

// One after the other; the actions of one at a time.
struct Phase {
  std::string tell;  // a name: its addresses, as DNS said in the phase before, are told to the loader first
  std::vector<Action> actions;
};

struct Test {
  std::string name, about;
  std::vector<Phase> phases;
  std::string skip = {};  // not empty: why it isn't run
};

struct Scene {
  std::vector<HostPlan> hosts;  // nodes first
  std::vector<Test> tests;
  DnsTable names;
  std::vector<std::string> notes;  // for people: what was left out
};

// Of the bundle that is shipped: its cluster and its policies are in policies/. Fails as input where the bundle is another.
Result<Scene> shipped_scene(const Bundle& bundle);

// Nodes and pods of a bundle that have addresses. Of pods that are on no node of the bundle the node is the first.
std::vector<HostPlan> hosts_of(const Bundle& bundle);

// Of any bundle: some of its pods, ports that their rules name, who they may speak to and who not. Fails as
// input where it has no pods with addresses.
Result<Scene> chosen_scene(const Bundle& bundle);

}  // namespace netpolc::loader::connectivity
