// compiler/explain/ports.h — the ports of a rule in words: which numbers names have, whose port is a service's.
#pragma once
#include "compiler/explain/peers.h"

namespace netpolc::explain {

// `subjects`: endpoints that the policy selects, as indices.
std::vector<PortsView> ports_view(const ir::Rule& rule, const std::vector<std::uint32_t>& subjects, const Population& population, const Sources& sources);

}  // namespace netpolc::explain
