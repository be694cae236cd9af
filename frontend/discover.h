// frontend/discover.h — from what the user named to texts in the source manager.
#pragma once
#include <string>
#include <vector>

#include "ir/base/diagnostics.h"

namespace netpolc::frontend {

// Reads files, directories (recursively, .yaml .yml .json in byte order of their paths) and
// "-" for stdin. What cannot be read is reported and left out.
std::vector<FileId> read_inputs(const std::vector<std::string>& paths, SourceManager& sources, DiagSink& sink);

}  // namespace netpolc::frontend
