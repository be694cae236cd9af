#include "compiler/via.h"

#include <CLI/CLI.hpp>

#include "frontend/cluster/exposure.h"

namespace netpolc::compiler {

void add_via_option(CLI::App& command, QuestionOptions& options) {
  const std::vector<std::string> all(verify::kVias.begin(), verify::kVias.end());
  command.add_option("--via", options.via, "The way to the pods of svc:: direct, clusterip, nodeport, lb or ingress")->check(CLI::IsMember(all))->group("Traffic");
}

struct ViaQuestions::State {
  frontend::Exposures exposures;
  tl::expected<ir::ServiceHandling, std::string> handling;
  verify::ServicePaths paths;

  State(const Session& session, const ir::eval::World& world, verify::Judge& judge)
      : exposures(session.loaded, session.sources), handling(exposures.handling()), paths(world, session.lock, judge, {[this](const ir::Service& service) { return exposures.of(service); }, handling.value_or(ir::ServiceHandling{})}) {}
};

ViaQuestions::ViaQuestions(const Session& session, const ir::eval::World& world, verify::Judge& judge) : state_(std::make_unique<State>(session, world, judge)) {}
ViaQuestions::~ViaQuestions() = default;

tl::expected<verify::PathAnswer, verify::RefError> ViaQuestions::ask(const verify::Question& question, verify::Via via) {
  if (!state_->handling) return tl::unexpected(verify::RefError{state_->handling.error(), false});
  return state_->paths.ask(question, via);
}

}  // namespace netpolc::compiler
