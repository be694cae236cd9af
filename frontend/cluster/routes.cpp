#include "frontend/cluster/routes.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace netpolc::frontend {
namespace {

const Node* in(const Node* parent, std::string_view key) { return parent != nullptr && parent->is_mapping() ? parent->find(key) : nullptr; }

std::string text_in(const Node* parent, std::string_view key) {
  const Node* value = in(parent, key);
  return value != nullptr && value->is_scalar() ? value->text : "";
}

const std::vector<Node>& items_in(const Node* parent, std::string_view key) {
  static const std::vector<Node> none;
  const Node* list = in(parent, key);
  return list != nullptr && list->is_sequence() ? list->items : none;
}

RouteObject read_name(const Node& object, const std::string& kind) {
  const Node* metadata = in(&object, "metadata");
  const Node* name = in(metadata, "name");
  const std::string ns = text_in(metadata, "namespace");
  return {{ns.empty() ? "default" : ns, text_in(metadata, "name"), kind, {}, name != nullptr ? name->span : object.span}, false, {}};
}

std::uint16_t port_in(const Node* parent, std::string_view key) {
  const Node* value = in(parent, key);
  const auto number = value != nullptr && value->is_integer() ? value->integer_value() : std::nullopt;
  return number && *number > 0 && *number <= 65535 ? static_cast<std::uint16_t>(*number) : 0;
}

void add_backend(const Node* backend, ir::Route& to) {
  const Node* service = in(backend, "service");
  const Node* port = in(service, "port");
  if (service != nullptr) to.backends.push_back({to.ns, text_in(service, "name"), port_in(port, "number"), text_in(port, "name")});
}

void sort_backends(ir::Route& route) {
  std::sort(route.backends.begin(), route.backends.end());
  route.backends.erase(std::unique(route.backends.begin(), route.backends.end()), route.backends.end());
}

constexpr const char* kClass = "cilium";

}  // namespace

RouteObject read_ingress(const Node& object) {
  RouteObject out = read_name(object, "Ingress");
  const Node* spec = in(&object, "spec");
  out.of_cilium = text_in(spec, "ingressClassName") == kClass || text_in(in(in(&object, "metadata"), "annotations"), "kubernetes.io/ingress.class") == kClass;
  add_backend(in(spec, "defaultBackend"), out.route);
  for (const Node& rule : items_in(spec, "rules"))
    for (const Node& path : items_in(in(&rule, "http"), "paths")) add_backend(in(&path, "backend"), out.route);
  sort_backends(out.route);
  return out;
}

RouteObject read_gateway(const Node& object) {
  RouteObject out = read_name(object, "Gateway");
  out.of_cilium = text_in(in(&object, "spec"), "gatewayClassName") == kClass;
  return out;
}

RouteObject read_route(const Node& object, const std::string& kind) {
  RouteObject out = read_name(object, kind);
  const Node* spec = in(&object, "spec");
  for (const Node& parent : items_in(spec, "parentRefs")) {
    const std::string ns = text_in(&parent, "namespace"), of_kind = text_in(&parent, "kind");
    if (of_kind.empty() || of_kind == "Gateway") out.gateways.push_back((ns.empty() ? out.route.ns : ns) + "/" + text_in(&parent, "name"));
  }
  for (const Node& rule : items_in(spec, "rules"))
    for (const Node& to : items_in(&rule, "backendRefs")) {
      const std::string ns = text_in(&to, "namespace"), of_kind = text_in(&to, "kind");
      if (of_kind.empty() || of_kind == "Service") out.route.backends.push_back({ns.empty() ? out.route.ns : ns, text_in(&to, "name"), port_in(&to, "port"), ""});
    }
  sort_backends(out.route);
  return out;
}

std::vector<ir::Route> routes_of(const std::vector<RouteObject>& routes, const std::vector<RouteObject>& gateways) {
  std::set<std::string> served;
  for (const RouteObject& gateway : gateways)
    if (gateway.of_cilium) served.insert(gateway.route.ns + "/" + gateway.route.name);
  std::vector<ir::Route> out;
  for (const RouteObject& one : routes)
    if (one.of_cilium || std::any_of(one.gateways.begin(), one.gateways.end(), [&](const std::string& name) { return served.count(name) != 0; })) out.push_back(one.route);
  std::sort(out.begin(), out.end(), [](const ir::Route& a, const ir::Route& b) { return std::tie(a.ns, a.name, a.kind) < std::tie(b.ns, b.name, b.kind); });
  return out;
}

}  // namespace netpolc::frontend
