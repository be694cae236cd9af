#include "compiler/format_parts.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>

#include "compiler/commands.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::ordered_json;

// 1-based, in characters: our own columns count bytes.
std::size_t column(Span at, std::uint32_t offset, const SourceManager& sources) {
  const LineColumn place = sources.locate(at.file, offset);
  const std::string_view before = sources.line(at.file, place.line).substr(0, place.column - 1);
  return 1 + static_cast<std::size_t>(std::count_if(before.begin(), before.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// Of a property also `:` and `,`.
std::string escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    const bool plain = c != '%' && c != '\r' && c != '\n' && !(property && (c == ':' || c == ','));
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += plain ? std::string(1, c) : code;
  }
  return out;
}

// FNV-1a: names results, protects nothing.
std::uint64_t hash(std::string_view text) {
  std::uint64_t out = 0xCBF29CE484222325ULL;
  for (const char c : text) out = (out ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return out;
}

// As GitHub and GitLab know files: from the top of the repository, where jobs run.
std::string below_here(const std::string& path) {
  std::filesystem::path at = std::filesystem::path(path).lexically_normal();
  std::error_code error;
  if (at.is_absolute()) {
    const auto here = at.lexically_relative(std::filesystem::current_path(error));
    if (!error && !here.empty() && *here.begin() != "..") at = here;
  }
  return at.generic_string();
}

const char* command_of(Severity severity) { return severity == Severity::Note ? "notice" : to_string(severity); }

}  // namespace

std::string Fingerprints::of(const std::string& key) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash(key + "\n" + std::to_string(seen_[key]++))));
  return text;
}

Json sarif_region(Span at, const SourceManager& sources) {
  return {{"startLine", sources.locate(at.file, at.begin).line}, {"startColumn", column(at, at.begin, sources)},
          {"endLine", sources.locate(at.file, at.end).line}, {"endColumn", column(at, at.end, sources)}};
}

std::string sarif_uri(const std::string& path) {
  std::string out;
  for (const char c : below_here(path)) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("-._~/").find(c) != std::string_view::npos;
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += plain ? std::string(1, c) : code;
  }
  return out;
}

Json sarif_location(Span at, const SourceManager& sources) {
  return {{"physicalLocation", {{"artifactLocation", {{"uri", sarif_uri(sources.path(at.file))}}}, {"region", sarif_region(at, sources)}}}};
}

std::string sarif_log(Json rules, Json results) {
  const Json run = {{"tool", {{"driver", {{"name", "netpolc"}, {"version", version()}, {"rules", std::move(rules)}}}}},
                    {"columnKind", "unicodeCodePoints"},
                    {"results", std::move(results)}};
  const Json log = {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"}, {"version", "2.1.0"}, {"runs", Json::array({run})}};
  return log.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string github_annotation(Severity level, const std::string& title, const std::string& message, const std::optional<Span>& where, const SourceManager& sources) {
  std::string out = std::string("::") + command_of(level) + " ";
  if (where) {
    const LineColumn at = sources.locate(where->file, where->begin);
    out += "file=" + escaped(below_here(sources.path(where->file)), true) + ",line=" + std::to_string(at.line) + ",col=" + std::to_string(at.column) + ",";
  }
  return out + "title=" + escaped(title, true) + "::" + escaped(message, false) + "\n";
}

const char* quality_severity(Severity level) {
  switch (level) {
    case Severity::Error: return "critical";
    case Severity::Warning: return "major";
    case Severity::Note: return "info";
  }
  return "info";
}

// Its descriptions are lines.
Json quality_issue(const char* severity, const std::string& check, const std::string& fingerprint, const std::string& description, const std::optional<Span>& where, const SourceManager& sources) {
  std::string line;
  for (const char c : description) line += c == '\n' ? "; " : std::string(1, c);
  const std::string path = where ? below_here(sources.path(where->file)) : ".";
  const std::size_t begin = where ? sources.locate(where->file, where->begin).line : 1;
  return {{"description", std::move(line)}, {"check_name", check}, {"fingerprint", fingerprint}, {"severity", severity}, {"location", {{"path", path}, {"lines", {{"begin", begin}}}}}};
}

std::string quality_report(const Json& issues) { return issues.dump(1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace netpolc::compiler
