// Results for people: a line a test, and below it why it did not pass.
#include <algorithm>

#include "compiler/assertions/report.h"

namespace netpolc::compiler::assertions {
namespace {

const char* symbol(Status status) {
  switch (status) {
    case Status::Passed: return "✓";
    case Status::Failed: return "✗";
    case Status::Vacuous: return "!";
    case Status::Undecided: return "?";
  }
  return "?";
}

std::string coloured_symbol(const Done& done, bool colour) {
  const Status status = done.outcome.status;
  if (!colour) return symbol(status);
  const char* code = status == Status::Passed ? "\x1b[32m" : done.fails() ? "\x1b[31m" : "\x1b[33m";
  return code + std::string(symbol(status)) + "\x1b[0m";
}

// In characters, of UTF-8.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}
std::string padded(const std::string& text, std::size_t to) { return text + std::string(to - std::min(to, width(text)), ' '); }

std::string place(const Detail& detail, const SourceManager& sources) {
  return sources.path(detail.where->file) + ":" + std::to_string(sources.locate(detail.where->file, detail.where->begin).line);
}

void append_details(std::string& out, const std::vector<Detail>& details, const SourceManager& sources) {
  std::size_t column = 0;
  for (const Detail& detail : details)
    if (detail.where) column = std::max(column, width(detail.text));
  for (const Detail& detail : details) out += "      " + (detail.where ? padded(detail.text, column) + "   " + place(detail, sources) : detail.text) + "\n";
}

// What stands beside the name: of all whom it speaks; of nobody, why.
std::string beside(const Done& done) {
  if (done.outcome.status == Status::Vacuous) return "vacuous: " + done.outcome.details.front().text + (done.test.allow_vacuous ? " (allowed)" : "");
  return done.outcome.status == Status::Passed ? done.outcome.scope : "";
}

// What passed of a pack is told in one line.
bool is_counted(const Done& done) { return !done.test.pack.empty() && done.outcome.status == Status::Passed; }

void append(std::string& out, const Done& done, std::size_t column, const SourceManager& sources, bool colour) {
  const std::string note = beside(done);
  out += "  " + coloured_symbol(done, colour) + " " + (note.empty() ? done.test.name : padded(done.test.name, column) + "   " + note) + "\n";
  if (done.outcome.status != Status::Vacuous) append_details(out, done.outcome.details, sources);
}

// "✓ 14 of 14: dns, kubelet probes"
void append_pack(std::string& out, std::vector<Done>::const_iterator from, std::vector<Done>::const_iterator to, bool colour) {
  std::size_t passed = 0;
  const Done* one = nullptr;
  std::string names, last;
  for (auto done = from; done != to; ++done) {
    if (!is_counted(*done)) continue;
    ++passed;
    one = &*done;
    if (done->test.pack == last) continue;
    last = done->test.pack;
    names += (names.empty() ? "" : ", ") + words_of(last);
  }
  if (one != nullptr) out += "  " + coloured_symbol(*one, colour) + " " + std::to_string(passed) + " of " + std::to_string(to - from) + ": " + names + "\n";
}

void append(std::string& out, const Group& group, const SourceManager& sources, bool colour) {
  out += group.path + (group.built_in ? " (built in)" : "") + "\n";
  std::size_t column = 0;
  for (const Done& done : group.tests)
    if (!is_counted(done)) column = std::max(column, width(done.test.name));
  for (auto at = group.tests.begin(); at != group.tests.end();) {
    auto end = at + 1;
    const auto goes_on = [&](const Done& next) { return group.built_in ? !next.test.pack.empty() : next.test.pack == at->test.pack && next.test.where == at->test.where; };
    if (!at->test.pack.empty())
      while (end != group.tests.end() && goes_on(*end)) ++end;
    append_pack(out, at, end, colour);
    for (; at != end; ++at)
      if (!is_counted(*at)) append(out, *at, column, sources, colour);
  }
  for (const std::string& note : group.notes) out += "    " + note + "\n";
}

std::string summary(const Report& report) {
  std::string out = std::to_string(report.count(Status::Passed)) + " passed";
  for (const Status status : {Status::Failed, Status::Vacuous, Status::Undecided})
    if (const auto count = report.count(status)) out += ", " + std::to_string(count) + " " + to_string(status);
  return out;
}

std::string not_covered(const Coverage& coverage, const ir::PolicySet& policies) {
  constexpr std::size_t kMostNamed = 20;
  std::string out;
  for (std::size_t n = 0; n < std::min(kMostNamed, coverage.not_covered.size()); ++n) out += (n == 0 ? "not covered: " : ", ") + object_name(policies.policies[coverage.not_covered[n]]);
  if (coverage.not_covered.size() > kMostNamed) out += " and " + std::to_string(coverage.not_covered.size() - kMostNamed) + " more";
  return out.empty() ? "" : out + "\n";
}

}  // namespace

std::string to_text(const Report& report, const Names& names, bool colour) {
  std::string out;
  for (const Group& group : report.groups) append(out, group, names.sources, colour);
  out += "\n" + summary(report);
  if (!report.coverage) return out + "\n";
  out += " · policies covered " + std::to_string(report.coverage->covered()) + "/" + std::to_string(report.coverage->all) + "\n";
  return out + not_covered(*report.coverage, names.policies);
}

}  // namespace netpolc::compiler::assertions
