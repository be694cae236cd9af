// runtime-loader/connectivity/run.h — the connectivity test: a bundle in force between machines made of
// namespaces, real packets, and each verdict held against what the bundle's own decision data says. It
// touches no interface of the machine, and nothing of it is left when the process is gone.
#pragma once
#include <chrono>
#include <functional>
#include <regex>
#include <string>
#include <vector>

#include "runtime-loader/connectivity/judge.h"
#include "runtime-loader/connectivity/probe.h"
#include "runtime-loader/connectivity/scene.h"

namespace netpolc::loader::connectivity {

// Which tests: by their names, as `cilium connectivity test --test` has it. "!PATTERN" leaves tests out; no
// other pattern means all.
class Selection {
 public:
  // Fails as input with the pattern that is none.
  static Result<Selection> of(const std::vector<std::string>& patterns);
  bool has(const std::string& test) const;

 private:
  std::vector<std::regex> wanted_, unwanted_;
};

struct Options {
  std::string bundle;   // directory
  bool shipped = true;  // it is the one that is shipped, whose tests have claims of their own
  std::vector<std::string> tests;  // patterns
  std::chrono::milliseconds patience{3000};  // for an answer
  std::chrono::seconds limit{55};            // for everything
};

struct ActionResult {
  Action action;
  Expected expected;
  Seen seen;
  std::vector<std::string> faults;  // in words; empty: as expected
};
struct TestResult {
  std::string name, about;
  std::string skipped;  // why
  std::vector<ActionResult> actions;
  std::string problem;  // not empty: it could not be run to its end
  double seconds = 0;
  bool failed() const;
  std::size_t failed_actions() const;
};
struct Outcome {
  std::string bundle;  // digest
  std::size_t nodes = 0, pods = 0, tables = 0, programs = 0;  // tables: of programs whose decision table is in words
  std::vector<std::string> notes;
  std::vector<TestResult> tests;
  double seconds = 0;
  bool interrupted = false;
  bool good() const;
};

// Names and what they are about, of those that are selected.
Result<std::vector<std::pair<std::string, std::string>>> list(const Options& options);

// For people, while it runs.
struct Progress {
  std::function<void(const Outcome&, const std::vector<std::string>& selected)> begun;
  std::function<void(const TestResult&, std::size_t number, std::size_t of)> done;
  // All tests are done and some failed; the world is still there.
  std::function<void(const World&)> failed;
};
Result<Outcome> run(const Options& options, const Progress& progress);

// "pod a -> pod b TCP 8080"
std::string action_words(const Action& action);

}  // namespace netpolc::loader::connectivity
