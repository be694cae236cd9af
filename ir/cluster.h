// ir/cluster.h — the cluster as its manifests describe it: configuration, namespaces,
// endpoints, nodes, services, CIDR groups. Filled by frontend/cluster; plain values.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/base/ip.h"
#include "ir/base/source.h"
#include "ir/labels.h"
#include "ir/policy.h"

namespace netpolc::ir {

// 16 … 20 for Cilium 1.16 … 1.20.
using CiliumVersion = int;

enum class PolicyMode : std::uint8_t { Default, Always, Never };

struct Config {
  CiliumVersion version = 18;
  PolicyMode mode = PolicyMode::Default;       // enable-policy
  bool ipv4 = true, ipv6 = true;               // both: dual stack, world-ipv4/-ipv6 (section 3.3)
  bool allow_localhost = true;                 // allow-localhost auto and always; false: policy
  bool cidr_matches_nodes = false;             // policy-cidr-match-mode has "nodes"
  bool node_selector_labels = false;           // enable-node-selector-labels
  bool host_firewall = false;                  // enable-host-firewall
  bool default_local_cluster = false;          // policy-default-local-cluster; default true from 1.19
  bool l7_proxy = true;                        // enable-l7-proxy
  bool icmp_rules = true;                      // enable-icmp-rules
  bool non_default_deny_policies = true;       // enable-non-default-deny-policies
  bool sctp = false;                           // enable-sctp (datapath only)
  bool extended_protocols = false;             // enable-extended-ip-protocols
  bool cluster_network_policies = false;       // enable-k8s-cluster-network-policy (from 1.20)
  bool local_redirects = true;                 // enable-local-redirect-policy; only where it says no do the objects mean nothing
  std::uint32_t policy_map_max = 16384;        // bpf-policy-map-max: entries of an endpoint's policy map
  std::uint16_t tunnel_port = 8472;            // UDP, of the overlay (datapath only); 0: routing-mode is native
  std::string cluster_name = "default";
  std::optional<std::string> labels;           // `labels`: the identity-relevant label filter
  bool operator==(const Config&) const = default;
};

struct NamedPort {
  std::string name;  // lower case
  std::uint16_t port = 0;
  Protocol protocol = Protocol::Tcp;
  auto operator<=>(const NamedPort&) const = default;
};

struct Namespace {
  std::string name;
  std::map<std::string, std::string> labels;
  Span where;
};

struct Pod {  // an address of an endpoint: one replica
  std::string name;
  std::string node;
  std::vector<IpAddress> addresses;
};

// A managed pod, the pod template of a workload, or a remote cluster's endpoint. Replicas of
// one workload are one Endpoint with several `pods`; a bare Pod is one Endpoint with one.
struct Endpoint {
  std::string ns;
  std::string name;   // of the workload, else of the pod
  std::string kind;   // "Deployment", "Pod", …
  LabelSet labels;    // identity labels (section 2.2): filtered, with namespace, service account, cluster
  LabelSet filtered_out;  // labels of the pod that the filter removed
  std::vector<NamedPort> named_ports;  // sorted, unique
  std::vector<Pod> pods;
  bool host_network = false;  // then no managed endpoint: its traffic is the node's
  bool remote = false;        // of another cluster of the mesh: a peer, not managed
  std::optional<std::uint32_t> identity;  // as CiliumEndpoint says
  std::vector<std::uint16_t> probes;      // TCP ports that the kubelet asks; sorted, unique
  Span where;
};

struct Node {
  std::string name;
  std::map<std::string, std::string> labels;
  std::vector<IpAddress> addresses;
  bool remote_cluster = false;
  Span where;
};

struct Service {
  std::string ns, name;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> selector;  // empty: manual endpoints
  std::vector<IpAddress> cluster_ips;
  std::vector<IpAddress> endpoints;             // of its Endpoints and EndpointSlices; sorted, unique
  struct Port {
    std::string name;
    Protocol protocol = Protocol::Tcp;
    std::uint16_t port = 0;
    std::uint16_t target_port = 0;  // 0: see target_name
    std::string target_name;
  };
  std::vector<Port> ports;
  Span where;
};

struct CidrGroup {
  std::string name;
  std::map<std::string, std::string> labels;
  std::vector<IpPrefix> cidrs;
  Span where;
};

// An Ingress, or a route of a Gateway, that Cilium's proxy serves: what comes through it has the identity `ingress` (section 8.6).
struct Route {
  std::string ns, name, kind;
  struct Backend {
    std::string ns, service;
    std::uint16_t port = 0;  // of the service; 0: see port_name
    std::string port_name;
    auto operator<=>(const Backend&) const = default;
  };
  std::vector<Backend> backends;  // sorted, unique
  Span where;
};

// A CiliumLocalRedirectPolicy: what pods send to its frontend goes to pods of their own node instead (section 9), which is what policy
// then sees.
struct LocalRedirect {
  std::string ns, name;
  std::optional<IpAddress> address;  // addressMatcher; else
  std::string service;               // serviceMatcher: this Service, of the same namespace
  std::vector<Service::Port> ports;  // of the frontend: number and protocol, or name; empty: all of the Service
  Selector pods;                     // localEndpointSelector, in its namespace
  Span where;
};

struct KnownIdentity {  // a CiliumIdentity object
  std::uint32_t id = 0;
  LabelSet labels;
};

struct Cluster {
  Config config;
  std::vector<Namespace> namespaces;
  std::vector<Endpoint> endpoints;  // sorted by (ns, name, kind)
  std::vector<Node> nodes;          // sorted by name
  std::vector<Service> services;    // sorted by (ns, name)
  std::vector<CidrGroup> cidr_groups;
  std::vector<KnownIdentity> identities;
  std::vector<IpAddress> kube_apiservers;  // backends of default/kubernetes; sorted
  std::vector<Route> routes;               // sorted by (ns, name, kind)
  std::vector<LocalRedirect> redirects;    // sorted by (ns, name)
};

// What names resolve to: `--resolutions`. Keys lower case without a final dot.
using Resolutions = std::map<std::string, std::vector<IpAddress>>;

}  // namespace netpolc::ir
