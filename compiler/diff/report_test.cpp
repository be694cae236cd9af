#include "compiler/diff/report.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace netpolc::compiler;

namespace {

DiffReport long_report(std::size_t lines) {
  DiffReport out;
  out.counts = "Reachability: many.";
  for (std::size_t i = 0; i < lines; ++i)
    out.lines.push_back({'+', "opened", "a/b → c/d" + std::to_string(i), "TCP 80", i == 0 ? "NEW INTERNET EXPOSURE" : "", {{"by ingress[0] of CiliumNetworkPolicy c/d", "policy.yaml:1"}}});
  return out;
}

}  // namespace

TEST_CASE("a comment is never longer than it may be, begins with the worst, and counts the rest") {
  for (const std::size_t lines : {1U, 300U, 400U, 500U, 5000U}) {
    const std::string text = to_markdown(long_report(lines));
    CHECK(text.size() <= 60000);
    CHECK(text.find("NEW INTERNET EXPOSURE") < 400);
    const std::size_t rows = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    const bool whole = text.find("more lines") == std::string::npos;
    CHECK(whole == (text.find("c/d" + std::to_string(lines - 1) + " ") != std::string::npos));
    if (!whole) CHECK(text.find("and " + std::to_string(lines - (rows - 8)) + " more lines") != std::string::npos);
  }
}

TEST_CASE("a long line alone is counted, too") {
  DiffReport report = long_report(2);
  report.lines[0].what = std::string(70000, 'x');
  CHECK(to_markdown(report).find("and 2 more lines") != std::string::npos);
}

TEST_CASE("what is in a cell stays there") {
  DiffReport report = long_report(1);
  report.lines[0].what = "a|b <img> `x`\n@all [l](u) *";
  const std::string text = to_markdown(report);
  CHECK(text.find("a\\|b &lt;img> \\`x\\` \\@all \\[l\\](u) \\*") != std::string::npos);
}

TEST_CASE("columns are as wide as what is in them, to a limit") {
  DiffReport report = long_report(2);
  report.lines[1].who = std::string(80, 'w');
  const std::string text = to_text(report, false);
  CHECK(text.find("  + opened     a/b → c/d0   TCP 80   NEW INTERNET EXPOSURE\n") == 0);
  CHECK(text.find(std::string(80, 'w') + "   TCP 80\n") != std::string::npos);
  CHECK(to_text(report, true).find("\x1b[32m+ opened") != std::string::npos);
}

TEST_CASE("of annotations no more than ten of a kind are made, worst first, and the rest is counted") {
  const Session none;
  for (const std::size_t lines : {1U, 10U, 11U, 500U}) {
    DiffReport report = long_report(lines);
    for (auto& line : report.lines) line.level = netpolc::Severity::Warning;
    report.lines.back().level = netpolc::Severity::Error;
    const std::string text = to_github(report, none, none);
    const auto count = [&](const char* what) {
      std::size_t out = 0;
      for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++out;
      return out;
    };
    CHECK(text.find("::error ") == 0);
    CHECK(count("::error ") == 1);
    CHECK(count("::warning ") == std::min<std::size_t>(lines - 1, 10));
    CHECK((text.find("and " + std::to_string(lines - 10) + " more of this kind") != std::string::npos) == (lines > 11));
    CHECK(count("\n") == count("::error ") + count("::warning "));
  }
}
