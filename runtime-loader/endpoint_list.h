// runtime-loader/endpoint_list.h — the endpoints of this node as `endpoint list` shows them: those that
// something is attached to, and those that the bundle has here and nobody attached.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime-loader/status.h"

namespace netpolc::loader {

struct EndpointLine {
  std::string name;                  // NAMESPACE/POD as attached; "node NAME" of a node with a policy of its own
  std::string ingress, egress;       // "Enabled", "Disabled", "Enabled (audit)"; "" where no policy is known for it
  std::optional<std::uint32_t> identity;
  std::vector<std::string> labels;
  std::vector<std::string> ipv6, ipv4;
  std::string status;                // "ready", "blocked", "open", "stale" or "not-loaded"
  std::string interface, netns;      // "": nothing is attached
  std::string workload;              // "Deployment shop/cart"; "" where the bundle doesn't know it
  std::string program, mode;         // digest; "tcx" or "clsact"
  std::string reason;                // why it isn't ready
  std::string origin;                // "list" or "feed" of the daemon; "": a load
};

// In order of names and interfaces. A node's own program is one line for each of its interfaces.
std::vector<EndpointLine> endpoint_lines(const Status& status);

// Cilium's columns, and the interface. `wide`: workload, program, mode and reason too.
std::string endpoints_text(const std::vector<EndpointLine>& lines, bool headers, bool wide);
std::string endpoints_json(const std::vector<EndpointLine>& lines);

}  // namespace netpolc::loader
