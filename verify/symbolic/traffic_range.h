// verify/symbolic/traffic_range.h — what traffic a question is about.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "ir/verdict.h"

namespace netpolc::verify {

// No protocol: every one. Numbers are ports, or ICMP types.
struct FlowRange {
  std::optional<ir::Protocol> protocol = std::nullopt;
  std::uint16_t first = 0, last = 65535;
};
std::string to_string(const FlowRange& range);  // "tcp/80", "udp/1-1024", "every port and protocol"

}  // namespace netpolc::verify
