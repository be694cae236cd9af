// codegen-bpf/l4_layout.h — a direction's L4 classes, regrouped the way C says them: protocols
// that are treated alike together, ports that are treated alike together.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "ir/decide/table.h"

namespace netpolc::codegen_bpf {

// Ports (or ICMP types) with the same entries.
struct PortGroup {
  std::vector<std::pair<std::uint16_t, std::uint16_t>> ranges;  // sorted
  std::vector<ir::TableEntry> entries;
  std::uint32_t width() const;
  auto operator<=>(const PortGroup&) const = default;
};

struct ProtocolGroup {
  std::vector<ir::Protocol> protocols;
  std::vector<PortGroup> ports;  // by first port, but the widest last: C's `default`
};

std::vector<ProtocolGroup> lay_out(const ir::DirectionTable& table);

}  // namespace netpolc::codegen_bpf
