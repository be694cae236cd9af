// ir/identity/services.h — the services that a toServices entry means (semantics reference, section 1.9).
#pragma once
#include <vector>

#include "ir/cluster.h"
#include "ir/policy.h"

namespace netpolc::ir {

std::vector<const Service*> selected_services(const ServicePeer& peer, const Cluster& cluster);

}  // namespace netpolc::ir
