// compiler/fix_files.h — `lint --fix`: writes what fixes make of files, and nothing else.
//
// Only regular files are written, and neither archives nor compressed files; one behind a symbolic link is written where it lies. A file that is not any more what was read is
// left alone. Each is replaced as a whole, by a new one of the same mode beside it, so that nobody sees half of it.
#pragma once
#include "compiler/lint/fixes.h"

namespace netpolc::compiler {

// Whether the file of that path is text that lies there as it was read: neither compressed nor in an archive.
bool can_be_fixed(const std::string& path);

// How many findings are fixed. The first file that cannot be written ends it: those before are fixed then.
Result<std::size_t> write_fixes(const std::vector<lint::FixedFile>& fixed, const SourceManager& sources);

}  // namespace netpolc::compiler
