// A comparison for machines that show findings beside code: SARIF, GitHub's annotations, and GitLab's code quality.
#include <algorithm>
#include <array>
#include <set>

#include "compiler/diff/report.h"
#include "compiler/format_parts.h"

namespace netpolc::compiler {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShown = 10;  // annotations of a kind that GitHub shows for one step

// Where to show it: at a rule that is there, else at one that was.
const DiffReason* shown_at(const DiffLine& line) {
  const auto is = [](bool was) { return [was](const DiffReason& one) { return one.where && one.was == was; }; };
  auto found = std::find_if(line.reasons.begin(), line.reasons.end(), is(false));
  if (found == line.reasons.end()) found = std::find_if(line.reasons.begin(), line.reasons.end(), is(true));
  return found == line.reasons.end() ? nullptr : &*found;
}

std::string head(const DiffLine& line) {
  return line.word + ": " + line.who + (line.what.empty() ? "" : "   " + line.what) + (line.alarm.empty() ? "" : "   " + line.alarm);
}

std::string message(const DiffLine& line) {
  std::string out = head(line);
  for (const DiffReason& reason : line.reasons) out += "\n" + reason.said + (reason.place.empty() ? "" : "   " + reason.place);
  return out;
}

// "diff/other-way".
std::string id(const DiffLine& line) {
  std::string word = line.word;
  std::replace(word.begin(), word.end(), ' ', '-');
  return "diff/" + word;
}

constexpr std::array<std::pair<const char*, const char*>, 13> kRules = {{
    {"diff/opened", "nothing passed between the two, now something does"},
    {"diff/closed", "something passed between the two, now nothing does"},
    {"diff/widened", "more passes than before, of traffic or of requests"},
    {"diff/narrowed", "less passes than before, of traffic or of requests"},
    {"diff/changed", "some of what passed does not any more, and other traffic does"},
    {"diff/other-way", "the same passes, but a proxy or authentication came or went"},
    {"diff/broken", "an assertion of the built-in safety pack fails now"},
    {"diff/repaired", "an assertion of the built-in safety pack does not fail any more"},
    {"diff/default", "an endpoint enters or leaves default deny"},
    {"diff/came", "a workload that was not there before"},
    {"diff/went", "a workload that is not there any more"},
    {"diff/undecided", "the policy of an endpoint cannot be computed"},
    {"diff/requests", "a proxy goes by other rules, and whether they let the same requests through is not known"},
}};

Json rules_of(const DiffReport& report) {
  std::set<std::string> used;
  for (const DiffLine& line : report.lines) used.insert(id(line));
  Json out = Json::array();
  for (const auto& [name, text] : kRules)
    if (used.count(name) != 0) out.push_back({{"id", name}, {"shortDescription", {{"text", text}}}});
  return out;
}

// What is said of the same two ends is the same result, whatever becomes of ports and lines.
std::string key(const DiffLine& line, const DiffReason* at, const Session& before, const Session& after) {
  return id(line) + "\n" + line.who + "\n" + (at == nullptr ? "" : (at->was ? before : after).sources.path(at->where->file));
}

}  // namespace

std::string to_sarif(const DiffReport& report, const Session& before, const Session& after) {
  Json results = Json::array();
  Fingerprints names;
  for (const DiffLine& line : report.lines) {
    const DiffReason* at = shown_at(line);
    Json one = {{"ruleId", id(line)}, {"level", to_string(line.level)}, {"message", {{"text", message(line)}}}};
    if (at != nullptr) one["locations"] = Json::array({sarif_location(*at->where, (at->was ? before : after).sources)});
    one["partialFingerprints"] = {{"netpolc/v1", names.of(key(line, at, before, after))}};
    results.push_back(std::move(one));
  }
  return sarif_log(rules_of(report), std::move(results));
}

std::string to_gitlab(const DiffReport& report, const Session& before, const Session& after) {
  Json issues = Json::array();
  Fingerprints names;
  for (const DiffLine& line : report.lines) {
    const DiffReason* at = shown_at(line);
    issues.push_back(quality_issue(quality_severity(line.level), id(line), names.of(key(line, at, before, after)), message(line), at != nullptr ? at->where : std::nullopt, (at != nullptr && at->was ? before : after).sources));
  }
  return quality_report(issues);
}

std::string to_github(const DiffReport& report, const Session& before, const Session& after) {
  std::string out;
  for (const Severity level : {Severity::Error, Severity::Warning, Severity::Note}) {
    const auto all = std::count_if(report.lines.begin(), report.lines.end(), [&](const DiffLine& one) { return one.level == level; });
    const std::size_t count = static_cast<std::size_t>(all), most = count > kShown ? kShown - 1 : count;
    std::size_t shown = 0;
    for (const DiffLine& line : report.lines) {
      if (line.level != level) continue;
      if (++shown > most) break;
      const DiffReason* at = shown_at(line);
      out += github_annotation(level, "netpolc " + id(line), message(line), at != nullptr ? at->where : std::nullopt, (at != nullptr && at->was ? before : after).sources);
    }
    if (count > most) out += github_annotation(level, "netpolc diff", "and " + std::to_string(count - most) + " more of this kind, which `netpolc diff` prints as text", std::nullopt, after.sources);
  }
  return out;
}

}  // namespace netpolc::compiler
