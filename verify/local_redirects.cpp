#include "verify/local_redirects.h"

#include <algorithm>

namespace netpolc::verify {
namespace {

bool is_for(const ir::LocalRedirect& redirect, const ir::Service& service, const ir::Service::Port& port) {
  const bool named = redirect.service == service.name && redirect.ns == service.ns;
  const bool at = redirect.address && std::find(service.cluster_ips.begin(), service.cluster_ips.end(), *redirect.address) != service.cluster_ips.end();
  if (!named && !at) return false;
  return redirect.ports.empty() || std::any_of(redirect.ports.begin(), redirect.ports.end(), [&](const ir::Service::Port& one) {
           return one.port == port.port && one.protocol == port.protocol;
         });
}

bool is_for(const ir::LocalRedirect& redirect, const IpAddress& address, const std::optional<ir::Flow>& flow) {
  if (redirect.address != address) return false;
  return !flow || redirect.ports.empty() || std::any_of(redirect.ports.begin(), redirect.ports.end(), [&](const ir::Service::Port& one) {
           return one.port == flow->number && one.protocol == flow->protocol;
         });
}

RefError undecided(const ir::LocalRedirect& redirect) {
  const std::string rest = redirect.address ? "" : ", and about those of the Service";
  return {"CiliumLocalRedirectPolicy " + redirect.ns + "/" + redirect.name + " sends it to pods on the sender's own node, if there are any: ask about these pods" + rest, true};
}

template <class... Asked>
std::optional<RefError> first(const std::vector<ir::LocalRedirect>& redirects, const Asked&... asked) {
  const auto found = std::find_if(redirects.begin(), redirects.end(), [&](const ir::LocalRedirect& one) { return is_for(one, asked...); });
  return found == redirects.end() ? std::nullopt : std::optional(undecided(*found));
}

}  // namespace

std::optional<RefError> redirected(const std::vector<ir::LocalRedirect>& redirects, const ir::Service& service, const ir::Service::Port& port) { return first(redirects, service, port); }

std::optional<RefError> redirected(const std::vector<ir::LocalRedirect>& redirects, const IpAddress& address, const std::optional<ir::Flow>& flow) { return first(redirects, address, flow); }

}  // namespace netpolc::verify
