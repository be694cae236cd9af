// tools/bench/forwarding/objects.h — what of BPF an installation of the loader holds.
#pragma once
#include <string>

namespace netpolc::forwarding_bench {

// A line for each program of a link pinned somewhere under `root`, for each map that these use, and for each
// that is pinned there: `prog` or `map`, number, name, bytes charged. Throws std::runtime_error.
int print_objects(const std::string& root);

}  // namespace netpolc::forwarding_bench
