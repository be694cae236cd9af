// tools/sequences/crowd.h — more flows than the table holds. The model never runs out of room, so the
// kernel may be stricter here, and in nothing else.
#pragma once
#include <optional>
#include <string>

#include "tools/sequences/trial.h"

namespace netpolc::sequences {

// What went wrong, if anything: a packet passed that the model drops; a flow in use was lost; a packet
// was dropped for another reason than want of room; or the counters don't say what happened.
std::optional<std::string> crowd(Tally& tally);

}  // namespace netpolc::sequences
