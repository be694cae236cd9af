#include "runtime-loader/connectivity/report.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "runtime-loader/reasons.h"

namespace netpolc::loader::connectivity {
namespace {

using Json = nlohmann::ordered_json;

struct Counts {
  std::size_t run = 0, failed = 0, skipped = 0, actions = 0, failed_actions = 0;
};
Counts count(const Outcome& outcome) {
  Counts out;
  for (const TestResult& test : outcome.tests) {
    ++(test.skipped.empty() ? out.run : out.skipped);
    out.failed += test.failed();
    out.actions += test.actions.size();
    out.failed_actions += test.failed_actions();
  }
  return out;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", seconds);
  return text;
}

// Text of an XML attribute or element; what XML can't have becomes a question mark.
std::string xml(const std::string& text) {
  std::string out;
  for (const char c : Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>()) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  return out;
}

const char* status_of(const TestResult& test) { return !test.skipped.empty() ? "skipped" : test.failed() ? "failed" : "passed"; }

// All that is wrong with a test, a line each.
std::vector<std::string> faults_of(const TestResult& test) {
  std::vector<std::string> out;
  for (const ActionResult& it : test.actions)
    for (const std::string& fault : it.faults) out.push_back(action_words(it.action) + ": " + fault);
  if (!test.problem.empty()) out.push_back(test.problem);
  return out;
}

Json decision_json(const std::optional<Decision>& decision) {
  if (!decision) return nullptr;
  return {{"verdict", decision->allowed ? "ALLOWED" : "DENIED"},
          {"reason", decision->allowed ? Json() : Json(reason_name(decision->reason))},
          {"rule", decision->rule == NP_NO_RULE ? Json() : Json(decision->rule)}};
}

Json action_json(const ActionResult& it) {
  Json expected = Json::array();
  for (const Leg& leg : it.expected.legs) {
    Json one = decision_json(leg.decision);
    one["direction"] = leg.direction == NP_EGRESS ? "egress" : "ingress";
    one["peer"] = leg.peer;
    one["by"] = leg.by_table ? "table" : "program";
    expected.push_back(std::move(one));
  }
  return {{"action", action_words(it.action)},
          {"from", it.action.from},
          {"to", it.action.to},
          {"claim", it.action.claim ? Json(*it.action.claim ? "ALLOWED" : "DENIED") : Json()},
          {"expected", std::move(expected)},
          {"answered", it.seen.answered},
          {"egress", decision_json(it.seen.egress)},
          {"ingress", decision_json(it.seen.ingress)},
          {"faults", it.faults}};
}

}  // namespace

bool reads_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string text = value;
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text.ends_with("utf-8") || text.ends_with("utf8");
  }
  return false;
}

std::string head_text(const Outcome& outcome, std::size_t tests) {
  std::string out = "bundle " + outcome.bundle.substr(0, 12) + " on " + std::to_string(outcome.nodes) + " nodes with " + std::to_string(outcome.pods) + " pods; " + std::to_string(tests) +
                    " tests; verdicts are held against ";
  if (outcome.tables == outcome.programs)
    out += "the bundle's decision tables\n";
  else if (outcome.tables == 0)
    out += "what the programs say when they are asked alone (the bundle has no decision tables: `netpolc compile --emit ir`)\n";
  else
    out += "the bundle's decision tables, which " + std::to_string(outcome.tables) + " of " + std::to_string(outcome.programs) + " programs have, and what the others say when they are asked alone\n";
  for (const std::string& note : outcome.notes) out += "note: " + note + "\n";
  return out;
}

std::string test_text(const TestResult& test, std::size_t number, std::size_t of, bool utf8) {
  std::string out = "[=] Test [" + test.name + "] [" + std::to_string(number) + "/" + std::to_string(of) + "] ";
  if (!test.skipped.empty()) return out + "not run: " + test.skipped + "\n";
  for (const ActionResult& it : test.actions) out += it.faults.empty() ? "." : "x";
  out += "\n";
  for (const std::string& fault : faults_of(test)) out += std::string("  ") + (utf8 ? "✗ " : "x ") + fault + "\n";
  return out;
}

std::string end_text(const Outcome& outcome, bool utf8) {
  const Counts counts = count(outcome);
  const std::string skipped = std::to_string(counts.skipped) + " tests skipped, in " + seconds_text(outcome.seconds) + " s\n";
  if (counts.run == 0) return "No test was run, " + skipped;
  if (counts.failed == 0)
    return std::string(utf8 ? "✓ " : "") + "All " + std::to_string(counts.run) + " tests (" + std::to_string(counts.actions) + " actions) successful, " + skipped;
  std::string out = std::string(utf8 ? "✗ " : "") + std::to_string(counts.failed) + "/" + std::to_string(counts.run) + " tests failed (" + std::to_string(counts.failed_actions) + "/" +
                    std::to_string(counts.actions) + " actions), " + skipped;
  for (const TestResult& test : outcome.tests)
    if (test.failed()) out += "  [" + test.name + "] " + test.about + "\n";
  return out;
}

std::string outcome_json(const Outcome& outcome) {
  Json tests = Json::array();
  for (const TestResult& test : outcome.tests) {
    Json actions = Json::array();
    for (const ActionResult& it : test.actions) actions.push_back(action_json(it));
    tests.push_back({{"name", test.name},
                     {"about", test.about},
                     {"status", status_of(test)},
                     {"skipped", test.skipped.empty() ? Json() : Json(test.skipped)},
                     {"problem", test.problem.empty() ? Json() : Json(test.problem)},
                     {"seconds", test.seconds},
                     {"actions", std::move(actions)}});
  }
  const Counts counts = count(outcome);
  return Json{{"bundle", outcome.bundle},
              {"nodes", outcome.nodes},
              {"pods", outcome.pods},
              {"programs", outcome.programs},
              {"tables", outcome.tables},
              {"notes", outcome.notes},
              {"successful", outcome.good()},
              {"counts", {{"tests", counts.run}, {"failed", counts.failed}, {"skipped", counts.skipped}, {"actions", counts.actions}, {"failedActions", counts.failed_actions}}},
              {"seconds", outcome.seconds},
              {"tests", std::move(tests)}}
             .dump(1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

std::string outcome_junit(const Outcome& outcome) {
  std::size_t failures = 0, skipped = 0;
  std::string cases;
  for (const TestResult& test : outcome.tests) {
    cases += "    <testcase name=\"" + xml(test.name) + "\" classname=\"connectivity\" time=\"" + seconds_text(test.seconds) + "\"";
    if (!test.skipped.empty()) {
      ++skipped;
      cases += ">\n      <skipped message=\"" + xml(test.skipped) + "\"/>\n    </testcase>\n";
    } else if (test.failed()) {
      ++failures;
      const auto faults = faults_of(test);
      cases += ">\n      <failure message=\"" + xml(faults.front()) + "\" type=\"connectivity\">";
      for (const std::string& fault : faults) cases += xml(fault + "\n");
      cases += "</failure>\n    </testcase>\n";
    } else {
      cases += "/>\n";
    }
  }
  const std::string numbers = " tests=\"" + std::to_string(outcome.tests.size()) + "\" failures=\"" + std::to_string(failures) + "\" errors=\"0\" skipped=\"" + std::to_string(skipped) + "\" time=\"" +
                              seconds_text(outcome.seconds) + "\"";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"netpol-loader connectivity test\"" + numbers + ">\n  <testsuite name=\"connectivity\"" + numbers + ">\n" + cases +
         "  </testsuite>\n</testsuites>\n";
}

}  // namespace netpolc::loader::connectivity
