// compiler/outputs.h — `-o FORMAT` and `-o FORMAT=FILE`, several times: one answer in several forms from one run.
#pragma once
#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace CLI {
class App;
}

namespace netpolc::compiler {

struct Output {
  std::string format, path;  // path "": stdout
};

// The option, for these formats; `help` says what they are.
void add_outputs(CLI::App& command, std::vector<std::string>& words, const std::vector<std::string>& formats, const std::string& help);
// What the words ask for; stdout gets the first of the formats where nothing else is for it. An error: no such format, a file without a name, or two that are for stdout.
tl::expected<std::vector<Output>, std::string> outputs_of(const std::vector<std::string>& words, const std::vector<std::string>& formats);

// Writes each, files first, and unless `brief` names them on stderr; `text` makes it, and is told whether it is for a file. 0, or the exit code to end with where a file can't be written.
int write_outputs(const std::vector<Output>& outputs, bool brief, const std::function<std::string(const std::string& format, bool in_file)>& text);

}  // namespace netpolc::compiler
