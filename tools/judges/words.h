// tools/judges/words.h — cases and verdicts as people read them.
#pragma once
#include <string>

#include "tools/judges/cases.h"

namespace netpolc::judges {

const char* to_string(ir::Enforcement enforcement);
std::string reason_text(std::uint8_t reason);  // "deny (181)"

// What vector, interpreter and table say about a case, a line each.
std::string describe(const World& world, const Cases& cases, const Case& c);
// What the program said about one of its packets.
std::string describe(const World& world, const Case& c, const Shot& shot, const Seen& seen);

}  // namespace netpolc::judges
