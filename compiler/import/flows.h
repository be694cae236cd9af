// compiler/import/flows.h — what netpolc answers, in the shape of Hubble's flows (Cilium's api/v1/flow/flow.proto as protojson, one
// GetFlowsResponse a line), as if every pair of ends had sent one packet. `hubble observe --input-file` reads it, and so does
// `netpolc replay`.
//
// A flow is a policy verdict: one where the packet leaves, and one where it arrives if it left. As in Cilium a verdict of default
// deny names no policy, what a proxy looks at is REDIRECTED, and flows that no policy selects name none.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/identity/identities.h"
#include "verify/judge.h"

namespace netpolc::compiler::import {

struct FlowEnds {
  std::vector<verify::End> from, to;
};

struct ExportCounts {
  std::uint64_t flows = 0;
  std::uint64_t undecided = 0;  // sides whose policy cannot be computed: no flow
};

class FlowExport {
 public:
  // Everything outlives it. `time`: RFC 3339, of every flow.
  FlowExport(const ir::eval::World& world, const ir::Identities& identities, verify::Judge& judge, std::string time) : world_(world), identities_(identities), judge_(judge), time_(std::move(time)) {}

  // Every pair, in the order of the lists, and of each what is sent: the backend's flows where a service was asked for, else `flows`.
  // `put` gets whole lines.
  ExportCounts write(const FlowEnds& ends, const std::vector<ir::Flow>& flows, const std::function<void(const std::string&)>& put);

 private:
  struct Packet {
    const verify::End& from;
    const verify::End& to;
    ir::Flow flow;
    const verify::Meeting& meeting;
  };
  bool side(const Packet& packet, ir::Direction direction, ExportCounts& counts, const std::function<void(const std::string&)>& put);

  const ir::eval::World& world_;
  const ir::Identities& identities_;
  verify::Judge& judge_;
  std::string time_;
};

// What can be sent to an end where nobody says: the ports that policies name (of a range its first) and those that the end names.
std::vector<ir::Flow> flows_worth_asking(const ir::PolicySet& policies, const ir::Cluster& cluster);
// All pods and workloads of this cluster that have policies of their own.
std::vector<verify::End> managed_ends(const verify::Directory& directory);
// Whether flows can have it as an end: a workload with a network of its own, or an outside address.
bool can_be_written(const verify::End& end, const ir::Cluster& cluster);

}  // namespace netpolc::compiler::import
