// runtime-loader/blocked.h — the program of pods that there is no program for: nothing passes but ARP
// and neighbour discovery. It depends on no bundle, and counts and reports with the maps of the
// installation, reason 203 (semantics 8.8: endpoint not ready).
#pragma once
#include <cstdint>
#include <string_view>

#include "runtime-loader/fd.h"
#include "runtime-loader/installation.h"
#include "runtime-loader/result.h"

namespace netpolc::loader {

inline constexpr std::uint8_t kReasonNotReady = 203;

struct BlockedPrograms {
  Fd from_pod, to_pod;
};
// Those that are pinned, or new ones that are pinned then: ROOT/programs/blocked_{from,to}. The maps of drops
// and events are pinned by then.
Result<BlockedPrograms> blocked_programs(const Installation& site);

std::string_view blocked_object();

}  // namespace netpolc::loader
