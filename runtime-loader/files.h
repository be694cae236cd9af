// runtime-loader/files.h — reading and writing files with bounds, and reading inside a directory
// that nobody can lead us out of.
#pragma once
#include <cstddef>
#include <string>

#include "runtime-loader/result.h"

namespace netpolc::loader {

Result<std::string> read_file(const std::string& path, std::size_t limit);
// `relative` is resolved beneath `directory`: no "..", no absolute path, no symbolic link.
Result<std::string> read_beneath(const std::string& directory, const std::string& relative, std::size_t limit);
// All of it or nothing of it: a temporary file beside, then a rename.
Done write_file(const std::string& path, const std::string& content);

}  // namespace netpolc::loader
