// `netpolc explain flow`: what `verify` answers, and why.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "compiler/assumed_names.h"
#include "compiler/exit_code.h"
#include "compiler/explain/commands.h"
#include "compiler/explain/flow.h"
#include "compiler/outputs.h"
#include "compiler/question_options.h"
#include "compiler/session.h"
#include "compiler/via.h"

namespace netpolc::explain {
namespace {

constexpr std::size_t kPairsExplained = 8;

struct Options {
  compiler::InputOptions input;
  compiler::QuestionOptions asked;
  std::string output = "text";
  bool wide = false;
};

int run_via(const Options& options, const verify::Question& question, const compiler::Session& session, const ir::eval::World& world, verify::Judge& judge) {
  compiler::ViaQuestions questions(session, world, judge);
  const auto answer = questions.ask(question, *verify::via_of(options.asked.via));
  if (!answer) return compiler::complain(answer.error().message);
  lint::Places places(session.sources);
  const Sources sources{world, *answer->judge, places};
  const bool colour = compiler::use_colour(options.input.color, compiler::Stream::Out);
  const compiler::ViaView view{question, *answer, session.loaded.policies, session.sources, options.wide ? 0 : kPairsExplained, colour, true};
  const std::string out = compiler::is_document(options.output) ? path_json(view, sources) : via_text(view, [&](const verify::PairAnswer& pair) { return pair_notes(pair, sources); });
  return compiler::print_as(options.output, out) ? compiler::exit_code(answer->word) : compiler::kNoAnswer;
}

int run(const Options& options) {
  using compiler::complain;
  if (options.asked.from.empty() || options.asked.to.empty()) return complain("--from and --to are needed");
  const auto question = compiler::question_of(options.asked);
  if (!question) return complain(question.error());
  compiler::Session session;
  if (const auto code = compiler::open(options.input, session)) return *code;
  const std::vector<std::string> names = options.asked.via.empty() ? compiler::assume_addresses(session, *question) : std::vector<std::string>{};
  const ir::eval::World world{session.loaded.policies, session.loaded.cluster, session.resolutions};
  verify::Judge judge(world, session.lock);
  if (!options.asked.via.empty()) return run_via(options, *question, session, world, judge);
  auto answer = compiler::ask_about(names, *question, world, judge);
  if (!answer) return complain(answer.error().message);
  lint::Places places(session.sources);
  const FlowView view{*question, *answer, options.wide ? 0 : kPairsExplained, compiler::use_colour(options.input.color, compiler::Stream::Out)};
  const Sources sources{world, judge, places};
  const std::string out = compiler::is_document(options.output) ? flow_json(view, sources) : flow_text(view, sources);
  return compiler::print_as(options.output, out) ? compiler::exit_code(answer->word) : compiler::kNoAnswer;
}

}  // namespace

void add_flow(CLI::App& explain, compiler::Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = explain.add_subcommand("flow", "Why A reaches B, or not: every rule that matched, which one won, and the nearest one where none did");
  compiler::add_input_options(*command, options->input);
  compiler::add_end_options(*command, options->asked);
  compiler::add_port_options(*command, options->asked);
  compiler::add_via_option(*command, options->asked);
  compiler::add_request_options(*command, options->asked.request, false);
  command->add_flag("--wide", options->wide, "Explain every pair, however many there are")->group("Output");
  compiler::add_output(*command, options->output, {"text", "json"});
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::explain
