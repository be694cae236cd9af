// ir/exposure.h — how a Service is reached and how the agents carry its traffic: what decides whom a backend's policy sees, and
// nothing of what policy says. Read when it is asked for (frontend/cluster/exposure.h); plain values.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/base/ip.h"
#include "ir/policy.h"

namespace netpolc::ir {

enum class ServiceType : std::uint8_t { ClusterIp, NodePort, LoadBalancer, ExternalName };

struct Exposure {
  ServiceType type = ServiceType::ClusterIp;
  bool headless = false;               // clusterIP: None
  bool external_local = false;         // externalTrafficPolicy: Local
  bool internal_local = false;         // internalTrafficPolicy: Local
  bool allocates_node_ports = true;    // allocateLoadBalancerNodePorts
  struct NodePort {
    Protocol protocol = Protocol::Tcp;
    std::uint16_t port = 0, node_port = 0;
  };
  std::vector<NodePort> node_ports;    // those that the manifest has: a cluster gives out others
  std::vector<IpPrefix> source_ranges;  // loadBalancerSourceRanges
  bool source_ranges_deny = false;      // they are those who may not
  std::vector<IpAddress> balancer_addresses;  // of its status, served by nodes as if they were their own
  bool balancer_is_proxy = false;       // ipMode: Proxy: it connects by itself
  std::string forwarding_mode;          // of its annotation: "dsr", "snat", ""
};

// The agents' options. None: cilium-config does not have it.
struct ServiceHandling {
  bool config_given = false;  // whether there is a cilium-config
  std::optional<bool> kube_proxy_replacement = {};
  std::optional<std::string> mode = {};  // bpf-lb-mode: "snat", "dsr", "hybrid"
  std::optional<bool> mode_by_annotation = {}, socket_lb_hosts_only = {}, external_cluster_ip = {}, all_source_ranges = {};
  bool routing_given = false;
};

}  // namespace netpolc::ir
