// frontend/discover.h — from what the user named to texts in the source manager.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "frontend/ignored.h"
#include "ir/base/diagnostics.h"

namespace netpolc::frontend {

struct Input {
  FileId file;
  bool named = true;  // by the user; else found in a directory or archive, where other things lie as well
};

// Reads files (.gz, .zst and .xz uncompressed), directories (recursively, .yaml .yml .json, compressed
// or not, in byte order of their paths), archives (the same of their members, none compressed once
// more) and "-" for stdin. What cannot be read is reported and left out. `ignored`: of what lies below named directories.
std::vector<Input> read_inputs(const std::vector<std::string>& paths, SourceManager& sources, DiagSink& sink, const IgnoreRules& ignored = {});

// Whether a file that lies in a named directory is read: by its name, .yaml .yml .json; settings
// of netpolc itself (.netpolc.yaml) and recordings of a sysdump (hubble-flows-*) are not.
bool is_manifest(std::string_view path);

}  // namespace netpolc::frontend
