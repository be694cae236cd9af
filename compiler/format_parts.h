// compiler/format_parts.h — what every result for code scanning (SARIF 2.1.0), for GitHub's annotations and for GitLab's code quality is
// made of.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "ir/base/diagnostics.h"

namespace netpolc::compiler {

// Names results, so that the next run's are known to be the same: equal keys have equal names, and of several results with one key
// each has a name by the how-manieth it is. 16 hexadecimal digits.
class Fingerprints {
 public:
  std::string of(const std::string& key);

 private:
  std::map<std::string, std::uint64_t> seen_;
};

// A path as a relative reference: what is neither a name's character nor a slash is escaped.
std::string sarif_uri(const std::string& path);
// 1-based lines and columns, which count characters (columnKind unicodeCodePoints).
nlohmann::ordered_json sarif_region(Span at, const SourceManager& sources);
nlohmann::ordered_json sarif_location(Span at, const SourceManager& sources);
// A whole file: one run of netpolc, with arrays of reportingDescriptor and result.
std::string sarif_log(nlohmann::ordered_json rules, nlohmann::ordered_json results);

// One workflow command: `::error file=…,line=…,col=…,title=…::message`. Notes are notices.
std::string github_annotation(Severity level, const std::string& title, const std::string& message, const std::optional<Span>& where, const SourceManager& sources);

// How grave something is, in GitLab's words: of errors critical, of warnings major, of notes info.
const char* quality_severity(Severity level);
// One entry of GitLab's code quality report, which must have a place: what has none is at line 1 of ".", the repository. Paths are as the
// report wants them: without "./", and relative to the working directory where they are below it.
nlohmann::ordered_json quality_issue(const char* severity, const std::string& check, const std::string& fingerprint, const std::string& description, const std::optional<Span>& where, const SourceManager& sources);
// The whole file: a list of them.
std::string quality_report(const nlohmann::ordered_json& issues);

}  // namespace netpolc::compiler
