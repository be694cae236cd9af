#include "runtime-loader/drop_words.h"

#include <strings.h>

#include <charconv>

#include "ir/map_layout.h"
#include "runtime-loader/blocked.h"
#include "runtime-loader/reasons.h"

namespace netpolc::loader {
namespace {

struct Words {
  std::uint8_t reason;
  DropWords words;
};
constexpr Words kWords[] = {
    {NP_REASON_INVALID_SOURCE, {"Invalid source ip", "INVALID_SOURCE_IP"}},
    {NP_REASON_DEFAULT_DENY, {"Policy denied", "POLICY_DENIED"}},
    {NP_REASON_INVALID_PACKET, {"Invalid packet", "INVALID_PACKET_DROPPED"}},
    {NP_REASON_UNKNOWN_L4, {"CT: Unknown L4 protocol", "CT_UNKNOWN_L4_PROTOCOL"}},
    {NP_REASON_UNSUPPORTED_L3, {"Unsupported L3 protocol", "UNSUPPORTED_L3_PROTOCOL"}},
    {NP_REASON_CT_CREATE_FAILED, {"CT: Map insertion failed", "CT_MAP_INSERTION_FAILED"}},
    {NP_REASON_INVALID_EXTENSION, {"Invalid IPv6 extension header", "INVALID_IPV6_EXTENSION_HEADER"}},
    {NP_REASON_NO_CONFIG, {"No configuration available to perform policy decision", "NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION"}},
    {NP_REASON_ENCAPSULATION, {"Encapsulation traffic is prohibited", "ENCAPSULATION_TRAFFIC_IS_PROHIBITED"}},
    {NP_REASON_FRAGMENT_NOT_FOUND, {"First logical datagram fragment not found", "FIRST_LOGICAL_DATAGRAM_FRAGMENT_NOT_FOUND"}},
    {NP_REASON_FORBIDDEN_ICMPV6, {"Forbidden ICMPv6 message", "FORBIDDEN_ICMPV6_MESSAGE"}},
    {NP_REASON_DENY, {"Policy denied by denylist", "POLICY_DENY"}},
    {NP_REASON_AUTH_REQUIRED, {"Authentication required", "AUTH_REQUIRED"}},
    {kReasonNotReady, {"Endpoint policy program not available", "DROP_EP_NOT_READY"}},
    {NP_REASON_L7_NOT_ENFORCED, {"L7 rule not enforced yet", nullptr}},
};

bool same(const std::string& text, const char* other) { return other != nullptr && strcasecmp(text.c_str(), other) == 0; }

}  // namespace

DropWords drop_words(std::uint8_t reason) {
  for (const Words& it : kWords)
    if (it.reason == reason) return it.words;
  return {};
}

std::optional<std::uint8_t> parse_drop_reason(const std::string& text) {
  std::uint8_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return number;
  for (const Words& it : kWords)
    if (same(text, it.words.name) || same(text, it.words.text) || same(text, reason_name(it.reason).c_str())) return it.reason;
  return std::nullopt;
}

}  // namespace netpolc::loader
