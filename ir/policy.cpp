#include "ir/policy.h"

namespace netpolc::ir {

const char* to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::Any: return "ANY";
    case Protocol::Tcp: return "TCP";
    case Protocol::Udp: return "UDP";
    case Protocol::Sctp: return "SCTP";
    case Protocol::Icmp: return "ICMP";
    case Protocol::Icmpv6: return "ICMPv6";
    case Protocol::Vrrp: return "VRRP";
    case Protocol::Igmp: return "IGMP";
    case Protocol::Gre: return "GRE";
    case Protocol::Ipip: return "IPIP";
    case Protocol::Ipv6: return "IPV6";
    case Protocol::Esp: return "ESP";
    case Protocol::Ah: return "AH";
  }
  return "ANY";
}

const char* to_string(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::CiliumNetworkPolicy:
      return "CiliumNetworkPolicy";
    case PolicyKind::CiliumClusterwideNetworkPolicy:
      return "CiliumClusterwideNetworkPolicy";
    case PolicyKind::NetworkPolicy:
      return "NetworkPolicy";
    case PolicyKind::ClusterNetworkPolicy:
      return "ClusterNetworkPolicy";
  }
  return "?";
}

}  // namespace netpolc::ir
