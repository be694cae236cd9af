#include "compiler/diff/cost.h"

#include "compiler/lint/policy_maps.h"

namespace netpolc::compiler {
namespace {

std::string counted(std::size_t before, std::size_t after, const char* one, const char* many) {
  const std::string change = before == after ? "" : std::to_string(before) + " → ";
  return change + std::to_string(after) + " " + (after == 1 ? one : many);
}

}  // namespace

Cost cost_of(const Session& session, std::size_t policies) {
  lint::Places places(session.sources);
  const lint::Facts facts(session.loaded.policies, session.loaded.cluster, session.resolutions, places);
  lint::LargestMap largest = lint::largest_map(facts);
  return {largest.entries, std::move(largest.endpoint), policies};
}

std::string to_words(const Cost& before, const Cost& after) {
  const auto whose = [](const Cost& cost) { return cost.endpoint.empty() ? "" : " (" + cost.endpoint + ")"; };
  const bool other = before.entries != after.entries && before.endpoint != after.endpoint && !before.endpoint.empty() && !after.endpoint.empty();
  const std::string map = other ? std::to_string(before.entries) + whose(before) + " → " + counted(after.entries, after.entries, "entry", "entries") : counted(before.entries, after.entries, "entry", "entries");
  return "Cost: largest map " + map + whose(after.endpoint.empty() ? before : after) + ", " + counted(before.policies, after.policies, "distinct policy", "distinct policies") + ".";
}

}  // namespace netpolc::compiler
