#include "compiler/kernel_replay.h"

#include <CLI/CLI.hpp>

#include "compiler/kernel_judge/kernel.h"
#include "compiler/kernel_judge/reasons.h"
#include "compiler/session.h"
#include "ir/map_layout.h"

namespace netpolc::compiler {
namespace {

std::string text(const kernel_judge::SideSaid& side) {
  if (!side.not_asked.empty()) return "not asked: " + side.not_asked;
  std::string out = kernel_judge::to_string(side.reason);
  for (const std::string& family : side.families) out += (&family == &side.families.front() ? ", over " : " and ") + family;
  return out;
}

nlohmann::ordered_json json(const kernel_judge::SideSaid& side, JsonAnswers& writer) {
  if (!side.not_asked.empty()) return {{"notAsked", side.not_asked}};
  nlohmann::ordered_json out = {{"passed", side.reason == NP_REASON_FORWARDED}, {"said", kernel_judge::to_string(side.reason)}, {"reason", side.reason}, {"families", side.families}};
  if (side.rule) out["rule"] = nlohmann::ordered_json::parse(writer.rule(*side.rule));
  return out;
}

}  // namespace

void add_in_kernel(CLI::App& command, bool& wanted) {
  command.add_flag("--in-kernel", wanted, "Run a witness's packet through the programs of both ends in this machine's kernel as well (needs CAP_BPF and CAP_NET_ADMIN); a disagreement is an internal error (4)")
      ->group("Replay");
}

std::optional<int> without_kernel(bool wanted) {
  if (!wanted) return std::nullopt;
  if (const auto why = kernel_judge::kernel_unavailable())
    return complain("--in-kernel: no program can be run in this kernel (it takes CAP_BPF and CAP_NET_ADMIN): " + why->substr(0, why->find('\n')));
  return std::nullopt;
}

std::optional<WitnessSaid> ask_programs(bool wanted, const verify::Witness& witness, const ir::PolicySet& policies, bool other) {
  if (!wanted) return std::nullopt;
  static kernel_judge::Programs programs;
  if (other) return kernel_judge::replay({policies, *witness.other_scene, witness.flow, witness.other_egress, witness.other_ingress}, programs);
  return kernel_judge::replay({policies, *witness.scene, witness.flow, witness.egress, witness.ingress}, programs);
}

void programs_text(std::string& out, const std::optional<WitnessSaid>& said) {
  if (!said) return;
  out += "  kernel   egress: " + text(said->egress) + "\n";
  out += "           ingress: " + text(said->ingress) + "\n";
}

nlohmann::ordered_json to_json(const WitnessSaid& said, JsonAnswers& writer) { return {{"egress", json(said.egress, writer)}, {"ingress", json(said.ingress, writer)}}; }

}  // namespace netpolc::compiler
