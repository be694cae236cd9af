// compiler/kernel_replay.h — `--in-kernel`: what a claim's witness meets is asked of the compiled programs, too, in this machine's
// kernel. Off unless it is said: answers are the same everywhere, and nothing is loaded into a kernel unasked.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "compiler/answers.h"
#include "compiler/kernel_judge/witness.h"

namespace CLI {
class App;
}

namespace netpolc::compiler {

void add_in_kernel(CLI::App& command, bool& wanted);
// Whether it can be done is said before anything is proved. A value is the exit code to end with.
std::optional<int> without_kernel(bool wanted);

// None where it isn't wanted. A program that says otherwise than the interpreter is an internal error (std::logic_error).
// `other`: of the set that a comparison has besides, whose policies these are.
using WitnessSaid = kernel_judge::WitnessSaid;
std::optional<WitnessSaid> ask_programs(bool wanted, const verify::Witness& witness, const ir::PolicySet& policies, bool other = false);

void programs_text(std::string& out, const std::optional<WitnessSaid>& said);
// {"egress": {"verdict", "reason", "families", "rule"} or {"notAsked"}, "ingress": …}
nlohmann::ordered_json to_json(const WitnessSaid& said, JsonAnswers& writer);

}  // namespace netpolc::compiler
