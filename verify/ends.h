// verify/ends.h — what an endpoint reference stands for: one or more ends of a connection.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/cluster.h"
#include "ir/verdict.h"

namespace netpolc::verify {

enum class EndKind : std::uint8_t {
  Endpoint,  // a pod or a workload: index into Cluster::endpoints
  Node,      // a node seen by its address: index into Cluster::nodes
  Host,      // entity:host: the node of whoever is at the other end
  Address,   // an external address
  Reserved,  // a bare reserved identity, by its labels
};

struct End {
  EndKind kind = EndKind::Reserved;
  std::string name = {};                         // what people are shown
  std::uint32_t index = 0;                  // Endpoint and Node
  std::optional<std::uint32_t> pod = {};         // Endpoint: one replica only
  std::optional<IpAddress> address = {};     // Address; Node when an address was asked for; Reserved where CIDR rules see it
  ir::LabelSet labels = {};                      // Reserved; of a Node: only where others see these
  std::vector<ir::Flow> flows = {};              // a backend: what arrives there after service translation
  std::string dns_name = {};                     // Address: whichever it is, this name resolves to it (claims only)
  std::string via = {};                          // "service cart:80 → targetPort 8080"
};

// Why a reference stands for nothing. `undecided`: well formed, but its meaning is not known here.
struct RefError {
  std::string message;
  bool undecided = false;
};

}  // namespace netpolc::verify
