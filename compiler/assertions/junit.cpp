// JUnit's XML, as build servers read it: a suite a file, a case a test. What fails or is about nobody is a failure, what is undecided an
// error, and what may be about nobody skipped. No times: the same input gives the same bytes.
#include <algorithm>

#include "compiler/assertions/report.h"

namespace netpolc::compiler::assertions {
namespace {

// XML 1.0 has no control characters, in no way of writing them.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      case '\t': out += "&#9;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    }
  }
  return out;
}

std::string attribute(const char* name, const std::string& value) { return std::string(" ") + name + "=\"" + escaped(value) + "\""; }
std::string attribute(const char* name, std::size_t value) { return attribute(name, std::to_string(value)); }

struct Counts {
  std::size_t tests = 0, failures = 0, errors = 0, skipped = 0;
  void add(const Done& done) {
    ++tests;
    failures += done.fails();
    errors += done.outcome.status == Status::Undecided;
    skipped += done.outcome.status == Status::Vacuous && !done.fails();
  }
  std::string attributes() const { return attribute("tests", tests) + attribute("failures", failures) + attribute("errors", errors) + attribute("skipped", skipped); }
};

std::string body(const Done& done, const SourceManager& sources) {
  std::string out;
  for (const Detail& detail : done.outcome.details) {
    out += detail.text;
    if (detail.where) out += "   " + sources.path(detail.where->file) + ":" + std::to_string(sources.locate(detail.where->file, detail.where->begin).line);
    out += "\n";
  }
  // As text, so that lines stay lines.
  std::string text = escaped(out);
  for (std::size_t at; (at = text.find("&#10;")) != std::string::npos;) text.replace(at, 5, "\n");
  return text;
}

void append(std::string& out, const Group& group, const Done& done, const SourceManager& sources) {
  out += "    <testcase" + attribute("classname", group.path) + attribute("name", done.test.name);
  if (!group.built_in) out += attribute("file", group.path) + attribute("line", sources.locate(done.test.where.file, done.test.where.begin).line);
  if (done.outcome.status == Status::Passed) {
    out += "/>\n";
    return;
  }
  const char* element = done.fails() ? "failure" : done.outcome.status == Status::Undecided ? "error" : "skipped";
  const std::string message = done.outcome.details.empty() ? "" : done.outcome.details.front().text;
  out += std::string(">\n      <") + element + attribute("message", message);
  if (std::string(element) == "skipped") out += "/>\n";
  else out += attribute("type", to_string(done.outcome.status)) + ">" + body(done, sources) + "</" + element + ">\n";
  out += "    </testcase>\n";
}

}  // namespace

std::string to_junit(const Report& report, const Names& names) {
  Counts all;
  for (const Group& group : report.groups)
    for (const Done& done : group.tests) all.add(done);
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + attribute("name", "netpolc test") + all.attributes() + ">\n";
  for (const Group& group : report.groups) {
    if (group.tests.empty()) continue;
    Counts own;
    for (const Done& done : group.tests) own.add(done);
    out += "  <testsuite" + attribute("name", group.path) + own.attributes() + ">\n";
    for (const Done& done : group.tests) append(out, group, done, names.sources);
    out += "  </testsuite>\n";
  }
  return out + "</testsuites>\n";
}

}  // namespace netpolc::compiler::assertions
