// compiler/baseline.h — findings that were there when somebody began to lint: a file of fingerprints, so that only what is new counts.
// One line each, "FINGERPRINT CODE PATH", in the order of the text; only the first word is read, so that people can add why. Paths are
// as given on the command line: lint from the same directory.
#pragma once
#include <set>
#include <string>

#include "compiler/lint/lint.h"

namespace netpolc::compiler {

Result<std::set<std::string>> read_baseline(const std::string& path);
Result<std::size_t> write_baseline(const std::string& path, const lint::Findings& findings, const SourceManager& sources);  // lines
// Takes out what is listed there; returns how many.
std::size_t drop_known(lint::Findings& findings, const std::set<std::string>& known, const SourceManager& sources);

}  // namespace netpolc::compiler
