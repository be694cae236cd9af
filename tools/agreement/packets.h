// tools/agreement/packets.h — which packets a policy set is asked about: numbers that its rules mention and those beside
// them, between everyone that the cluster has.
#pragma once
#include <string>
#include <vector>

#include "tools/agreement/random.h"
#include "tools/judges/world.h"

namespace netpolc::agreement {

// The first packet of a connection.
struct Packet {
  std::string from, to;  // parties of the world
  ir::Flow flow;
  bool v6 = false;
  // The kernel judges five protocols; before policy it drops others (semantics 8.7).
  bool in_kernel() const;
};
std::string to_string(const Packet& packet);  // "a/p0 > host UDP/53 over IPv6"

// At least one end of each has policies of its own, and no end has one that can't be computed.
std::vector<Packet> random_packets(Random& random, judges::World& world, std::size_t count);

}  // namespace netpolc::agreement
