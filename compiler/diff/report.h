// compiler/diff/report.h — a comparison as lines for people, worst first; text and Markdown are made of them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "compiler/session.h"
#include "verify/diff/diff.h"

namespace netpolc::compiler {

// A rule that says why, and where it is.
struct DiffReason {
  std::string said;   // "by ingress[2] of CiliumNetworkPolicy shop/frontend"
  std::string place;  // "policies/shop/frontend.yaml:18", of what is no more "… (was :27)"; may be empty
  std::optional<Span> where = std::nullopt;  // the same, in what came after or, if `was`, in what was before
  bool was = false;
};

// How much it hurts: errors are new exposure to the internet, and assertions of the safety pack that broke; warnings what opens,
// default deny that came or went, and what can't be computed; notes the rest.

struct DiffLine {
  char symbol = '~';  // + - ~ ! ?
  std::string word;   // "opened"
  std::string who;    // "world → shop/frontend"
  std::string what;   // "TCP 8080"
  std::string alarm;  // "NEW INTERNET EXPOSURE", or empty
  std::vector<DiffReason> reasons = {};
  Severity level = Severity::Note;
};

struct DiffReport {
  std::vector<DiffLine> lines;
  std::string counts;  // "Reachability: 1 opened, 1 closed; 418 pairs unchanged."
  std::vector<std::string> footers = {};  // what is said below that, a line each
};

struct SafetyChange;  // compiler/diff/safety.h
struct Cost;          // compiler/diff/cost.h
struct SeenFlows;     // compiler/diff/flows.h
// What is told beside the comparison. Null: not asked for. Not owned.
struct Beside {
  const SafetyChange* safety = nullptr;
  const Cost *cost_before = nullptr, *cost_after = nullptr;
  const SeenFlows* flows = nullptr;
};

// Cilium 1.16 chooses between rules that redirect or authenticate otherwise than tables do (docs/semantics.md), and there are such
// rules: a difference in that alone could be missed.
bool chooses_otherwise(const Session& session);

// A few rules and their places, more are counted. `how`: "by"; `was`: rules of what is no more.
void add_reasons(std::vector<DiffReason>& out, const char* how, const std::vector<ir::RuleRef>& rules, const Session& session, bool was);

// The two sets were read by the two sessions.
DiffReport report(const verify::Diff& diff, const Session& before, const Session& after, const Beside& beside = {});

std::string to_text(const DiffReport& report, bool colour);
// At most `most` bytes, whatever the report: what does not fit is counted. A comment on a pull request may have 65,536.
std::string to_markdown(const DiffReport& report, std::size_t most = 60000);
// For code scanning: SARIF 2.1.0, one result for each line. Where the only rules are gone, the place is where they were.
std::string to_sarif(const DiffReport& report, const Session& before, const Session& after);
// Annotations for GitHub, which shows ten of a kind and no more: of more, nine and how many there are.
std::string to_github(const DiffReport& report, const Session& before, const Session& after);
// GitLab's report of code quality, an entry for each line.
std::string to_gitlab(const DiffReport& report, const Session& before, const Session& after);
// apiVersion netpolc.dev/v1, kind DiffResult (docs/diff.md).
std::string to_json(const verify::Diff& diff, const Session& before, const Session& after, const Beside& beside = {});

const char* to_string(verify::ChangeKind kind);            // "opened"
const char* to_string(verify::RequestsChange::Kind kind);  // "widened"

}  // namespace netpolc::compiler
