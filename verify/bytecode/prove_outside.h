// verify/bytecode/prove_outside.h — does the program for external devices (np_xdp.o, an object of its own) do what ir/map_layout.h
// and docs/loader.md say of it? For all frames, contents of maps and states of flows. It is the same in all bundles and knows no
// policy: that its tables say what policies deny is no part of this.
#pragma once
#include "verify/bytecode/prove.h"

namespace netpolc::verify::bytecode {

// The part has the program's name, np_from_outside.
Part prove_outside(const Object& object, Effort effort);

}  // namespace netpolc::verify::bytecode
