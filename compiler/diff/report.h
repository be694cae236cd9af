// compiler/diff/report.h — a comparison as lines for people, worst first; text and Markdown are made of them.
#pragma once
#include <string>
#include <vector>

#include "compiler/session.h"
#include "verify/diff/diff.h"

namespace netpolc::compiler {

// A rule that says why, and where it is.
struct DiffReason {
  std::string said;   // "by ingress[2] of CiliumNetworkPolicy shop/frontend"
  std::string place;  // "policies/shop/frontend.yaml:18", of what is no more "… (was :27)"; may be empty
};

struct DiffLine {
  char symbol = '~';  // + - ~ ! ?
  std::string word;   // "opened"
  std::string who;    // "world → shop/frontend"
  std::string what;   // "TCP 8080"
  std::string alarm;  // "NEW INTERNET EXPOSURE", or empty
  std::vector<DiffReason> reasons;
};

struct DiffReport {
  std::vector<DiffLine> lines;
  std::string counts;  // "Reachability: 1 opened, 1 closed; 418 pairs unchanged."
};

// The two sets were read by the two sessions.
DiffReport report(const verify::Diff& diff, const Session& before, const Session& after);

std::string to_text(const DiffReport& report, bool colour);
// At most `most` bytes, whatever the report: what does not fit is counted. A comment on a pull request may have 65,536.
std::string to_markdown(const DiffReport& report, std::size_t most = 60000);
// apiVersion netpolc.dev/v1, kind DiffResult (docs/diff.md).
std::string to_json(const verify::Diff& diff, const Session& before, const Session& after);

const char* to_string(verify::ChangeKind kind);  // "opened"

}  // namespace netpolc::compiler
