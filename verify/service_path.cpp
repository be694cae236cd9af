#include "verify/service_path.h"

namespace netpolc::verify {
namespace {

// Section 8.6 and 9.4: what arrives at a node from outside.
std::vector<Step> from_outside(const PathSettings& s) {
  if (s.external_local) return {{Arrival::NodeWithBackend, Cause::KeptByLocal, {Seen::Itself}}};
  if (!s.cilium) return {{Arrival::BackendNode, Cause::KubeProxy, {Seen::Host, Seen::World}}, {Arrival::OtherNode, Cause::KubeProxy, {Seen::RemoteNode, Seen::World}}};
  std::vector<Step> out{{Arrival::BackendNode, Cause::SameNode, {Seen::Itself}}};
  if (s.dsr && !s.tunnel) out.push_back({Arrival::OtherNode, Cause::Dsr, {Seen::Itself}});
  else if (s.dsr) out.push_back({Arrival::OtherNode, Cause::DsrInTunnel, {Seen::Itself, Seen::World}});
  else if (s.tunnel) out.push_back({Arrival::OtherNode, Cause::SnatInTunnel, {Seen::World}});
  else out.push_back({Arrival::OtherNode, Cause::SnatNative, {Seen::RemoteNode}});
  return out;
}

std::vector<Step> outside_to_cluster_ip(PathSettings s) {
  if (!s.cilium)  // it replaces the source of what is not a pod's only where it is told to
    return {{Arrival::BackendNode, Cause::KubeProxyClusterIp, {Seen::Itself, Seen::Host, Seen::World}}, {Arrival::OtherNode, Cause::KubeProxyClusterIp, {Seen::Itself, Seen::RemoteNode, Seen::World}}};
  if (!s.external_cluster_ip) return {{Arrival::Any, Cause::ExternalClusterIp, {}}};
  s.external_local = false;
  return from_outside(s);
}

const std::vector<Seen> kAnyone{Seen::Itself, Seen::Host, Seen::RemoteNode, Seen::World};

// Section 9.1. Policy of a pod sees the address that it sends to, unless that is translated before.
std::vector<Step> from_pod(const PathSettings& s) {
  const bool balancer = s.via == Via::LoadBalancer;
  if (balancer && (s.balancer_is_proxy || s.balancer_unknown)) return {{Arrival::Any, Cause::BalancerConnects, {}}};
  const Step translated{Arrival::Any, Cause::Translated, {Seen::Itself}};
  if (s.cilium && (balancer || s.pods_translate_node_ports)) return {translated};
  const Cause cause = s.cilium ? Cause::NodeTranslates : Cause::KubeProxy;
  if (balancer) return {{Arrival::Any, cause, kAnyone, SentTo::BalancerAddress}};
  const Step other{Arrival::OtherNodeAddress, cause, kAnyone, SentTo::OtherNode};
  if (s.cilium) return {{Arrival::OwnNodeAddress, Cause::Translated, {Seen::Itself}}, other};
  return {{Arrival::OwnNodeAddress, cause, kAnyone, SentTo::OwnNode}, other};
}

std::vector<Step> from_node(const PathSettings& s) {
  if (s.via == Via::LoadBalancer && (s.balancer_is_proxy || s.balancer_unknown)) return {{Arrival::Any, Cause::BalancerConnects, {}}};
  if (s.cilium) return {{Arrival::Any, Cause::Translated, {Seen::Itself}}};
  return {{Arrival::Any, Cause::KubeProxy, kAnyone}};
}

}  // namespace

std::optional<Via> via_of(std::string_view word) {
  for (std::size_t i = 0; i < kVias.size(); ++i)
    if (word == kVias[i]) return static_cast<Via>(i);
  return std::nullopt;
}

std::string_view to_string(Via via) { return kVias[static_cast<std::size_t>(via)]; }

std::vector<Step> steps(Client client, const PathSettings& settings) {
  switch (settings.via) {
    case Via::Direct: return {{Arrival::Any, Cause::Direct, {Seen::Itself}}};
    case Via::Ingress: return {{Arrival::Any, Cause::IngressProxy, {Seen::Itself}}};
    case Via::ClusterIp:
      return client == Client::Outside ? outside_to_cluster_ip(settings) : std::vector<Step>{{Arrival::Any, Cause::Translated, {Seen::Itself}}};
    case Via::NodePort:
    case Via::LoadBalancer: break;
  }
  switch (client) {
    case Client::Outside:
      if (settings.via == Via::LoadBalancer && settings.balancer_is_proxy) return {{Arrival::Any, Cause::BalancerConnects, {}}};
      return from_outside(settings);
    case Client::Pod: return from_pod(settings);
    case Client::Node: return from_node(settings);
    case Client::OtherCluster: return {{Arrival::Any, Cause::OtherCluster, kAnyone}};
  }
  return {};
}

}  // namespace netpolc::verify
