// tools/sequences/readable.h — a second opinion on what a packet is: strict, and of one mind with
// nobody. Whatever a program with a policy lets pass must be this.
#pragma once
#include "tools/sequences/spell.h"

namespace netpolc::sequences {

// ARP; or IP whose headers lie within what its length fields and the frame hold, up to a whole
// transport header that policy knows (a later fragment: up to the fragment).
bool is_readable(const Frame& frame);

}  // namespace netpolc::sequences
