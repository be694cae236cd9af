// compiler/explain/endpoint.h — what policy makes of one endpoint, a pod or the host of a node: its labels, who selects it, what may come
// and go. Explanations only: who is let through is the engine's word (verify/all_ports.h).
#pragma once
#include <string>
#include <vector>

#include "compiler/explain/peers.h"
#include "verify/all_ports.h"

namespace netpolc::explain {

struct Dropped {
  ir::Label label;
  std::string why;
};

struct SelectingPolicy {
  std::size_t policy = 0;  // index into PolicySet::policies
  std::size_t allows = 0, denies = 0, passes = 0;  // rules of the direction
  bool default_deny = false;
};

// Others to or from whom the same may pass.
struct Allowed {
  std::vector<std::string> peers;
  std::vector<verify::AccessId> traffic;  // several where a name stands for several: replicas, nodes, addresses
};

struct Denied {
  ir::RuleRef rule;
  std::string peers, ports;
};

struct EndpointDirection {
  ir::Direction direction = ir::Direction::Ingress;
  ir::Enforcement enforcement = ir::Enforcement::None;
  std::vector<ir::RuleRef> switched_on;   // that deny by default
  std::vector<SelectingPolicy> policies;  // by kind and name
  std::vector<Allowed> allowed;           // of what no policy says nothing about; in the order of the first peer
  std::vector<std::string> nothing_for;   // peers with whom nothing may pass
  std::vector<std::string> unknown;       // what is allowed to names without a known address, in words
  std::vector<Denied> denied;             // deny rules
  std::string open;                       // why everything is allowed, where it is
};

struct EndpointView {
  std::uint32_t endpoint = 0;        // index into Cluster::endpoints, if it is no host
  std::vector<std::uint32_t> nodes;  // of a host: whose it is; several where their labels are the same
  std::uint32_t identity = 0;        // 0: none of its own
  ir::LabelSet labels;
  std::vector<Dropped> dropped;
  std::vector<std::string> notes;
  std::string incomputable;
  std::vector<ir::RuleRef> conflict;  // of `incomputable`
  std::vector<EndpointDirection> directions;  // ingress, egress; none where no policy of pods is asked
};
EndpointView view_of(std::uint32_t endpoint, verify::AllPorts& ports, const Sources& sources);
// The hosts of nodes of this cluster, indices into Cluster::nodes: one view for all that have the same labels, in the order of the first.
std::vector<EndpointView> host_views(const std::vector<std::uint32_t>& nodes, verify::AllPorts& ports, const Sources& sources);

std::string endpoint_text(const EndpointView& view, const verify::AllPorts& ports, const Sources& sources, bool wide);
std::string endpoint_json(const std::vector<EndpointView>& views, const verify::AllPorts& ports, const Sources& sources);

}  // namespace netpolc::explain
