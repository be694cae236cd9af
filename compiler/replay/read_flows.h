// compiler/replay/read_flows.h — the recordings that a command is given, with what there is to say of them on stderr.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "compiler/replay/recording.h"

namespace netpolc::compiler::replay {

// None where all lines were read, or those that weren't may be left out (`keep_going`); else the exit code to end with.
std::optional<int> read_flows(const std::vector<std::string>& paths, bool keep_going, Recording& recording);

}  // namespace netpolc::compiler::replay
