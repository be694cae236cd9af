// compiler/lint/linted_for_tests.h — a text, read and linted: what tests of rules begin with. For tests only.
#pragma once
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "compiler/lint/lint.h"

namespace netpolc::lint {

struct Linted {
  explicit Linted(std::string_view text, const Choice& choice = {}, const Setting& setting = {}) {
    const frontend::LoadOptions options{.lax = setting.lax, .cilium_version = setting.version};
    if (setting.directory) loaded = from_directory(text, options);
    else loaded = frontend::load(std::vector<FileId>{sources.add("input.yaml", std::string(text))}, options, sources, sink);
    report = lint::run(loaded, {}, sources, sink, choice);
  }
  frontend::Loaded from_directory(std::string_view text, const frontend::LoadOptions& options) {
    const auto directory = std::filesystem::temp_directory_path() / ("lint_test-" + std::to_string(getpid()));
    std::filesystem::create_directory(directory);
    std::ofstream(directory / "input.yaml") << text;
    auto out = frontend::load(std::vector<std::string>{directory.string()}, options, sources, sink);
    std::filesystem::remove_all(directory);
    return out;
  }
  std::string said() const {
    std::string out;
    for (const Diagnostic& one : sink.all())
      if (one.severity == Severity::Error) out += render(one, sources);
    for (const Diagnostic& one : report.findings) out += render(one, sources);
    return out;
  }
  bool says(DiagKind kind) const {
    return std::any_of(report.findings.begin(), report.findings.end(), [&](const Diagnostic& one) { return one.kind == kind; });
  }
  SourceManager sources;
  DiagSink sink;
  frontend::Loaded loaded;
  Report report;
};

}  // namespace netpolc::lint
