// compiler/finding_formats.h — findings for machines: SARIF 2.1.0 for code scanning, and GitHub's annotations. Both have what Cilium
// would reject, too, as errors. The same findings give the same bytes.
#pragma once
#include <string>
#include <vector>

#include "ir/base/diagnostics.h"

namespace netpolc::compiler {

// What stays the same while lines above a finding come and go: code, path, the text of the line, and the how-manieth alike it is.
// 16 hexadecimal digits for each, in order.
std::vector<std::string> fingerprints(const std::vector<const Diagnostic*>& findings, const SourceManager& sources);

std::string sarif(const std::vector<const Diagnostic*>& findings, const SourceManager& sources);
// Ten of a level at most are shown by GitHub: errors come first.
std::string github_annotations(std::vector<const Diagnostic*> findings, const SourceManager& sources);

}  // namespace netpolc::compiler
