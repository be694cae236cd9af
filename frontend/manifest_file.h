// frontend/manifest_file.h — which files of a named directory are read.
#pragma once
#include <string>

namespace netpolc::frontend {

// By its name: a manifest (frontend/discover.h), or a compressed one.
bool is_manifest_file(const std::string& path);

}  // namespace netpolc::frontend
