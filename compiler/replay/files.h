// compiler/replay/files.h — from what the user named to recordings that are read.
#pragma once
#include <string>
#include <vector>

#include "compiler/replay/recording.h"

namespace netpolc::compiler::replay {

// Files, directories and archives (their hubble-flows-*.json, as in a sysdump, and *.jsonl, by name) and "-" for stdin. Files may be
// compressed (.gz, .zst, .xz), those of directories as well. What is
// wrong, with its place: a path that cannot be read, a directory without recordings, lines that are no flows.
std::vector<ReadError> read(const std::vector<std::string>& paths, Recording& recording);

}  // namespace netpolc::compiler::replay
