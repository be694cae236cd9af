#include "compiler/lint/lint.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "compiler/lint/suppress.h"

namespace netpolc::lint {
namespace {

bool begins(const std::string& code, const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return code.rfind(word, 0) == 0; });
}

bool lacks(Needs needs, const ir::Cluster& cluster) {
  switch (needs) {
    case Needs::Policies: return false;
    case Needs::Workloads: return cluster.endpoints.empty();
    case Needs::Services: return cluster.services.empty();
  }
  return false;
}

// NP010 says what NP167 says, and of whom.
void drop_what_is_said_better(Findings& findings) {
  std::set<Span> better;
  for (const Diagnostic& finding : findings)
    if (finding.kind == DiagKind::DenyOnlyCutsOff && finding.where) better.insert(*finding.where);
  std::erase_if(findings, [&](const Diagnostic& finding) { return finding.kind == DiagKind::DenyOnly && finding.where && better.count(*finding.where) != 0; });
}

bool reads_before(const Diagnostic& a, const Diagnostic& b) {
  if (!a.where || !b.where) return a.where.has_value() && !b.where.has_value();
  return std::tie(*a.where, a.kind, a.message) < std::tie(*b.where, b.kind, b.message);
}

bool same(const Diagnostic& a, const Diagnostic& b) { return a.kind == b.kind && a.where == b.where && a.where && a.message == b.message; }

}  // namespace

bool Choice::wants(DiagKind kind) const {
  const std::string code = diag_code(kind);
  return (select.empty() || begins(code, select)) && !begins(code, ignore);
}

std::string Choice::unknown() const {
  for (const auto* words : {&select, &ignore})
    for (const std::string& word : *words)
      if (std::none_of(rules().begin(), rules().end(), [&](const Rule& rule) { return begins(diag_code(rule.kind), {word}); })) return word;
  return "";
}

std::size_t Report::count(Severity severity) const {
  return static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(), [&](const Diagnostic& one) { return one.severity == severity; }));
}

Report run(const frontend::Loaded& input, const ir::Resolutions& resolutions, const SourceManager& sources, const DiagSink& said, const Choice& choice) {
  Places places(sources);
  const Facts facts(input.policies, input.cluster, resolutions, places);
  const Suppressions suppressions(places);
  Report report;
  Findings found = suppressions.faults();
  for (const Diagnostic& one : said.all())
    if (one.severity != Severity::Error) found.push_back(one);
  for (const Rule& rule : rules()) {
    if (rule.find == nullptr) continue;
    if (!lacks(rule.needs, input.cluster)) rule.find(facts, found);
    else if (choice.wants(rule.kind)) ++(rule.needs == Needs::Services ? report.without_services : report.without_workloads);
  }
  drop_what_is_said_better(found);
  for (Diagnostic& one : found) {
    if (!choice.wants(one.kind)) continue;
    if (suppressions.cover(one)) ++report.suppressed;
    else report.findings.push_back(std::move(one));
  }
  std::stable_sort(report.findings.begin(), report.findings.end(), reads_before);
  report.findings.erase(std::unique(report.findings.begin(), report.findings.end(), same), report.findings.end());
  return report;
}

}  // namespace netpolc::lint
