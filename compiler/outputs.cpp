#include "compiler/outputs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>

#include "compiler/command_line/command_table.h"
#include "compiler/session.h"

namespace netpolc::compiler {
namespace {

std::string listed(const std::vector<std::string>& formats) {
  std::string out;
  for (std::size_t i = 0; i < formats.size(); ++i) out += (i == 0 ? "" : i + 1 == formats.size() ? " or " : ", ") + formats[i];
  return out;
}

}  // namespace

void add_outputs(CLI::App& command, std::vector<std::string>& words, const std::vector<std::string>& formats, const std::string& help) {
  std::string names;
  for (const std::string& one : formats) names += (names.empty() ? "" : ",") + one;
  add_repeatable(command, "-o,--output", words, (help + ", on stdout; FORMAT=FILE writes a file; repeatable").c_str(), "Output")->type_name("FORMAT[=FILE]:{" + names + "}");
}

tl::expected<std::vector<Output>, std::string> outputs_of(const std::vector<std::string>& words, const std::vector<std::string>& formats) {
  const std::string example = formats.back() + "=FILE";
  std::vector<Output> out;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    Output one{word.substr(0, equals), equals == std::string::npos ? "" : word.substr(equals + 1)};
    if (std::find(formats.begin(), formats.end(), one.format) == formats.end()) return tl::unexpected("-o " + word + ": expected " + listed(formats) + ", or one of these with a file, such as " + example + or_meant(one.format, formats));
    if (equals != std::string::npos && one.path.empty()) return tl::unexpected("-o " + word + ": which file?");
    out.push_back(std::move(one));
  }
  const auto on_stdout = std::count_if(out.begin(), out.end(), [](const Output& one) { return one.path.empty(); });
  if (on_stdout > 1) return tl::unexpected("-o: one format at most can be for stdout; give the others files, such as " + example);
  if (on_stdout == 0) out.push_back({formats.front(), ""});
  return out;
}

int write_outputs(const std::vector<Output>& outputs, bool brief, const std::function<std::string(const std::string& format, bool in_file)>& text) {
  const auto on_stdout = std::find_if(outputs.begin(), outputs.end(), [](const Output& one) { return one.path.empty(); });
  for (const Output& one : outputs) {
    if (one.path.empty()) continue;
    std::ofstream file(one.path, std::ios::binary);
    file << text(one.format, true);
    file.flush();
    if (!file) return complain("`" + one.path + "` cannot be written");
    if (!brief) std::fprintf(stderr, "wrote %s\n", one.path.c_str());
  }
  if (on_stdout == outputs.end()) return 0;
  const std::string made = text(on_stdout->format, false);
  std::fwrite(made.data(), 1, made.size(), stdout);  // whether it could be written shows when all is
  return 0;
}

}  // namespace netpolc::compiler
