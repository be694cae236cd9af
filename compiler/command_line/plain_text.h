// compiler/command_line/plain_text.h — text in ASCII alone where the locale is not one of UTF-8: `->` for `→`, `v` and `x` for `✓` and `✗`.
//
// Only netpolc's own signs are put into other ones, so that what manifests and paths have stays as it is. What is for machines
// (JSON, SARIF, Markdown, policies) is UTF-8 in every locale.
#pragma once
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace netpolc::compiler {

// Of LC_ALL, LC_CTYPE and LANG the first that is set and not empty says it, by its name alone: whether that locale is installed does
// not matter. Where none is, as in most containers and build jobs, UTF-8 is taken for granted.
bool locale_is_utf8();

// Takes text piece by piece; a sign may be cut by the end of a piece.
class ToAscii {
 public:
  std::string operator()(std::string_view piece);
  // What is left of a sign that never came to its end.
  std::string rest();

 private:
  std::string cut_;
};

// Whether what the chosen command writes to stdout is for people. `words`: of the command line.
bool prints_text(const CLI::App& command, const std::vector<std::string>& words);

// While it lives, stdout and stderr go through ToAscii if `needed`; one at a time. A stream that can't be written has its error flag
// set, as ever.
class PlainStreams {
 public:
  explicit PlainStreams(bool needed);
  ~PlainStreams();
  PlainStreams(const PlainStreams&) = delete;
  PlainStreams& operator=(const PlainStreams&) = delete;
  // From here on stdout is left as it is.
  void leave_stdout();

 private:
  struct Through;
  std::unique_ptr<Through> out_, err_;
};

}  // namespace netpolc::compiler
