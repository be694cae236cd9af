// codegen-bpf/names.h — words of a policy as C identifiers, constants and comments.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/decide/table.h"

namespace netpolc::codegen_bpf {

// One identifier a bit, unique: "FROM_APP_FRONTEND".
std::vector<std::string> peer_names(const std::vector<ir::PeerBit>& bits, std::string_view prefix);
// A canonical text as a comment: "app in (web)" reads app=web, and nothing ends the comment.
std::string comment_text(std::string_view text);
// "NP_TCP"
std::string protocol_constant(ir::Protocol protocol);
// "8080", "8000 ... 8999"
std::string port_range(std::uint16_t first, std::uint16_t last);
// " /* EchoRequest */" for types that policies name, else empty.
std::string icmp_comment(ir::Protocol protocol, std::uint16_t type);
// A verdict that data can hold: "NP_ALLOW(3)". Authentication is not part of it.
std::string verdict_constant(const ir::TableEntry& entry);

}  // namespace netpolc::codegen_bpf
