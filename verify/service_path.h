// verify/service_path.h — the way that traffic takes to the pods of a service, and as whom each pod's policy therefore sees the
// client. The rules only, without any cluster: whoever knows the ends judges what they come to (verify/service_paths.h).
//
// Sources: semantics reference 8.6 (identities at ingress), 9.1 (policy sees the backend), 9.4 (traffic policies and forwarding
// modes), 9.6 (Ingress and Gateway). Those about DSR and node ports were never tested there; where they leave a choice, or say
// nothing, there are several identities here: no verdict may depend on which of them it is.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace netpolc::verify {

enum class Via : std::uint8_t { Direct, ClusterIp, NodePort, LoadBalancer, Ingress };
inline constexpr std::array<std::string_view, 5> kVias{"direct", "clusterip", "nodeport", "lb", "ingress"};
std::optional<Via> via_of(std::string_view word);
std::string_view to_string(Via via);

// Who asks for the service.
enum class Client : std::uint8_t { Outside, Pod, Node, OtherCluster };

// As whom policy sees the client.
enum class Seen : std::uint8_t {
  Itself,      // its own identity; of an address outside, that address
  World,       // world, without an address: no CIDR rule holds, but for a zero prefix
  Host,        // identity 1, of the backend's node
  RemoteNode,  // identity 6, or 7: another node
};

// Whom the client's egress policy sees.
enum class SentTo : std::uint8_t { Backend, OwnNode, OtherNode, BalancerAddress };

enum class Arrival : std::uint8_t { Any, BackendNode, OtherNode, NodeWithBackend, OwnNodeAddress, OtherNodeAddress };

// The setting or the rule that makes it so.
enum class Cause : std::uint8_t {
  Direct,             // the pod's own address
  Translated,         // where the client is, before its egress policy
  KeptByLocal,        // externalTrafficPolicy: Local
  SameNode,           // nothing to forward
  Dsr,                // bpf-lb-mode
  DsrInTunnel,
  SnatInTunnel,
  SnatNative,
  KubeProxy,          // it has replaced the source by one of the node's
  KubeProxyClusterIp,
  NodeTranslates,     // the node whose address it is, not the client's
  ExternalClusterIp,  // dropped: bpf-lb-external-clusterip is off
  SourceRanges,       // dropped: loadBalancerSourceRanges
  NoBackendHere,      // dropped: internalTrafficPolicy: Local
  OtherCluster,       // how it comes here is that cluster's
  BalancerConnects,   // a load balancer that is a proxy, or may be one
  IngressProxy,       // Envoy connects to the backend
};

struct PathSettings {
  Via via = Via::ClusterIp;
  bool cilium = true;                // kube-proxy-replacement; else kube-proxy serves node ports and load balancers
  bool tunnel = true;                // routing-mode
  bool dsr = false;                  // of this service and this protocol
  bool external_local = false;       // externalTrafficPolicy: Local
  bool external_cluster_ip = false;  // bpf-lb-external-clusterip
  bool pods_translate_node_ports = true;  // also of other nodes: socket LB, or each packet (from 1.20)
  bool balancer_is_proxy = false, balancer_unknown = false;  // by its status; unknown: it has no address there
};

struct Step {
  Arrival arrival = Arrival::Any;
  Cause cause = Cause::Translated;
  std::vector<Seen> seen = {Seen::Itself};  // several: one of them. None: dropped before policy, or not known (BalancerConnects)
  SentTo to = SentTo::Backend;              // of clients with an egress policy
  bool operator==(const Step&) const = default;
};

// Each case that there is. Of Ingress: whom its backends see; Envoy itself sees the client as it is.
std::vector<Step> steps(Client client, const PathSettings& settings);

}  // namespace netpolc::verify
