// ir/hubble.h — words of Hubble's output, for all that write its compact line or its flows: what people have filters and habits
// for. From Cilium: hubble/pkg/printer, pkg/hubble/parser/threefour, pkg/monitor/api, pkg/identity.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/policy.h"

namespace netpolc::ir::hubble {

// Kinds of events, as `event_type` has them.
inline constexpr int kDrop = 1, kPolicyVerdict = 5;

// By what of a packet Cilium finds the policy map's entry that decides: policy_match_type.
enum class MatchType : std::uint8_t { None = 0, L3Only = 1, L3L4 = 2, L4Only = 3, All = 4, L3Proto = 5, ProtoOnly = 6 };
const char* to_string(MatchType type);  // "none", "L3-Only", "L3-L4", …

// `ports`: how narrowly a rule's ports name a flow, 0 everything, 1 the protocol, 2 the port; `peers`: whether it names any.
MatchType match_type(int ports, bool peers);

// Reserved identities have names, others none ("").
const char* reserved_name(std::uint32_t identity);

// An end as it is printed: "ns/pod:80", of an IPv6 address "[2001:db8::1]:443"; without a port the name alone.
std::string at(const std::string& name, bool v6, std::optional<std::uint16_t> port);

// Flags of TCP's header (RFC 9293, 3.1), in the order in which Hubble names them: "SYN, ACK"; "": none is set.
inline constexpr std::uint8_t kSyn = 0x02;
struct TcpFlag {
  std::uint8_t bit;
  const char* name;
};
inline constexpr std::array<TcpFlag, 8> kTcpFlags{{{kSyn, "SYN"}, {0x10, "ACK"}, {0x04, "RST"}, {0x01, "FIN"}, {0x08, "PSH"}, {0x20, "URG"}, {0x40, "ECE"}, {0x80, "CWR"}}};
std::string tcp_flags(std::uint8_t flags);

// What is said of a packet, at the end of the line: "UDP", "ICMPv4 EchoRequest"; of TCP with the flags where they are known,
// "TCP Flags: SYN", and else (0) "TCP". `number`: ICMP's type.
std::string summary(Protocol protocol, std::uint16_t number, std::uint8_t tcp_flags);

// "policy-verdict:none EGRESS DENIED (UDP)"; `word`: ALLOWED, DENIED or AUDITED.
std::string policy_verdict(const char* match, Direction direction, const char* word, const std::string& summary);

// Labels that Cilium gives to the rules of an object.
std::vector<std::string> policy_labels(const std::string& kind, const std::string& ns, const std::string& name);

}  // namespace netpolc::ir::hubble
