// How results are told: exit codes, JUnit's shape, what is covered.
#include "compiler/assertions/report.h"

#include <doctest/doctest.h>

#include "compiler/exit_code.h"

using namespace netpolc;
using namespace netpolc::compiler;
using namespace netpolc::compiler::assertions;

namespace {

Done done(const char* name, Status status, bool allow_vacuous = false) {
  Done out;
  out.test.name = name;
  out.test.allow_vacuous = allow_vacuous;
  out.outcome.status = status;
  if (status != Status::Passed) out.outcome.details.push_back({"because of <this> & \"that\""});
  return out;
}

Report of(std::vector<Done> tests) { return {{Group{.path = "t.yaml", .tests = std::move(tests)}}}; }

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("undecided is never good, and a failure weighs more") {
  CHECK(of({done("a", Status::Passed)}).exit_code() == kGood);
  CHECK(of({done("a", Status::Passed), done("b", Status::Undecided)}).exit_code() == kUndecided);
  CHECK(of({done("a", Status::Failed), done("b", Status::Undecided)}).exit_code() == kNegative);
  CHECK(of({done("a", Status::Vacuous)}).exit_code() == kNegative);
  CHECK(of({done("a", Status::Vacuous, true)}).exit_code() == kGood);
}

TEST_CASE("outcomes are drawn together, the worst first") {
  Outcome all;
  worsen(all, {Status::Undecided, {{"u"}}, {1}});
  worsen(all, {Status::Failed, {{"f"}}, {2}});
  worsen(all, {Status::Vacuous, {{"v"}}, {3}});
  CHECK(all.status == Status::Failed);
  REQUIRE(all.details.size() == 1);
  CHECK(all.details[0].text == "f");
  CHECK(all.policies == std::set<std::uint32_t>{1, 2, 3});
}

TEST_CASE("JUnit counts what build servers count, in well-formed XML") {
  SourceManager sources;
  sources.add("t.yaml", "x\n");
  const ir::PolicySet none;
  const std::string xml = to_junit(of({done("a", Status::Passed), done("b <&\"\x01", Status::Failed), done("c", Status::Vacuous), done("d", Status::Vacuous, true), done("e", Status::Undecided)}), {none, sources});
  CHECK(has(xml, "<testsuite name=\"t.yaml\" tests=\"5\" failures=\"2\" errors=\"1\" skipped=\"1\">"));
  CHECK(has(xml, "name=\"b &lt;&amp;&quot;?\""));
  CHECK(has(xml, "<failure message=\"because of &lt;this&gt; &amp; &quot;that&quot;\" type=\"failed\">"));
  CHECK(has(xml, "type=\"vacuous\""));
  CHECK(has(xml, "<skipped "));
}

TEST_CASE("an object with several specs is covered by any of them, and the built-in pack covers nothing") {
  ir::PolicySet set;
  for (const char* name : {"a", "a", "b", "c"}) {
    ir::Policy policy;
    policy.ns = "x";
    policy.name = name;
    set.policies.push_back(policy);
  }
  Report report = of({done("t", Status::Passed)});
  report.groups[0].tests[0].outcome.policies = {1};
  report.groups.push_back(Group{.path = "safety/", .built_in = true, .tests = {done("s", Status::Passed)}});
  report.groups[1].tests[0].outcome.policies = {2};
  const Coverage covered = coverage(report, set);
  CHECK(covered.all == 3);
  CHECK(covered.covered() == 1);
  CHECK(covered.not_covered == std::vector<std::uint32_t>{2, 3});
}
