#include "compiler/outputs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>

#include "compiler/command_line/command_table.h"
#include "compiler/session.h"
#include "frontend/yaml/write.h"

namespace netpolc::compiler {
namespace {

std::string listed(const std::vector<std::string>& formats) {
  std::string out;
  for (std::size_t i = 0; i < formats.size(); ++i) out += (i == 0 ? "" : i + 1 == formats.size() ? " or " : ", ") + formats[i];
  return out;
}

std::vector<std::string> with_yaml(std::vector<std::string> formats) {
  if (const auto json = std::find(formats.begin(), formats.end(), "json"); json != formats.end()) formats.insert(json + 1, "yaml");
  return formats;
}

}  // namespace

std::string with_kind(const char* kind, std::string document) {
  const std::string head = std::string("\"apiVersion\":\"") + kApiVersion + "\",\"kind\":\"" + kind + "\",";
  return document.insert(document.find('{') + 1, head);
}

tl::expected<std::string, std::string> as_yaml(std::string json) {
  SourceManager sources;
  DiagSink sink;
  const auto documents = frontend::parse_documents(sources.add("answer", std::move(json)), sources, sink);
  if (!sink.all().empty()) return tl::unexpected("the answer can't be shown as YAML: " + sink.all().front().message);
  if (documents.size() != 1) return tl::unexpected("the answer can't be shown as YAML: it is " + std::to_string(documents.size()) + " documents");
  return frontend::to_yaml(documents.front());
}

CLI::Option* add_output(CLI::App& command, std::string& to, std::vector<std::string> formats) {
  formats = with_yaml(std::move(formats));
  return command.add_option("-o,--output", to, listed(formats))->check(CLI::IsMember(formats))->group("Output");
}

bool is_document(const std::string& format) { return format == "json" || format == "yaml"; }

bool print_as(const std::string& format, const std::string& made) {
  const auto text = format == "yaml" ? as_yaml(made) : tl::expected<std::string, std::string>(made);
  if (!text) {
    complain(text.error());
    return false;
  }
  std::fwrite(text->data(), 1, text->size(), stdout);  // whether it could be written shows when all is
  return true;
}

void add_outputs(CLI::App& command, std::vector<std::string>& words, const std::vector<std::string>& given, const std::string& help) {
  const std::vector<std::string> formats = with_yaml(given);
  std::string names;
  for (const std::string& one : formats) names += (names.empty() ? "" : ",") + one;
  add_repeatable(command, "-o,--output", words, (help + ", on stdout; FORMAT=FILE writes a file; repeatable").c_str(), "Output")->type_name("FORMAT[=FILE]:{" + names + "}");
}

tl::expected<std::vector<Output>, std::string> outputs_of(const std::vector<std::string>& words, const std::vector<std::string>& given) {
  const std::vector<std::string> formats = with_yaml(given);
  const std::string example = formats.back() + "=FILE";
  std::vector<Output> out;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    Output one{word.substr(0, equals), equals == std::string::npos ? "" : word.substr(equals + 1)};
    if (std::find(formats.begin(), formats.end(), one.format) == formats.end()) return tl::unexpected("-o " + word + ": expected " + listed(formats) + ", or one of these with a file, such as " + example + or_meant(one.format, formats));
    if (equals != std::string::npos && one.path.empty()) return tl::unexpected("-o " + word + ": which file?");
    const bool twice = std::any_of(out.begin(), out.end(), [&](const Output& other) { return !one.path.empty() && other.path == one.path; });
    if (twice) return tl::unexpected("-o " + word + ": another form is for that file, too");
    out.push_back(std::move(one));
  }
  const auto on_stdout = std::count_if(out.begin(), out.end(), [](const Output& one) { return one.path.empty(); });
  if (on_stdout > 1) return tl::unexpected("-o: one format at most can be for stdout; give the others files, such as " + example);
  if (on_stdout == 0) out.push_back({formats.front(), ""});
  return out;
}

int write_outputs(const std::vector<Output>& outputs, bool brief, const std::function<std::string(const std::string& format, bool in_file)>& text) {
  const auto made = [&](const Output& one) -> tl::expected<std::string, std::string> {
    return one.format == "yaml" ? as_yaml(text("json", !one.path.empty())) : text(one.format, !one.path.empty());
  };
  const auto on_stdout = std::find_if(outputs.begin(), outputs.end(), [](const Output& one) { return one.path.empty(); });
  for (const Output& one : outputs) {
    if (one.path.empty()) continue;
    const auto content = made(one);
    if (!content) return complain(content.error());
    std::ofstream file(one.path, std::ios::binary);
    file << *content;
    file.flush();
    if (!file) return complain("`" + one.path + "` cannot be written");
    if (!brief) std::fprintf(stderr, "wrote %s\n", one.path.c_str());
  }
  if (on_stdout == outputs.end()) return 0;
  const auto content = made(*on_stdout);
  if (!content) return complain(content.error());
  std::fwrite(content->data(), 1, content->size(), stdout);  // whether it could be written shows when all is
  return 0;
}

}  // namespace netpolc::compiler
