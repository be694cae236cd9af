// compiler/report/sets.h — the former set that a report is compared with, as people ask for it.
#pragma once
#include <optional>
#include <string>

#include "compiler/session.h"

namespace netpolc::compiler {

struct FormerSet {
  std::string path;   // --against: in place of the arguments
  std::string range;  // --git: of the arguments, in two commits
  bool asked() const { return !path.empty() || !range.empty(); }
};

// "" if there is something to compare, or nothing is asked.
std::string problem_of(const FormerSet& former, const InputOptions& input);
// Reads both sets, each with what `-f` names. `called`: the former one, for people. A value is the exit code to end with.
// Precondition: a former set is asked for.
std::optional<int> open(const FormerSet& former, const InputOptions& input, Session& before, Session& after, std::string& called);

}  // namespace netpolc::compiler
