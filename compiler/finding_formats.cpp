#include "compiler/finding_formats.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/commands.h"
#include "compiler/lint/rule.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::ordered_json;

// FNV-1a: names findings, protects nothing.
std::uint64_t hash(std::string_view text) {
  std::uint64_t out = 0xCBF29CE484222325ULL;
  for (const char c : text) out = (out ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return out;
}

std::string line_of(const Diagnostic& found, const SourceManager& sources) {
  if (!found.where) return "";
  std::string_view line = sources.line(found.where->file, sources.locate(found.where->file, found.where->begin).line);
  const std::size_t from = std::min(line.find_first_not_of(" \t\r"), line.size());
  line.remove_prefix(from);
  return std::string(line.substr(0, line.find_last_not_of(" \t\r") + 1));
}

// 1-based, in characters: our own columns count bytes.
std::size_t column(Span at, std::uint32_t offset, const SourceManager& sources) {
  const LineColumn place = sources.locate(at.file, offset);
  const std::string_view before = sources.line(at.file, place.line).substr(0, place.column - 1);
  return 1 + static_cast<std::size_t>(std::count_if(before.begin(), before.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

Json region(Span at, const SourceManager& sources) {
  return {{"startLine", sources.locate(at.file, at.begin).line}, {"startColumn", column(at, at.begin, sources)},
          {"endLine", sources.locate(at.file, at.end).line}, {"endColumn", column(at, at.end, sources)}};
}

// A path as a relative reference: what is neither a name's character nor a slash is escaped.
std::string uri(const std::string& path) {
  std::string out;
  for (const char c : path) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("-._~/").find(c) != std::string_view::npos;
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += plain ? std::string(1, c) : code;
  }
  return out;
}

Json location(Span at, const SourceManager& sources) {
  return {{"physicalLocation", {{"artifactLocation", {{"uri", uri(sources.path(at.file))}}}, {"region", region(at, sources)}}}};
}

std::string text_of(const Diagnostic& found) { return found.message + (found.label.empty() ? "" : ": " + found.label); }

Json result(const Diagnostic& found, const std::string& fingerprint, const SourceManager& sources) {
  Json out = {{"ruleId", diag_code(found.kind)}, {"level", to_string(found.severity)}, {"message", {{"text", text_of(found)}}}};
  if (found.where) out["locations"] = Json::array({location(*found.where, sources)});
  for (const DiagNote& note : found.notes) {
    if (!note.span) continue;
    Json related = location(*note.span, sources);
    related["message"] = {{"text", note.message}};
    out["relatedLocations"].push_back(std::move(related));
  }
  out["partialFingerprints"] = {{"netpolc/v1", fingerprint}};
  if (found.fix) {
    const Json change = {{"artifactLocation", {{"uri", uri(sources.path(found.fix->span.file))}}},
                         {"replacements", Json::array({{{"deletedRegion", region(found.fix->span, sources)}, {"insertedContent", {{"text", found.fix->replacement}}}}})}};
    out["fixes"] = Json::array({{{"description", {{"text", found.label.empty() ? found.message : found.label}}}, {"artifactChanges", Json::array({change})}}});
  }
  return out;
}

Json described_rules(const std::vector<const Diagnostic*>& findings) {
  std::set<DiagKind> kinds;
  for (const Diagnostic* found : findings) kinds.insert(found->kind);
  Json out = Json::array();
  for (const DiagKind kind : kinds) {
    const lint::Rule* rule = lint::find_rule(kind);
    Json one = {{"id", diag_code(kind)}, {"name", std::string(diag_name(kind))}, {"shortDescription", {{"text", std::string(diag_summary(kind))}}}};
    if (rule != nullptr) one["fullDescription"] = {{"text", std::string(rule->why)}};
    one["defaultConfiguration"] = {{"level", to_string(rule != nullptr ? rule->level : Severity::Error)}};
    out.push_back(std::move(one));
  }
  return out;
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

const char* command_of(Severity severity) { return severity == Severity::Note ? "notice" : to_string(severity); }

}  // namespace

std::vector<std::string> fingerprints(const std::vector<const Diagnostic*>& findings, const SourceManager& sources) {
  std::map<std::string, std::size_t> seen;
  std::vector<std::string> out;
  for (const Diagnostic* found : findings) {
    const std::string key = diag_code(found->kind) + "\n" + (found->where ? sources.path(found->where->file) : "") + "\n" + line_of(*found, sources);
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash(key + "\n" + std::to_string(seen[key]++))));
    out.emplace_back(text);
  }
  return out;
}

std::string sarif(const std::vector<const Diagnostic*>& findings, const SourceManager& sources) {
  const auto names = fingerprints(findings, sources);
  Json results = Json::array();
  for (std::size_t i = 0; i < findings.size(); ++i) results.push_back(result(*findings[i], names[i], sources));
  const Json run = {{"tool", {{"driver", {{"name", "netpolc"}, {"version", version()}, {"rules", described_rules(findings)}}}}},
                    {"columnKind", "unicodeCodePoints"},
                    {"results", std::move(results)}};
  const Json log = {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"}, {"version", "2.1.0"}, {"runs", Json::array({run})}};
  return log.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string github_annotations(std::vector<const Diagnostic*> findings, const SourceManager& sources) {
  std::stable_sort(findings.begin(), findings.end(), [](const Diagnostic* a, const Diagnostic* b) { return a->severity < b->severity; });
  std::string out;
  for (const Diagnostic* found : findings) {
    out += std::string("::") + command_of(found->severity) + " ";
    if (found->where) {
      const LineColumn at = sources.locate(found->where->file, found->where->begin);
      out += "file=" + escaped(sources.path(found->where->file), true) + ",line=" + std::to_string(at.line) + ",col=" + std::to_string(at.column) + ",";
    }
    out += "title=" + diag_code(found->kind) + "::" + escaped(text_of(*found), false) + "\n";
  }
  return out;
}

}  // namespace netpolc::compiler
