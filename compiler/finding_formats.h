// compiler/finding_formats.h — findings for machines: SARIF 2.1.0 for code scanning, GitHub's annotations, GitLab's code quality, and
// JUnit's XML for reports of tests. All have what Cilium would reject, too, as errors. The same findings give the same bytes.
#pragma once
#include <string>
#include <vector>

#include "ir/base/diagnostics.h"

namespace netpolc::compiler {

// What stays the same while lines above a finding come and go: code, path, the text of the line, and the how-manieth alike it is.
// 16 hexadecimal digits for each, in order.
std::vector<std::string> fingerprints(const std::vector<const Diagnostic*>& findings, const SourceManager& sources);

// JUnit's XML: a suite for each file, with a case for each finding in it, or one that passed; what has no place is of the suite "input".
// Findings of level `fails` or graver failed.
std::string junit(const std::vector<const Diagnostic*>& findings, Severity fails, const SourceManager& sources);
std::string sarif(const std::vector<const Diagnostic*>& findings, const SourceManager& sources);
// GitLab's report of code quality. What Cilium would reject is a blocker.
std::string code_quality(const std::vector<const Diagnostic*>& findings, const SourceManager& sources);
// Ten of a level at most are shown by GitHub: errors come first.
std::string github_annotations(std::vector<const Diagnostic*> findings, const SourceManager& sources);

}  // namespace netpolc::compiler
