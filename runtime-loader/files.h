// runtime-loader/files.h — reading and writing files with bounds, and reading inside a directory
// that nobody can lead us out of.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "runtime-loader/result.h"

namespace netpolc::loader {

Result<std::string> read_file(const std::string& path, std::size_t limit);
// `relative` is resolved beneath `directory`: no "..", no absolute path, no symbolic link.
Result<std::string> read_beneath(const std::string& directory, const std::string& relative, std::size_t limit);
// The same in pieces, for what need not be in memory as a whole.
using TakePiece = std::function<void(std::string_view)>;
Done read_beneath(const std::string& directory, const std::string& relative, std::size_t limit, const TakePiece& take);
// All of it or nothing of it: a temporary file beside, then a rename.
Done write_file(const std::string& path, const std::string& content);

}  // namespace netpolc::loader
