// compiler/lint/lint.h — runs the rules over one input and says what they found: what the reader warned of while it read, and
// what only shows beside workloads, services and other policies. Pure: prints nothing.
//
// Each thing is said once. Where the reader and a rule see the same, the rule speaks, as it knows how many are concerned:
// NP010 stands in place of NP167.
#pragma once
#include <string>
#include <vector>

#include "compiler/lint/rule.h"
#include "compiler/lint/severities.h"
#include "frontend/load.h"

namespace netpolc::lint {

// Codes or beginnings of codes ("NP033", "NP0"). No `select`: all. `ignore` wins.
struct Choice {
  std::vector<std::string> select, ignore;
  bool proved = false;  // rules that ask the solver as well
  Severities severities = {};  // in place of the rules' own
  bool wants(DiagKind kind) const;
  // The level that counts for what a rule or the reader said with this one.
  Severity severity(const Diagnostic& finding) const;
  // Of such a rule: asked for, or selected by its whole code.
  bool wants_proved(DiagKind kind) const;
  // The first word that no code begins with; "" if there is none.
  std::string unknown() const;
};

struct Report {
  Findings findings;           // by place, then by code; no two alike
  std::size_t suppressed = 0;  // kept quiet by the manifests, with a reason
  // Rules that were wanted and had nothing to look at.
  std::size_t without_workloads = 0, without_services = 0;

  std::size_t count(Severity severity) const;
};

// `said`: by the reader, of the same input; its errors are no findings. `parsed`: what the input was read with, or null.
Report run(const frontend::Loaded& input, const ir::Resolutions& resolutions, const SourceManager& sources, const DiagSink& said, const Choice& choice,
           const frontend::ParseCache* parsed = nullptr);

}  // namespace netpolc::lint
