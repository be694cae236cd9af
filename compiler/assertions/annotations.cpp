// Tests that do not pass, for machines that show findings beside code: SARIF and GitLab's code quality.
#include <algorithm>
#include <map>

#include "compiler/assertions/report.h"
#include "compiler/format_parts.h"

namespace netpolc::compiler::assertions {
namespace {

using Json = nlohmann::ordered_json;

// One test that fails or is undecided.
struct Shown {
  const Done* done;
  std::string rule;         // "test/failed", of the built-in pack "safety/dns"
  std::string rule_says;
  std::optional<Span> where;  // of the assertion; of the built-in pack, which has no place, of the rule that decides
  std::string fingerprint;
  bool vacuous() const { return done->outcome.status == Status::Vacuous; }
  bool undecided() const { return done->outcome.status == Status::Undecided; }
};

const char* meaning(Status status) {
  switch (status) {
    case Status::Passed: return "an assertion holds";
    case Status::Failed: return "an assertion does not hold";
    case Status::Vacuous: return "an assertion is about nobody, so that nothing was tested";
    case Status::Undecided: return "whether an assertion holds is not known";
  }
  return "";
}

std::optional<Span> place_of(const Group& group, const Done& done) {
  if (!group.built_in) return done.test.where;
  for (const Detail& detail : done.outcome.details)
    if (detail.where) return detail.where;
  return std::nullopt;
}

std::vector<Shown> shown(const Report& report) {
  std::vector<Shown> out;
  Fingerprints names;
  for (const Group& group : report.groups)
    for (const Done& done : group.tests) {
      const Status status = done.outcome.status;
      if (!done.fails() && status != Status::Undecided) continue;
      const bool of_pack = !done.test.pack.empty();
      const std::string rule = of_pack ? done.test.pack : std::string("test/") + to_string(status);
      const std::string says = of_pack ? "the built-in pack: " + words_of(done.test.pack) : meaning(status);
      out.push_back({&done, rule, says, place_of(group, done), names.of(rule + "\n" + group.path + "\n" + done.test.name)});
    }
  return out;
}

std::string message(const Shown& one, const SourceManager& sources) {
  std::string out = one.done->test.name + ": ";
  if (one.vacuous()) out += "vacuous: ";
  if (one.undecided()) out += "undecided: ";
  bool first = true;
  for (const Detail& detail : one.done->outcome.details) {
    out += (first ? "" : "\n") + detail.text;
    if (detail.where) out += "   " + sources.path(detail.where->file) + ":" + std::to_string(sources.locate(detail.where->file, detail.where->begin).line);
    first = false;
  }
  return out;
}

Json result(const Shown& one, const SourceManager& sources) {
  Json out = {{"ruleId", one.rule}, {"level", one.undecided() ? "warning" : "error"}, {"message", {{"text", message(one, sources)}}}};
  if (one.where) out["locations"] = Json::array({sarif_location(*one.where, sources)});
  for (const Detail& detail : one.done->outcome.details) {
    if (!detail.where) continue;
    Json related = sarif_location(*detail.where, sources);
    related["message"] = {{"text", detail.text}};
    out["relatedLocations"].push_back(std::move(related));
  }
  out["partialFingerprints"] = {{"netpolc/v1", one.fingerprint}};
  return out;
}

}  // namespace

std::string to_sarif(const Report& report, const Names& names) {
  std::map<std::string, std::string> rules;
  Json results = Json::array(), described = Json::array();
  for (const Shown& one : shown(report)) {
    rules.emplace(one.rule, one.rule_says);
    results.push_back(result(one, names.sources));
  }
  for (const auto& [rule, says] : rules) described.push_back({{"id", rule}, {"shortDescription", {{"text", says}}}});
  return sarif_log(std::move(described), std::move(results));
}

std::string to_gitlab(const Report& report, const Names& names) {
  Json issues = Json::array();
  for (const Shown& one : shown(report))
    issues.push_back(quality_issue(one.undecided() ? "minor" : one.vacuous() ? "major" : "critical", one.rule, one.fingerprint, message(one, names.sources), one.where, names.sources));
  return quality_report(issues);
}

}  // namespace netpolc::compiler::assertions
