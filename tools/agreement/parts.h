// tools/agreement/parts.h — what the parts of the generator know of each other.
#pragma once
#include "tools/agreement/generate.h"
#include "tools/agreement/random.h"

namespace netpolc::agreement {

// The agent's options, as far as they say which policies there can be.
struct Agent {
  int version = 18;
  bool ipv4 = true, ipv6 = true;
  bool node_selectors = false, host_firewall = false, extended_protocols = false, cluster_policies = false;
};
Agent random_agent(Random& random);
nlohmann::json random_cluster(Random& random, const Agent& agent);

// Where a rule stands.
struct Element {
  bool ingress = true, deny = false, clusterwide = false, of_nodes = false;
  std::string from_or_to() const { return ingress ? "from" : "to"; }
};

Json random_selector(Random& random, bool subject);
std::string random_prefix(Random& random, const Agent& agent);
// A prefix with some that are cut out of it.
Json random_block(Random& random, const Agent& agent);
void add_peers(Random& random, const Agent& agent, const Element& at, Json& rule);
void add_ports(Random& random, const Agent& agent, const Element& at, Json& rule);
// A number that something may be listening at, and the end of a range from it.
struct Range {
  int first = 0, last = 0;
};
Range random_range(Random& random);

std::vector<Json> random_policies(Random& random, const Agent& agent);

}  // namespace netpolc::agreement
