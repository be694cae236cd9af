// tools/bench/forwarding/objects.h — what of BPF the kernel holds now, whoever loaded it.
#pragma once

namespace netpolc::forwarding_bench {

// A line for each program and map: `prog` or `map`, number, name, bytes charged. Throws std::runtime_error.
int print_objects();

}  // namespace netpolc::forwarding_bench
