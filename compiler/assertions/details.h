// compiler/assertions/details.h — what becomes of a test, and why, in lines that have a place.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "verify/judge.h"

namespace netpolc::compiler::assertions {

// Vacuous: it says something of nobody, so that nothing was tested.
enum class Status : unsigned char { Passed, Failed, Vacuous, Undecided };
const char* to_string(Status status);  // "passed"

struct Detail {
  std::string text;
  std::optional<Span> where = std::nullopt;
};

struct Outcome {
  Status status = Status::Passed;
  std::vector<Detail> details = {};       // why it did not pass
  std::set<std::uint32_t> policies = {};  // indices of those whose rules decided
  std::string scope = {};                 // of all whom it speaks, where that is more than the ends that it names: "∀ 5 workloads"
};
// What fails weighs most, then what is vacuous, then what is undecided.
void worsen(Outcome& all, Outcome more);

bool denies(const std::optional<verify::Side>& side);
// What a side says, and each rule that says it. `name`: "egress".
void say(const char* name, const std::optional<verify::Side>& side, const ir::PolicySet& policies, std::vector<Detail>& out);
void note_policies(const std::optional<verify::Side>& side, std::set<std::uint32_t>& out);

}  // namespace netpolc::compiler::assertions
