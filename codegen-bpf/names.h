// codegen-bpf/names.h — words of a policy as C identifiers and comments.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "ir/decide/table.h"

namespace netpolc::codegen_bpf {

// One identifier a bit, unique: "FROM_APP_FRONTEND".
std::vector<std::string> peer_names(const std::vector<ir::PeerBit>& bits, std::string_view prefix);
// Text that can stand inside a C comment.
std::string comment_text(std::string_view text);

}  // namespace netpolc::codegen_bpf
