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

// Of two that are said of one place, or of a place inside it, the first says more: of whom, or why.
constexpr std::pair<DiagKind, DiagKind> kSaysMore[] = {
    {DiagKind::DenyOnlyCutsOff, DiagKind::DenyOnly},
    {DiagKind::ServicesBefore17, DiagKind::ServiceUnresolved},
    {DiagKind::ClusterPolicyPeer, DiagKind::UnknownField},
};

bool is_inside(Span inner, Span outer) { return inner.file == outer.file && outer.begin <= inner.begin && inner.end <= outer.end; }

void drop_what_is_said_better(Findings& findings) {
  for (const auto& [better, worse] : kSaysMore) {
    std::vector<Span> places;
    for (const Diagnostic& finding : findings)
      if (finding.kind == better && finding.where) places.push_back(*finding.where);
    std::erase_if(findings, [&](const Diagnostic& finding) {
      return finding.kind == worse && finding.where && std::any_of(places.begin(), places.end(), [&](Span place) { return is_inside(*finding.where, place); });
    });
  }
}

bool reads_before(const Diagnostic& a, const Diagnostic& b) {
  if (!a.where || !b.where) return a.where.has_value() && !b.where.has_value();
  return std::tie(*a.where, a.kind, a.message) < std::tie(*b.where, b.kind, b.message);
}

bool same(const Diagnostic& a, const Diagnostic& b) { return a.kind == b.kind && a.where == b.where && a.where && a.message == b.message; }

}  // namespace

bool Choice::wants(DiagKind kind) const {
  const std::string code = diag_code(kind);
  if (const auto chosen = severities.find(kind); chosen != severities.end() && !chosen->second) return false;
  return (select.empty() || begins(code, select)) && !begins(code, ignore);
}

Severity Choice::severity(const Diagnostic& finding) const {
  const auto chosen = severities.find(finding.kind);
  return chosen == severities.end() ? finding.severity : chosen->second.value_or(finding.severity);
}

bool Choice::wants_proved(DiagKind kind) const {
  return wants(kind) && (proved || std::find(select.begin(), select.end(), diag_code(kind)) != select.end());
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

Report run(const frontend::Loaded& input, const ir::Resolutions& resolutions, const SourceManager& sources, const DiagSink& said, const Choice& choice, const frontend::ParseCache* parsed) {
  Places places(sources, parsed);
  const Facts facts(input.policies, input.cluster, resolutions, places);
  const Suppressions suppressions(places);
  Report report;
  Findings found = suppressions.faults();
  for (const Diagnostic& one : said.all())
    if (one.severity != Severity::Error) found.push_back(one);
  std::set<void (*)(const Facts&, Findings&)> done;  // some find for several
  for (const Rule& rule : rules()) {
    if (rule.find == nullptr || (rule.proved && !choice.wants_proved(rule.kind)) || !done.insert(rule.find).second) continue;
    if (!lacks(rule.needs, input.cluster)) rule.find(facts, found);
    else if (choice.wants(rule.kind)) ++(rule.needs == Needs::Services ? report.without_services : report.without_workloads);
  }
  drop_what_is_said_better(found);
  for (Diagnostic& one : found) {
    if (!choice.wants(one.kind)) continue;
    one.severity = choice.severity(one);
    if (suppressions.cover(one)) ++report.suppressed;
    else report.findings.push_back(std::move(one));
  }
  std::stable_sort(report.findings.begin(), report.findings.end(), reads_before);
  report.findings.erase(std::unique(report.findings.begin(), report.findings.end(), same), report.findings.end());
  return report;
}

}  // namespace netpolc::lint
