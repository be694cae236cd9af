// frontend/cluster/assemble.h — all cluster objects, read, to the cluster they describe.
#pragma once
#include <vector>

#include "frontend/cluster/objects.h"
#include "frontend/cluster/routes.h"
#include "ir/cluster.h"

namespace netpolc::frontend {

// Each object once: its last version.
struct ClusterObjects {
  std::vector<ir::Namespace> namespaces;
  std::vector<PodObject> pods;
  std::vector<Workload> workloads;
  std::vector<ir::Node> nodes;
  std::vector<ir::Node> cilium_nodes;
  std::vector<ir::Service> services;
  std::vector<Backends> endpoints;
  std::vector<Backends> slices;
  std::vector<ir::KnownIdentity> identities;
  std::vector<CiliumEndpointObject> cilium_endpoints;
  std::vector<std::vector<CiliumEndpointObject>> cilium_endpoint_slices;  // read where there is no CiliumEndpoint of the name
  std::vector<RouteObject> routes, gateways;
  std::vector<ir::LocalRedirect> redirects;
};

ir::Cluster assemble(ClusterObjects objects, const ir::Config& config, DiagSink& sink);

// Its steps. Endpoints come sorted by (ns, name, kind).
std::vector<ir::Endpoint> assemble_endpoints(const ClusterObjects& objects, const ir::Config& config,
                                             const std::vector<ir::Node>& nodes, DiagSink& sink);

}  // namespace netpolc::frontend
