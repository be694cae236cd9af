#include "compiler/report/sets.h"

#include <algorithm>
#include <filesystem>

#include "compiler/git/commits.h"

namespace netpolc::compiler {
namespace {

// What only one set has, of a commit; what `-f` names is read as ever.
std::optional<int> open_commit(const GitRepository& repository, const CommitId& commit, const InputOptions& input, Session& session) {
  InputOptions common = input;
  common.positional.clear();
  return open(common, [&](SourceManager& sources, DiagSink& sink) { return repository.read(commit, input.positional, frontend::IgnoreRules(input.ignored), sources, sink); }, session);
}

// "" if each path is in one of the two at least.
std::string missing(const GitRepository& repository, const GitRange& range, const std::vector<std::string>& paths) {
  std::error_code error;
  for (const std::string& path : paths) {
    if (const std::string problem = repository.outside(path); !problem.empty()) return problem;
    const bool is = range.after ? repository.has(*range.after, path) : std::filesystem::exists(path, error);
    if (!is && !repository.has(range.before, path)) return "`" + path + "` is in neither of the two commits";
  }
  return "";
}

std::optional<int> open_commits(const std::string& text, InputOptions input, Session& before, Session& after, std::string& called) {
  if (input.positional.empty()) input.positional.emplace_back(".");
  const auto repository = GitRepository::open(input.positional.front());
  if (!repository) return complain(repository.error());
  const auto range = repository->range(text);
  if (!range) return complain("--git " + text + ": " + range.error());
  if (const std::string problem = missing(*repository, *range, input.positional); !problem.empty()) return complain(problem);
  called = "commit " + range->before.substr(0, 12);
  if (const auto code = open_commit(*repository, range->before, input, before)) return code;
  if (range->after) return open_commit(*repository, *range->after, input, after);
  // What the working tree has no more is part of the change.
  std::error_code error;
  std::erase_if(input.positional, [&](const std::string& path) { return !std::filesystem::exists(path, error); });
  return open(input, [](SourceManager&, DiagSink&) { return std::vector<frontend::Input>{}; }, after);
}

}  // namespace

std::string problem_of(const FormerSet& former, const InputOptions& input) {
  if (!former.asked()) return "";
  const auto stdin_in = [](const std::vector<std::string>& paths) { return std::find(paths.begin(), paths.end(), "-") != paths.end(); };
  if (!former.path.empty() && !former.range.empty()) return "--against and --git are two ways to say what was before; give one";
  if (stdin_in(input.files)) return "stdin can be read once: of a comparison it can be what is before or what is after, and not what both have";
  if (!former.range.empty()) return stdin_in(input.positional) ? "stdin is in no commit" : "";
  if (input.positional.empty()) return "--against is compared with what arguments name; -f is what both have: netpolc report -f CLUSTER AFTER --against BEFORE";
  return former.path == "-" && stdin_in(input.positional) ? "stdin can be read once: it can be before or after" : "";
}

std::optional<int> open(const FormerSet& former, const InputOptions& input, Session& before, Session& after, std::string& called) {
  if (!former.range.empty()) return open_commits(former.range, input, before, after, called);
  InputOptions then = input;
  then.positional = {former.path};
  called = former.path;
  if (const auto code = open(then, before)) return code;
  return open(input, after);
}

}  // namespace netpolc::compiler
