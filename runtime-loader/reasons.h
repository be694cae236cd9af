// runtime-loader/reasons.h — words for the numbers in events and counters.
#pragma once
#include <cstdint>
#include <string>

namespace netpolc::loader {

// "Policy denied", as `cilium monitor` prints it; "reason 99" for one we don't know.
std::string reason_name(std::uint8_t reason);
// "TCP", …; the number for others.
std::string protocol_name(std::uint8_t protocol);

}  // namespace netpolc::loader
