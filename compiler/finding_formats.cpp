#include "compiler/finding_formats.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/commands.h"
#include "compiler/format_parts.h"
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

std::string text_of(const Diagnostic& found) { return found.message + (found.label.empty() ? "" : ": " + found.label); }

Json result(const Diagnostic& found, const std::string& fingerprint, const SourceManager& sources) {
  Json out = {{"ruleId", diag_code(found.kind)}, {"level", to_string(found.severity)}, {"message", {{"text", text_of(found)}}}};
  if (found.where) out["locations"] = Json::array({sarif_location(*found.where, sources)});
  for (const DiagNote& note : found.notes) {
    if (!note.span) continue;
    Json related = sarif_location(*note.span, sources);
    related["message"] = {{"text", note.message}};
    out["relatedLocations"].push_back(std::move(related));
  }
  out["partialFingerprints"] = {{"netpolc/v1", fingerprint}};
  if (found.fix) {
    const Json change = {{"artifactLocation", {{"uri", sarif_uri(sources.path(found.fix->span.file))}}},
                         {"replacements", Json::array({{{"deletedRegion", sarif_region(found.fix->span, sources)}, {"insertedContent", {{"text", found.fix->replacement}}}}})}};
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
  return sarif_log(described_rules(findings), std::move(results));
}

std::string github_annotations(std::vector<const Diagnostic*> findings, const SourceManager& sources) {
  std::stable_sort(findings.begin(), findings.end(), [](const Diagnostic* a, const Diagnostic* b) { return a->severity < b->severity; });
  std::string out;
  for (const Diagnostic* found : findings) out += github_annotation(found->severity, diag_code(found->kind), text_of(*found), found->where, sources);
  return out;
}

}  // namespace netpolc::compiler
