#include "compiler/diff/safety.h"

#include <algorithm>
#include <map>

#include "compiler/assertions/report.h"
#include "compiler/assertions/run.h"
#include "compiler/assertions/safety.h"

namespace netpolc::compiler {
namespace {

using assertions::Outcome;
using assertions::Status;

struct Judged {
  std::string name, pack;
  Outcome outcome;
};
// What the pack says of one set.
struct Side {
  std::vector<Judged> tests;  // in the order of the pack; each name once
  std::vector<std::pair<std::string, std::string>> vacuous;
  const Judged* find(const std::string& name) const {
    const auto found = numbers.find(name);
    return found == numbers.end() ? nullptr : &tests[found->second];
  }
  std::map<std::string, std::size_t> numbers;
  std::size_t count(Status status) const {
    return static_cast<std::size_t>(std::count_if(tests.begin(), tests.end(), [&](const Judged& one) { return one.outcome.status == status; }));
  }
  std::size_t judged() const { return tests.size() - count(Status::Vacuous); }
};

// Workloads of different kinds may share a name: the assertion is about all of them.
void add(Side& side, assertions::Test test, Outcome outcome) {
  const auto [at, fresh] = side.numbers.emplace(test.name, side.tests.size());
  if (fresh) side.tests.push_back({std::move(test.name), std::move(test.pack), std::move(outcome)});
  else assertions::worsen(side.tests[at->second].outcome, std::move(outcome));
}

Side judge(const Session& session) {
  assertions::Runner runner(session, {});
  Side out;
  for (const std::string& name : assertions::safety_names()) {
    assertions::Pack pack = assertions::safety(name, session.loaded, runner.judge(), {});
    if (pack.tests.empty()) out.vacuous.emplace_back(name, pack.not_judged);
    for (assertions::Test& test : pack.tests) {
      Outcome outcome = runner.run(test);
      add(out, std::move(test), std::move(outcome));
    }
  }
  for (const Judged& one : out.tests)
    if (one.outcome.status == Status::Vacuous) out.vacuous.emplace_back(one.name, one.outcome.details.empty() ? "" : one.outcome.details.front().text);
  return out;
}

std::string listed(const SafetyChange& safety) {
  std::string out;
  for (const auto& [name, why] : safety.vacuous) out += (out.empty() ? "" : ", ") + (name.starts_with("safety/") ? assertions::words_of(name) : name);
  return out;
}

}  // namespace

SafetyChange compare_safety(const Session& before, const Session& after) {
  const Side was = judge(before), is = judge(after);
  SafetyChange out;
  out.held = is.count(Status::Passed);
  out.judged = is.judged();
  out.undecided = is.count(Status::Undecided);
  out.held_before = was.count(Status::Passed);
  out.judged_before = was.judged();
  out.vacuous = is.vacuous;
  for (const Judged& one : is.tests) {
    const Judged* then = was.find(one.name);
    const bool failed = then != nullptr && then->outcome.status == Status::Failed;
    if (one.outcome.status == Status::Passed && failed) out.repaired.push_back(one.name);
    if (one.outcome.status != Status::Failed) continue;
    if (failed) out.still_failing.push_back(one.name);
    else out.broken.push_back({one.name, one.pack, then == nullptr ? std::nullopt : std::optional(then->outcome.status), one.outcome.details});
  }
  return out;
}

std::string to_words(const SafetyChange& safety) {
  std::string out = "Safety pack: ";
  if (safety.judged == 0) return out + "vacuous; the input has nothing that it asks about.";
  out += std::to_string(safety.held) + "/" + std::to_string(safety.judged) + " hold";
  const auto add = [&](std::size_t count, const char* words) {
    if (count != 0) out += ", " + std::to_string(count) + " " + words;
  };
  add(safety.broken.size(), "broken");
  add(safety.still_failing.size(), "failed before as well");
  add(safety.undecided, "undecided");
  add(safety.repaired.size(), "repaired");
  return out + (safety.vacuous.empty() ? "." : "; vacuous: " + listed(safety) + ".");
}

}  // namespace netpolc::compiler
