// `netpolc report`: what may pass, for people who were not there.
#include <CLI/CLI.hpp>
#include <algorithm>

#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/outputs.h"
#include "compiler/report/model.h"
#include "compiler/report/sets.h"

namespace netpolc::compiler {
namespace {

struct Options {
  InputOptions input;
  FormerSet former;
  std::vector<std::string> outputs;
  std::string programs = "auto";
  CostOptions cost;
};

const char* const kForms[] = {"html", "csv", "dot", "svg", "cost"};

bool is_form(const std::string& word) { return std::find(std::begin(kForms), std::end(kForms), word) != std::end(kForms); }

// "html" to stdout, "html=FILE", or a file that ends so.
std::optional<Output> output_of(const std::string& text) {
  if (is_form(text)) return Output{text, ""};
  const std::size_t equals = text.find('='), dot = text.rfind('.');
  if (equals != std::string::npos && equals + 1 < text.size() && is_form(text.substr(0, equals))) return Output{text.substr(0, equals), text.substr(equals + 1)};
  const std::string end = dot == std::string::npos ? "" : text.substr(dot + 1);
  return is_form(end) && end != "cost" ? std::optional(Output{end, text}) : std::nullopt;
}

tl::expected<std::vector<Output>, std::string> read_outputs(const Options& options) {
  std::vector<Output> out;
  for (const std::string& text : options.outputs) {
    const auto one = output_of(text);
    if (!one) return tl::unexpected("-o " + text + ": expected html, csv, dot, svg or cost, the name of a file that ends in .html, .csv, .dot or .svg, or both, as in csv=FILE");
    const bool twice = std::any_of(out.begin(), out.end(), [&](const Output& other) { return !one->path.empty() && other.path == one->path; });
    if (twice) return tl::unexpected("-o " + text + ": another form is for that file, too");
    out.push_back(*one);
  }
  if (out.empty()) out.push_back({"html", "report.html"});
  if (std::count_if(out.begin(), out.end(), [](const Output& one) { return one.path.empty(); }) > 1) return tl::unexpected(std::string("stdout takes one output; give the others files, as in -o csv=FILE"));
  return out;
}

std::string text_of(const Report& report, const std::string& form) {
  if (form == "html") return report_html(report);
  if (form == "csv") return report_csv(report);
  if (form == "dot") return report_dot(report);
  return form == "svg" ? report_svg(report) : report_cost_csv(report);
}

CostOptions::Programs programs_of(const std::string& word) {
  return word == "all" ? CostOptions::Programs::All : word == "none" ? CostOptions::Programs::None : CostOptions::Programs::Auto;
}

int run(const Options& options) {
  const auto outputs = read_outputs(options);
  if (!outputs) return complain(outputs.error());
  if (const std::string problem = problem_of(options.former, options.input); !problem.empty()) return complain(problem);
  Session before, session;
  std::string against;
  if (options.former.asked()) {
    if (const auto code = open(options.former, options.input, before, session, against)) return *code;
  } else if (const auto code = open(options.input, session)) {
    return *code;
  }
  Report report = during("asking who reaches whom", [&] { return options.former.asked() ? make_report(before, against, session) : make_report(session); });
  if (std::any_of(outputs->begin(), outputs->end(), [](const Output& one) { return one.format == "html" || one.format == "cost"; })) {
    CostOptions asked = options.cost;
    asked.programs = programs_of(options.programs);
    auto cost = during("counting what policies cost", [&] { return make_cost(session, asked); });
    if (!cost) return complain(cost.error().message);
    report.cost = std::move(*cost);
  }
  return write_outputs(*outputs, options.input.brief, [&](const std::string& form, bool) { return text_of(report, form); });
}

}  // namespace

void add_report(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("report", "Who reaches whom as one page, a table or a picture");
  add_input_options(*command, options->input);
  command->add_option("--against", options->former.path, "What was before, to mark what has changed since: a file or directory, in place of the arguments; -f is what both have")->type_name("PATH")->group("Comparing");
  command->add_option("--git", options->former.range, "The same of two commits, for the arguments (default: .): A...B (B and where it left A), A..B, or A and the working tree")->type_name("RANGE")->group("Comparing");
  command->add_option("--instructions", options->programs, "Compile the programs to say how many instructions they have: auto (up to 100 distinct ones), all or none")
      ->check(CLI::IsMember({"auto", "all", "none"}))
      ->capture_default_str()
      ->group("Costs");
  command->add_option("--cache", options->cost.cache, "Directory that keeps objects for the next time, as that of compile (default: none)")->type_name("PATH")->envname("NETPOLC_CACHE_DIR")->group("Costs");
  add_repeatable(*command, "-o,--output", options->outputs, "html, csv, dot, svg, or cost (a CSV) for stdout; FORM=FILE; or a file that ends in .html, .csv, .dot or .svg; repeatable (default: report.html)", "Output")
      ->type_name("FORM|PATH");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::compiler
