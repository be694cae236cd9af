#include "runtime-loader/reasons.h"

#include "ir/map_layout.h"
#include "runtime-loader/blocked.h"

namespace netpolc::loader {

std::string reason_name(std::uint8_t reason) {
  switch (reason) {
    case NP_REASON_FORWARDED:
      return "Forwarded";
    case NP_REASON_INVALID_SOURCE:
      return "Invalid source IP";
    case NP_REASON_DEFAULT_DENY:
      return "Policy denied";
    case NP_REASON_INVALID_PACKET:
      return "Invalid packet";
    case NP_REASON_UNKNOWN_L4:
      return "Unknown L4 protocol";
    case NP_REASON_UNSUPPORTED_L3:
      return "Unsupported L3 protocol";
    case NP_REASON_CT_CREATE_FAILED:
      return "Connection could not be tracked";
    case NP_REASON_INVALID_EXTENSION:
      return "Invalid IPv6 extension header";
    case NP_REASON_FRAGMENT_NOT_FOUND:
      return "First fragment not found";
    case NP_REASON_ENCAPSULATION:
      return "Encapsulation traffic is prohibited";
    case NP_REASON_FORBIDDEN_ICMPV6:
      return "Forbidden ICMPv6";
    case NP_REASON_NO_CONFIG:
      return "No configuration yet";
    case NP_REASON_DENY:
      return "Policy denied by denylist";
    case NP_REASON_AUTH_REQUIRED:
      return "Authentication required";
    case kReasonNotReady:
      return "Endpoint policy program not available";
    case NP_REASON_L7_NOT_ENFORCED:
      return "L7 rule not enforced yet";
  }
  return "reason " + std::to_string(reason);
}

std::string protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case 1:
      return "ICMP";
    case 6:
      return "TCP";
    case 17:
      return "UDP";
    case 58:
      return "ICMPv6";
    case 132:
      return "SCTP";
  }
  return std::to_string(protocol);
}

}  // namespace netpolc::loader
