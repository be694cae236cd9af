#include "verify/service_paths.h"

#include <algorithm>

#include "verify/conclude.h"
#include "verify/ingress_proxy.h"
#include "verify/service_cases.h"

namespace netpolc::verify {
namespace {

using Port = ir::Service::Port;

tl::unexpected<RefError> refuse(std::string message) { return tl::unexpected(RefError{std::move(message), false}); }

// "" where the way leads to the service.
std::string impossible(Via via, const ir::Service& service, const ir::Exposure& exposure) {
  const std::string name = "service `" + service.ns + "/" + service.name + "`";
  if (exposure.type == ir::ServiceType::ExternalName) return name + " is of type ExternalName: a name of something else, which no way leads to";
  if (via == Via::ClusterIp && exposure.headless) return name + " is headless (clusterIP: None): it has no address of its own; its pods are asked for with --via direct";
  if (via == Via::NodePort && exposure.type == ir::ServiceType::ClusterIp) return name + " is of type ClusterIP: no node port leads to it";
  if (via == Via::NodePort && exposure.type == ir::ServiceType::LoadBalancer && !exposure.allocates_node_ports && exposure.node_ports.empty())
    return name + " has no node ports (allocateLoadBalancerNodePorts: false)";
  if (via == Via::LoadBalancer && exposure.type != ir::ServiceType::LoadBalancer) return name + " is not of type LoadBalancer: no load balancer leads to it";
  return "";
}

std::uint16_t node_port_of(const ir::Exposure& exposure, const Port& port) {
  for (const auto& one : exposure.node_ports)
    if (one.protocol == port.protocol && one.port == port.port) return one.node_port;
  return 0;
}

enum class InRange : std::uint8_t { Yes, No, Unknown };

// Section 9.4: who is not in the list is dropped before policy. Which families a list without any range of one means is not said.
InRange in_ranges(const ir::Exposure& exposure, const End& client) {
  if (!client.address) return InRange::Unknown;
  bool family = false;
  for (const IpPrefix& range : exposure.source_ranges) {
    family |= range.address.v6 == client.address->v6;
    if (range.contains(*client.address)) return exposure.source_ranges_deny ? InRange::No : InRange::Yes;
  }
  if (!family) return InRange::Unknown;
  return exposure.source_ranges_deny ? InRange::Yes : InRange::No;
}

// Ends of a prefix stand for all that policies treat alike, and ranges may cut those.
bool cuts(const ir::Exposure& exposure, std::string_view reference) {
  if (!reference.starts_with("cidr:")) return false;
  const auto prefix = IpPrefix::parse(reference.substr(5));
  return prefix && std::any_of(exposure.source_ranges.begin(), exposure.source_ranges.end(), [&](const IpPrefix& range) { return prefix->contains(range) && range != *prefix; });
}

const ir::Route* route_to(const ir::Cluster& cluster, const ir::Service& service, const std::vector<const Port*>& ports) {
  for (const ir::Route& route : cluster.routes)
    for (const auto& backend : route.backends) {
      if (backend.ns != service.ns || backend.service != service.name) continue;
      const bool fits = std::any_of(ports.begin(), ports.end(), [&](const Port* port) { return backend.port != 0 ? backend.port == port->port : backend.port_name.empty() || backend.port_name == port->name; });
      if (fits) return &route;
    }
  return nullptr;
}

std::vector<const Port*> ports_of(const ir::Service& service, std::string_view wanted, const std::optional<ir::Flow>& flow) {
  std::vector<const Port*> out;
  for (const Port& port : service.ports) {
    const bool named = wanted.empty() || port.name == wanted || std::to_string(port.port) == wanted;
    if (named && (!flow || *flow == ir::Flow{port.protocol, port.port})) out.push_back(&port);
  }
  return out;
}

bool on_other_nodes(const Cases::Way& way, const ir::Cluster& cluster) {
  const auto here = node_names(way.client, cluster), there = node_names(way.backend, cluster);
  if (!here || !there) return false;
  return std::none_of(here->begin(), here->end(), [&](const std::string& node) { return std::find(there->begin(), there->end(), node) != there->end(); });
}

bool any_client(const Ends& from, const ir::Cluster& cluster, Client kind) {
  return std::any_of(from.begin(), from.end(), [&](const End& end) { return client_of(end, cluster) == kind; });
}

}  // namespace

struct ServicePaths::Asked {
  const Question& question;
  Via via;
  const ir::Service& service;
  ir::Exposure exposure;
  std::vector<const Port*> ports;
  bool cilium = true;
};

ServicePaths::ServicePaths(const ir::eval::World& world, const ir::IdentityLock& lock, Judge& judge, PathFacts facts)
    : world_(world), lock_(lock), judge_(judge), facts_(std::move(facts)) {}
ServicePaths::~ServicePaths() = default;

PathSettings ServicePaths::settings(const Asked& asked, ir::Protocol protocol) const {
  const ir::ServiceHandling& handling = facts_.handling;
  PathSettings out{.via = asked.via, .cilium = asked.cilium};
  std::string mode = handling.mode.value_or("snat");
  if (handling.mode_by_annotation.value_or(false) && !asked.exposure.forwarding_mode.empty()) mode = asked.exposure.forwarding_mode;
  out.tunnel = world_.cluster.config.tunnel_port != 0;
  out.dsr = mode == "dsr" || (mode == "hybrid" && protocol == ir::Protocol::Tcp);
  out.external_local = asked.exposure.external_local && asked.via != Via::ClusterIp;
  out.external_cluster_ip = handling.external_cluster_ip.value_or(false);
  out.pods_translate_node_ports = world_.cluster.config.version >= 20 || !handling.socket_lb_hosts_only.value_or(false);
  out.balancer_is_proxy = asked.exposure.balancer_is_proxy;
  out.balancer_unknown = asked.exposure.balancer_addresses.empty();
  return out;
}

template <class Add>
void ServicePaths::for_each_way(const Asked& asked, const Ends& from, PathAnswer& out, Add&& add) {
  for (const End& source : from) {
    out.ends.push_back(source);
    const End& client = out.ends.back();
    for (const Port* port : asked.ports) {
      const ir::Flow service{port->protocol, port->port};
      const auto found = judge_.directory().resolve("svc:" + asked.service.ns + "/" + asked.service.name, service);
      if (!found) continue;  // a port whose name no backend has
      for (const End& backend : *found) {
        out.ends.push_back(backend);
        const End& to = out.ends.back();
        for (const ir::Flow flow : to.flows) add(Cases::Way{client, to, flow, service, node_port_of(asked.exposure, *port), asked.exposure.balancer_addresses}, port->protocol);
      }
    }
  }
}

// Whether loadBalancerSourceRanges lets the client in; else the case is added.
bool ServicePaths::in_source_ranges(const Asked& asked, const Cases::Way& way, Cases& cases) const {
  const bool asked_here = asked.via == Via::LoadBalancer || (asked.via == Via::NodePort && asked.cilium && facts_.handling.all_source_ranges.value_or(false));
  if (asked.exposure.source_ranges.empty() || !asked_here || asked.exposure.balancer_is_proxy) return true;
  const InRange in = cuts(asked.exposure, asked.question.from) ? InRange::Unknown : in_ranges(asked.exposure, way.client);
  const Step dropped{Arrival::Any, Cause::SourceRanges, {}};
  if (in == InRange::No) cases.add_without_policy(way, dropped, Word::Denied, "dropped before policy (177): loadBalancerSourceRanges does not let the client in");
  if (in == InRange::Unknown) cases.add_without_policy(way, dropped, Word::Undecided, "whether loadBalancerSourceRanges lets all of " + way.client.name + " in is not known: ask about one address");
  return in == InRange::Yes;
}

void ServicePaths::answer(const Asked& asked, const Ends& from, PathAnswer& out) {
  const ir::Cluster& cluster = judge_.directory().cluster();
  Cases cases(judge_, asked.question.request ? &*asked.question.request : nullptr, out);
  // Where each client's pods find a backend, and those that find none.
  std::vector<std::pair<Cases::Way, bool>> clients;
  for_each_way(asked, from, out, [&](const Cases::Way& way, ir::Protocol protocol) {
    if (clients.empty() || &clients.back().first.client != &way.client) clients.emplace_back(way, false);
    const Client kind = client_of(way.client, cluster);
    const PathSettings how = settings(asked, protocol);
    const std::vector<Step> all = steps(kind, how);
    const bool translated = kind != Client::Outside && all.size() == 1 && all.front().cause == Cause::Translated;
    if (translated && asked.exposure.internal_local && on_other_nodes(way, cluster)) return;
    clients.back().second = true;
    if (kind == Client::Outside && !in_source_ranges(asked, way, cases)) return;
    if ((translated || asked.via == Via::Direct) && !cases.add_itself(way, all.front().cause)) return;
    cases.add(way, how);
  });
  // kube-proxy asks the list of clients in the cluster, too, but for what is the node's own; Cilium does not (section 9.4).
  for (PathCase& one : out.cases) {
    if (asked.via != Via::LoadBalancer || asked.exposure.source_ranges.empty() || one.cause != Cause::KubeProxy || one.arrival != Arrival::Any || one.word != Word::Allowed) continue;
    one.word = Word::Undecided;
    one.reason = "whether kube-proxy lets a client in the cluster through loadBalancerSourceRanges is not certain";
  }
  for (const auto& [way, served] : clients)
    if (!served) cases.add_without_policy(way, {Arrival::Any, Cause::NoBackendHere, {}}, Word::Denied, "dropped before policy (158): internalTrafficPolicy is Local, and no backend runs on a node of the client");
}

void ServicePaths::through_proxy(const Asked& asked, const Ends& from, PathAnswer& out) {
  if (!proxy_) proxy_ = std::make_unique<IngressProxy>(world_, lock_);
  out.judge = &proxy_->judge();
  for_each_way(asked, from, out, [&](const Cases::Way& way, ir::Protocol) { proxy_->add(way, asked.question.request ? &*asked.question.request : nullptr, out); });
}

// What nothing in the input says, and the answer goes by.
void ServicePaths::assume(const Asked& asked, const Ends& from, PathAnswer& out) const {
  const ir::Cluster& cluster = judge_.directory().cluster();
  const ir::ServiceHandling& handling = facts_.handling;
  const bool outside = any_client(from, cluster, Client::Outside);
  const char* own = "Cilium's default";
  if (asked.via == Via::Ingress) {
    if (out.route == nullptr) out.assuming.push_back({"an Ingress or a Gateway of Cilium's leads to it", "the input has none that does"});
    out.assuming.push_back({"the proxy listens on ports 80 and 443", "its listeners are not read"});
    return;
  }
  if (asked.via == Via::Direct || (asked.via == Via::ClusterIp && !outside)) return;
  if (!handling.kube_proxy_replacement)
    out.assuming.push_back({asked.cilium ? "kube-proxy-replacement: true" : "kube-proxy-replacement: false", asked.cilium ? "there is no cilium-config; where it is false, kube-proxy serves it, and policy sees others" : own});
  const bool forwards = std::any_of(out.cases.begin(), out.cases.end(), [](const PathCase& one) { return one.arrival == Arrival::OtherNode; });
  if (asked.cilium && outside && forwards) {
    if (!handling.mode) out.assuming.push_back({"bpf-lb-mode: snat", own});
    if (!handling.routing_given) out.assuming.push_back({"routing-mode: tunnel", own});
  }
  if (asked.via == Via::ClusterIp && asked.cilium && !handling.external_cluster_ip) out.assuming.push_back({"bpf-lb-external-clusterip: false", own});
  if (asked.via == Via::NodePort && asked.cilium && !asked.exposure.source_ranges.empty() && outside && !handling.all_source_ranges) out.assuming.push_back({"bpf-lb-source-range-all-types: false", own});
  if (asked.via == Via::LoadBalancer && outside && !asked.exposure.balancer_is_proxy) out.assuming.push_back({"the load balancer passes on the client's address", "what it does is not in the input"});
  if (has_one_node(cluster) && !asked.exposure.external_local) out.assuming.push_back({"there is one node", "the input has no other"});
}

tl::expected<PathAnswer, RefError> ServicePaths::ask(const Question& question, Via via) {
  PathAnswer out;
  out.via = via;
  out.judge = &judge_;
  if (!question.to.starts_with("svc:")) return refuse("--via is the way to a service: --to svc:ns/name or svc:ns/name:port");
  const std::string_view text = std::string_view(question.to).substr(4);
  const auto colon = text.find(':');
  const std::string name(text.substr(0, colon));
  const auto& services = judge_.directory().cluster().services;
  const auto service = std::find_if(services.begin(), services.end(), [&](const ir::Service& one) { return one.ns + "/" + one.name == name; });
  if (service == services.end()) return refuse("no service `" + name + "`");
  auto exposure = facts_.exposure(*service);
  if (!exposure) return refuse(exposure.error());
  if (const std::string problem = impossible(via, *service, *exposure); !problem.empty()) return refuse(problem);
  const Resolved to = judge_.directory().resolve(question.to, question.flow);
  const Resolved from = judge_.directory().resolve(question.from, question.from.starts_with("svc:") ? std::nullopt : question.flow);
  for (const Resolved* one : {&to, &from}) {
    if (*one) continue;
    if (!one->error().undecided) return tl::unexpected(one->error());
    out.reason = one->error().message;
    return out;
  }
  Asked asked{question, via, *service, std::move(*exposure), ports_of(*service, colon == std::string_view::npos ? "" : text.substr(colon + 1), question.flow)};
  asked.cilium = facts_.handling.kube_proxy_replacement.value_or(!facts_.handling.config_given);
  for (const Port* port : asked.ports) {
    if (via == Via::Ingress && port->protocol != ir::Protocol::Tcp) return refuse("an Ingress or a Gateway sends over TCP: ask about a port of that protocol");
    if (const auto number = node_port_of(asked.exposure, *port); number != 0) out.node_ports.push_back(number);
  }
  if (via == Via::Ingress) {
    out.route = route_to(judge_.directory().cluster(), *service, asked.ports);
    through_proxy(asked, *from, out);
  } else {
    answer(asked, *from, out);
  }
  std::vector<Word> words;
  for (const PathCase& one : out.cases) {
    words.push_back(one.word);
    out.others_drop |= asked.exposure.external_local && (one.cause == Cause::KeptByLocal || one.cause == Cause::NodeTranslates) && !one.hops.empty();
    if (one.word == Word::Undecided && out.reason.empty()) out.reason = one.reason;
  }
  out.word = together(words);
  if (out.word != Word::Undecided) out.reason.clear();
  assume(asked, *from, out);
  return out;
}

}  // namespace netpolc::verify
