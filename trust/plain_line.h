// trust/plain_line.h — text that may be shown on a terminal and put into JSON as it is.
#pragma once
#include <string>
#include <string_view>

namespace netpolc::trust {

// Valid UTF-8 without control characters (C0, DEL, C1) but tabs.
bool is_plain_line(std::string_view text);

// What somebody else wrote, for a message: what isn't plain as question marks, and no more than some hundred bytes.
std::string shown(std::string_view text);

}  // namespace netpolc::trust
