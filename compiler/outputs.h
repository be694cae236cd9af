// compiler/outputs.h — the forms of an answer. `-o FORMAT` of commands that print one, and `-o FORMAT` and `-o FORMAT=FILE`, several
// times, of those that make several forms of one answer in one run.
//
// Wherever `json` is among the formats of a command, `yaml` is one as well: the same document, made here of the JSON. Commands make
// text and JSON, and know nothing of YAML.
#pragma once
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace CLI {
class App;
class Option;
}

namespace netpolc::compiler {

// The first fields of every JSON document, before those that `document` has: {"apiVersion":"netpolc.dev/v1","kind":KIND,…}.
// `document`: the text of an object that is not empty.
std::string with_kind(const char* kind, std::string document);
inline constexpr const char* kApiVersion = "netpolc.dev/v1";

// One JSON document as YAML that is read as the same values; ends with a line break. An error in words: it is no JSON, no UTF-8, or
// larger than what is read as a manifest.
tl::expected<std::string, std::string> as_yaml(std::string json);

// ---- one form ------------------------------------------------------------------------------------
// The option for these formats, of which `to` holds the first or another one by custom.
CLI::Option* add_output(CLI::App& command, std::string& to, std::vector<std::string> formats);
// Whether data was asked for, and no text for people: `json` or `yaml`, for which commands make JSON.
bool is_document(const std::string& format);
// Puts what was made for `format` on stdout. False where it can't be shown in that form, which is then said on stderr: the exit code is kNoAnswer.
[[nodiscard]] bool print_as(const std::string& format, const std::string& made);

// ---- several forms -------------------------------------------------------------------------------
struct Output {
  std::string format, path;  // path "": stdout
};

// The option, for these formats; `help` says what they are.
void add_outputs(CLI::App& command, std::vector<std::string>& words, const std::vector<std::string>& formats, const std::string& help);
// What the words ask for; stdout gets the first of the formats where nothing else is for it. An error: no such format, a file without a name, or two that are for stdout.
tl::expected<std::vector<Output>, std::string> outputs_of(const std::vector<std::string>& words, const std::vector<std::string>& formats);

// Writes each, files first, and unless `brief` names them on stderr; `text` makes it (of `yaml` the JSON is asked for), and is told whether it is for a file. 0, or the exit code to end with where a file can't be written.
int write_outputs(const std::vector<Output>& outputs, bool brief, const std::function<std::string(const std::string& format, bool in_file)>& text);

}  // namespace netpolc::compiler
