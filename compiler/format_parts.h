// compiler/format_parts.h — what every result for code scanning (SARIF 2.1.0) and for GitHub's annotations is made of.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "ir/base/diagnostics.h"

namespace netpolc::compiler {

// A path as a relative reference: what is neither a name's character nor a slash is escaped.
std::string sarif_uri(const std::string& path);
// 1-based lines and columns, which count characters (columnKind unicodeCodePoints).
nlohmann::ordered_json sarif_region(Span at, const SourceManager& sources);
nlohmann::ordered_json sarif_location(Span at, const SourceManager& sources);
// A whole file: one run of netpolc, with arrays of reportingDescriptor and result.
std::string sarif_log(nlohmann::ordered_json rules, nlohmann::ordered_json results);

// One workflow command: `::error file=…,line=…,col=…,title=…::message`. Notes are notices.
std::string github_annotation(Severity level, const std::string& title, const std::string& message, const std::optional<Span>& where, const SourceManager& sources);

}  // namespace netpolc::compiler
