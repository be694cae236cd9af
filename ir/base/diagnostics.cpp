#include "ir/base/diagnostics.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace netpolc {
namespace {

// A JSON dump is one line of megabytes: only this much of a line is shown.
constexpr std::size_t kShownBefore = 90;
constexpr std::size_t kShownAfter = 60;
constexpr std::size_t kWholeLine = 160;

struct Paint {
  bool on = false;
  const char* bold() const { return on ? "\033[1m" : ""; }
  const char* red() const { return on ? "\033[1;31m" : ""; }
  const char* magenta() const { return on ? "\033[1;35m" : ""; }
  const char* cyan() const { return on ? "\033[1;36m" : ""; }
  const char* green() const { return on ? "\033[1;32m" : ""; }
  const char* reset() const { return on ? "\033[0m" : ""; }
};

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

// The part of a line around the caret, and where the caret is in it.
struct Excerpt {
  std::string text;
  std::size_t caret = 0;   // byte index in `text`
  std::size_t length = 1;  // bytes under the caret line, at least 1
};

Excerpt excerpt(std::string_view line, std::size_t caret, std::size_t length) {
  caret = std::min(caret, line.size());
  std::size_t from = 0;
  std::size_t to = line.size();
  if (line.size() > kWholeLine) {
    from = caret > kShownBefore ? caret - kShownBefore : 0;
    to = std::min(line.size(), caret + kShownAfter);
    while (from < caret && is_continuation(line[from])) ++from;
    while (to < line.size() && is_continuation(line[to])) ++to;
  }
  Excerpt result;
  if (from > 0) result.text = "...";
  result.caret = result.text.size() + caret - from;
  result.text += line.substr(from, to - from);
  if (to < line.size()) result.text += "...";
  // What a policy's text may not do is drive the reader's terminal.
  std::replace_if(result.text.begin(), result.text.end(), is_control, '?');
  result.length = std::clamp<std::size_t>(length, 1, std::max<std::size_t>(to - caret, 1));
  return result;
}

std::string place(const Span& span, const SourceManager& sources) {
  const LineColumn at = sources.locate(span.file, span.begin);
  return sources.path(span.file) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
}

// Blanks as wide as `text`: tabs stay tabs, a character of several bytes is one column.
std::string blanks(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (!is_continuation(c)) result += c == '\t' ? '\t' : ' ';
  }
  return result;
}

std::string underline(std::string_view text) {
  std::string result = "^";
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (!is_continuation(text[i])) result += '~';
  }
  return result;
}

void append_source_line(std::string& out, const Diagnostic& diagnostic, const SourceManager& sources,
                        const Paint& paint) {
  const Span& span = *diagnostic.where;
  const LineColumn at = sources.locate(span.file, span.begin);
  const Excerpt shown = excerpt(sources.line(span.file, at.line), at.column - 1,
                                span.end > span.begin ? span.end - span.begin : 1);
  char gutter[32];
  std::snprintf(gutter, sizeof gutter, "%5u | ", at.line);
  out += gutter + shown.text + "\n";
  const std::string_view text = shown.text;
  out += "      | " + blanks(text.substr(0, shown.caret));
  out += paint.green() + underline(text.substr(shown.caret, shown.length)) + paint.reset();
  if (!diagnostic.label.empty()) out += " " + diagnostic.label;
  out += "\n";
}

const char* colour_of(Severity severity, const Paint& paint) {
  switch (severity) {
    case Severity::Error: return paint.red();
    case Severity::Warning: return paint.magenta();
    case Severity::Note: return paint.cyan();
  }
  return "";
}

// Helm writes above each document which template it came from. "" where none is named, or farther up than documents are long.
std::string_view template_of(const Span& span, const SourceManager& sources) {
  constexpr std::string_view kMark = "# Source: ";
  constexpr std::size_t kFarthest = 1 << 18;
  std::string_view before = sources.text(span.file).substr(0, span.begin);
  before.remove_prefix(before.size() - std::min(before.size(), kFarthest));
  for (std::size_t end = before.size(); end > 0;) {
    const std::size_t begin = before.find_last_of('\n', end - 1) + 1;  // npos + 1 is the start
    const std::string_view line = before.substr(begin, end - begin);
    if (line.starts_with("---")) return {};
    if (line.starts_with(kMark)) {
      const std::string_view name = line.substr(kMark.size(), line.find_last_not_of("\r ") + 1 - kMark.size());
      const bool printable = std::none_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
      return printable ? name : std::string_view{};
    }
    end = begin == 0 ? 0 : begin - 1;
  }
  return {};
}

// Of several lines the first, and how many more.
std::string describe_lines(std::string_view text) {
  while (!text.empty() && (text.front() == '\r' || text.front() == '\n')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
  const auto more = std::count(text.begin(), text.end(), '\n');
  std::string_view first = text.substr(0, text.find_first_of("\r\n"));
  first.remove_prefix(std::min(first.find_first_not_of(' '), first.size()));
  return "insert `" + std::string(first) + "` and " + std::to_string(more) + (more == 1 ? " line" : " lines") + " more";
}

std::string describe(const FixIt& fix) {
  if (fix.replacement.empty()) return "remove this";
  const std::size_t line_end = fix.replacement.find_first_of("\r\n");
  const std::size_t next = fix.replacement.find_first_not_of("\r\n ", line_end);
  if (fix.span.begin == fix.span.end && line_end != std::string::npos && next != std::string::npos) return describe_lines(fix.replacement);
  if (fix.span.begin == fix.span.end) return "insert `" + fix.replacement.substr(0, line_end) + "`" + (line_end == std::string::npos ? "" : " as a line before");
  return "replace with `" + fix.replacement + "`";
}

}  // namespace

Reported DiagSink::error(Diagnostic diagnostic) {
  diagnostic.severity = Severity::Error;
  all_.push_back(std::move(diagnostic));
  ++errors_;
  return Reported{};
}

void DiagSink::warning(Diagnostic diagnostic) {
  diagnostic.severity = Severity::Warning;
  all_.push_back(std::move(diagnostic));
}

const char* to_string(Severity severity) {
  switch (severity) {
    case Severity::Error: return "error";
    case Severity::Warning: return "warning";
    case Severity::Note: return "note";
  }
  return "";
}

std::string_view diag_name(DiagKind kind) {
  switch (kind) {
#define NETPOLC_DIAG(name, code, summary) \
  case DiagKind::name:                    \
    return #name;
#include "ir/base/diagnostics.def"
#undef NETPOLC_DIAG
  }
  return "Unknown";
}

std::string diag_code(DiagKind kind) {
  char text[16];
  std::snprintf(text, sizeof text, "NP%03u", static_cast<unsigned>(kind));
  return text;
}

std::string_view diag_summary(DiagKind kind) {
  switch (kind) {
#define NETPOLC_DIAG(name, code, summary) \
  case DiagKind::name:                    \
    return summary;
#include "ir/base/diagnostics.def"
#undef NETPOLC_DIAG
  }
  return "";
}

std::string render(const Diagnostic& diagnostic, const SourceManager& sources, bool colour) {
  const Paint paint{colour};
  std::string out = paint.bold();
  if (diagnostic.where) out += place(*diagnostic.where, sources);
  out += colour_of(diagnostic.severity, paint);
  out += std::string(to_string(diagnostic.severity)) + "[" + diag_code(diagnostic.kind) + "]: ";
  out += std::string(paint.reset()) + paint.bold() + diagnostic.message + paint.reset() + "\n";
  if (diagnostic.where) append_source_line(out, diagnostic, sources, paint);
  if (const std::string_view from = diagnostic.where ? template_of(*diagnostic.where, sources) : std::string_view{}; !from.empty())
    out += std::string(paint.cyan()) + "note: " + paint.reset() + "rendered from " + std::string(from) + "\n";
  for (const DiagNote& note : diagnostic.notes) {
    if (note.span) out += place(*note.span, sources);
    out += std::string(paint.cyan()) + "note: " + paint.reset() + note.message + "\n";
  }
  if (diagnostic.fix) {
    out += place(diagnostic.fix->span, sources);
    out += std::string(paint.green()) + "fix: " + paint.reset() + describe(*diagnostic.fix) + "\n";
  }
  return out;
}

}  // namespace netpolc
