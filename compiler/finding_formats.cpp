#include "compiler/finding_formats.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "compiler/commands.h"
#include "compiler/format_parts.h"
#include "compiler/lint/rule.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::ordered_json;

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
  Fingerprints names;
  std::vector<std::string> out;
  for (const Diagnostic* found : findings) out.push_back(names.of(diag_code(found->kind) + "\n" + (found->where ? sources.path(found->where->file) : "") + "\n" + line_of(*found, sources)));
  return out;
}

std::string sarif(const std::vector<const Diagnostic*>& findings, const SourceManager& sources) {
  const auto names = fingerprints(findings, sources);
  Json results = Json::array();
  for (std::size_t i = 0; i < findings.size(); ++i) results.push_back(result(*findings[i], names[i], sources));
  return sarif_log(described_rules(findings), std::move(results));
}

std::string code_quality(const std::vector<const Diagnostic*>& findings, const SourceManager& sources) {
  const auto names = fingerprints(findings, sources);
  Json issues = Json::array();
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const Diagnostic& found = *findings[i];
    const bool rejected = lint::find_rule(found.kind) == nullptr && found.severity == Severity::Error;
    issues.push_back(quality_issue(rejected ? "blocker" : quality_severity(found.severity), diag_code(found.kind), names[i], text_of(found), found.where, sources));
  }
  return quality_report(issues);
}

std::string github_annotations(std::vector<const Diagnostic*> findings, const SourceManager& sources) {
  std::stable_sort(findings.begin(), findings.end(), [](const Diagnostic* a, const Diagnostic* b) { return a->severity < b->severity; });
  std::string out;
  for (const Diagnostic* found : findings) out += github_annotation(found->severity, diag_code(found->kind), text_of(*found), found->where, sources);
  return out;
}

}  // namespace netpolc::compiler
