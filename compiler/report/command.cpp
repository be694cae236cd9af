// `netpolc report`: what may pass, for people who were not there.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "compiler/command_line/progress.h"
#include "compiler/commands.h"
#include "compiler/exit_code.h"
#include "compiler/report/model.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

struct Options {
  InputOptions input;
  std::string output = "report.html";
};

// "html" to stdout, or a file that ends so.
std::string form_of(const std::string& output) {
  const std::size_t dot = output.rfind('.');
  const std::string form = dot == std::string::npos ? output : output.substr(dot + 1);
  for (const char* known : {"html", "csv", "dot", "svg"})
    if (form == known) return form;
  return "";
}

int run(const Options& options) {
  const std::string form = form_of(options.output);
  if (form.empty()) return complain("-o " + options.output + ": expected html, csv, dot or svg, or the name of a file that ends in one of these");
  Session session;
  if (const auto code = open(options.input, session)) return *code;
  const Report report = during("asking who reaches whom", [&] { return make_report(session); });
  const std::string text = form == "html" ? report_html(report) : form == "csv" ? report_csv(report) : form == "dot" ? report_dot(report) : report_svg(report);
  if (form == options.output) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kGood;
  }
  std::ofstream out(options.output, std::ios::binary);
  out << text;
  out.close();
  if (!out) return complain("`" + options.output + "` cannot be written");
  std::fprintf(stderr, "wrote %s\n", options.output.c_str());
  return kGood;
}

}  // namespace

void add_report(CLI::App& root, Action& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = root.add_subcommand("report", "Who reaches whom as one page, a table or a picture");
  add_input_options(*command, options->input);
  command->add_option("-o,--output", options->output, "A file that ends in .html, .csv, .dot or .svg, or one of these words for stdout")->type_name("PATH")->capture_default_str()->group("Output");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace netpolc::compiler
