// compiler/via.h — `--via`: what becomes of a question about one way to a service's pods (verify/service_paths.h), and how it is
// said. `verify`, `explain flow` and files of questions ask the same way.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "compiler/answers.h"
#include "compiler/question_options.h"
#include "compiler/session.h"
#include "verify/service_paths.h"

namespace netpolc::compiler {

void add_via_option(CLI::App& command, QuestionOptions& options);

// Manifests of Services are read again as they are asked about.
class ViaQuestions {
 public:
  // Everything outlives it.
  ViaQuestions(const Session& session, const ir::eval::World& world, verify::Judge& judge);
  ~ViaQuestions();
  tl::expected<verify::PathAnswer, verify::RefError> ask(const verify::Question& question, verify::Via via);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct ViaView {
  const verify::Question& question;
  const verify::PathAnswer& answer;
  const ir::PolicySet& policies;
  const SourceManager& sources;
  std::size_t most = 0;  // cases that are shown hop by hop; 0: all
  bool colour = false;
  bool all_notes = false;  // also about hops of which only one is real
};
// What else is said of the one or two sides of a hop.
using HopNotes = std::function<SideNotes(const verify::PairAnswer&)>;
std::string via_text(const ViaView& view, const HopNotes& notes);

// What the answer takes for granted, a sentence each.
std::vector<std::string> assumptions(const verify::PathAnswer& answer);

// The fields `via`, `cases` and `route`, with commas between them. `side`: one side as JSON.
using SideJson = std::function<std::string(const std::optional<verify::Side>&, ir::Direction, ir::Flow)>;
std::string via_fields(const verify::PathAnswer& answer, const SourceManager& sources, const SideJson& side);
// `verify -o json`, one line. `id`: JSON text, or empty.
std::string via_json(const std::string& id, const verify::PathAnswer& answer, const SourceManager& sources, JsonAnswers& writer);

}  // namespace netpolc::compiler
