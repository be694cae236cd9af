// compiler/assertions/report.h — what became of all tests, and how that is told. The same input gives the same bytes: no times.
#pragma once
#include <string>
#include <vector>

#include "compiler/assertions/details.h"
#include "compiler/assertions/model.h"
#include "ir/policy.h"

namespace netpolc::compiler::assertions {

struct Done {
  Test test;
  Outcome outcome;
  bool fails() const { return outcome.status == Status::Failed || (outcome.status == Status::Vacuous && !test.allow_vacuous); }
};

// The tests of a file, or of the built-in pack.
struct Group {
  std::string path;
  bool built_in = false;
  std::vector<Done> tests = {};
  std::vector<std::string> notes = {};  // what was not judged, and why
};

// Policy objects, and those none of whose rules decided in a test that somebody wrote.
struct Coverage {
  std::size_t all = 0;
  std::vector<std::uint32_t> not_covered;  // the first index of each, in the order of kind, namespace and name
  std::size_t covered() const { return all - not_covered.size(); }
};

struct Report {
  std::vector<Group> groups;
  std::optional<Coverage> coverage = std::nullopt;  // none: not all tests ran
  std::size_t count(Status status) const;
  bool fails() const;
  int exit_code() const;  // 1 where a test fails, else 3 where one is undecided
};

Coverage coverage(const Report& report, const ir::PolicySet& policies);
std::string words_of(const std::string& pack);      // "kubelet probes" of "safety/kubelet-probes"
std::string object_name(const ir::Policy& policy);  // "shop/web", of a clusterwide one "deny-metadata"

struct Names {
  const ir::PolicySet& policies;
  const SourceManager& sources;
};
std::string to_text(const Report& report, const Names& names, bool colour);
// apiVersion netpolc.dev/v1, kind TestResult (docs/test.md).
std::string to_json(const Report& report, const Names& names);
std::string to_junit(const Report& report, const Names& names);
// Of tests that fail, and of those that are undecided: SARIF 2.1.0, and GitLab's report of code quality. The place is the assertion's.
std::string to_sarif(const Report& report, const Names& names);
std::string to_gitlab(const Report& report, const Names& names);

}  // namespace netpolc::compiler::assertions
