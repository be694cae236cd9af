// Service references: translation to backends and their ports happens before policy
// (semantics reference, section 8), so a service stands for its backends.
#include <algorithm>
#include <charconv>

#include "ir/base/near_names.h"
#include "verify/directory.h"
#include "verify/local_redirects.h"

namespace netpolc::verify {
namespace {

using Port = ir::Service::Port;

bool selects(const ir::Service& service, const ir::Endpoint& endpoint) {
  if (endpoint.ns != service.ns || endpoint.remote) return false;
  const auto has = [](const ir::LabelSet& labels, const auto& wanted) {
    return std::any_of(labels.begin(), labels.end(), [&](const ir::Label& label) {
      return label.source == "k8s" && label.key == wanted.first && label.value == wanted.second;
    });
  };
  return std::all_of(service.selector.begin(), service.selector.end(), [&](const auto& wanted) {
    return has(endpoint.labels, wanted) || has(endpoint.filtered_out, wanted);
  });
}

std::string list_ports(const ir::Service& service) {
  std::string out;
  for (const auto& port : service.ports)
    out += (out.empty() ? "" : ", ") + std::to_string(port.port) + (port.name.empty() ? "" : " (" + port.name + ")");
  return out.empty() ? "none" : out;
}

// 0 where the backend does not declare the named port.
std::uint16_t target_of(const Port& port, const ir::Endpoint* backend) {
  if (port.target_name.empty()) return port.target_port != 0 ? port.target_port : port.port;
  if (backend == nullptr) return port.port;
  for (const auto& named : backend->named_ports)
    if (named.name == port.target_name && named.protocol == port.protocol) return named.port;
  return 0;
}

}  // namespace

Ends Directory::backends(const ir::Service& service) const {
  Ends ends;
  if (service.selector.empty()) {
    for (const auto& address : service.endpoints) ends.push_back(address_end(address));
    return ends;
  }
  for (std::uint32_t e = 0; e < cluster_.endpoints.size(); ++e)
    if (selects(service, cluster_.endpoints[e])) ends.push_back(endpoint_end(e, std::nullopt));
  return ends;
}

Resolved Directory::translated(const ir::Service& service, std::string_view wanted,
                               const std::optional<ir::Flow>& flow) const {
  const std::string shown = service.ns + "/" + service.name;
  std::vector<const Port*> ports;
  for (const auto& port : service.ports) {
    const bool fits = wanted.empty() ? !flow || (flow->number == port.port && flow->protocol == port.protocol)
                                     : (port.name == wanted || std::to_string(port.port) == wanted) &&
                                           (!flow || (flow->protocol == port.protocol && flow->number == port.port));
    if (fits) ports.push_back(&port);
  }
  if (ports.empty()) {
    const std::string both = !wanted.empty() && flow ? " as `" + std::string(wanted) + "` and " + std::to_string(flow->number) + "/" + ir::to_string(flow->protocol) + " together" : "";
    return tl::unexpected(RefError{"service `" + shown + "` has no such port" + both + "; it has " + list_ports(service), false});
  }
  for (const Port* port : ports)
    if (const auto undecided = redirected(cluster_.redirects, service, *port)) return tl::unexpected(*undecided);
  Ends out;
  for (End& end : backends(service)) {
    const ir::Endpoint* backend = end.kind == EndKind::Endpoint ? &cluster_.endpoints[end.index] : nullptr;
    for (const Port* port : ports) {
      const auto target = target_of(*port, backend);
      if (target == 0) continue;
      if (end.flows.empty())
        end.via = "service " + service.name + ":" + std::to_string(port->port) + " → targetPort " + std::to_string(target);
      end.flows.push_back({port->protocol, target});
    }
    if (!end.flows.empty()) out.push_back(std::move(end));
  }
  if (out.empty()) return tl::unexpected(RefError{"service `" + shown + "` has no backends", true});
  return out;
}

Resolved Directory::by_service(std::string_view text, const std::optional<ir::Flow>& flow) const {
  const auto colon = text.find(':');
  const std::string name(text.substr(0, colon));
  const auto found = services_.find(name);
  if (found == services_.end()) {
    std::vector<std::string> known;
    for (const ir::Service& service : cluster_.services) known.push_back(service.ns + "/" + service.name);
    return tl::unexpected(RefError{"no service `" + name + "`" + did_you_mean(name, known), false});
  }
  const auto port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  return translated(cluster_.services[found->second], port, flow);
}

}  // namespace netpolc::verify
