// frontend/cluster/routes.h — Ingresses and routes of Gateways that Cilium's proxy serves. They decide nothing of what policy says;
// so nothing that is wrong in them is reported: what cannot be read is left out.
#pragma once
#include <string>
#include <vector>

#include "frontend/yaml/document.h"
#include "ir/cluster.h"

namespace netpolc::frontend {

struct RouteObject {
  ir::Route route;
  bool of_cilium = false;             // an Ingress or a Gateway by its class
  std::vector<std::string> gateways;  // of a route: "namespace/name"
};

RouteObject read_ingress(const Node& object);
RouteObject read_gateway(const Node& object);
RouteObject read_route(const Node& object, const std::string& kind);

// Those of Cilium's class, and those of Gateways of its class.
std::vector<ir::Route> routes_of(const std::vector<RouteObject>& routes, const std::vector<RouteObject>& gateways);

}  // namespace netpolc::frontend
