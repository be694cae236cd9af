#include "frontend/import/own_text.h"

#include <algorithm>

#include "frontend/yaml/write.h"

namespace netpolc::frontend {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_marker(std::string_view line) { return line.starts_with("---") || line.starts_with("...") || line.starts_with("%"); }

std::size_t line_begin(std::string_view text, std::size_t at) {
  const std::size_t found = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return found == std::string_view::npos ? 0 : found + 1;
}
std::size_t line_end(std::string_view text, std::size_t at) { return std::min(text.find('\n', at), text.size()); }

// The lines of [begin, end) up to the first document marker, or those behind the first one; no other marker among them.
std::string lines_beside_marker(std::string_view text, bool behind) {
  std::string out;
  bool passed = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const std::string_view line = text.substr(at, end - at);
    if (is_marker(line)) passed = true;
    else if (passed == behind) out += line;
    at = end;
  }
  return out;
}

// The comments over a document: those behind the marker, or all where there is none, which is so of the first document of a file.
std::string head(std::string_view gap, bool first) {
  const std::string behind = lines_beside_marker(gap, true);
  if (!first) return behind;
  const std::string before = lines_beside_marker(gap, false);
  return before + behind;
}

using Part = std::pair<std::size_t, std::size_t>;

// `{a: 1, b: 2}`: an entry and the comma before it, or behind it where it is the first.
Part among_others(std::string_view text, Span place) {
  std::size_t begin = place.begin, end = place.end;
  while (begin > 0 && (is_blank(text[begin - 1]) || text[begin - 1] == '\n')) --begin;
  if (begin > 0 && text[begin - 1] == ',') return {begin - 1, end};
  while (end < text.size() && is_blank(text[end])) ++end;
  if (end < text.size() && text[end] == ',') ++end;
  while (end < text.size() && is_blank(text[end])) ++end;
  return {place.begin, end};
}

// Of an entry that has its lines for itself these lines, with the comment behind it; else what of its line is its own.
Part part_of(std::string_view text, Span place) {
  const std::size_t begin = line_begin(text, place.begin), end = line_end(text, place.end);
  const std::string_view before = text.substr(begin, place.begin - begin);
  if (!std::all_of(before.begin(), before.end(), is_blank)) return among_others(text, place);
  std::size_t rest = std::min<std::size_t>(place.end, end);
  // A block text's end may be the begin of the line behind it.
  if (rest == line_begin(text, rest) && rest > begin) return {begin, rest};
  while (rest < end && is_blank(text[rest])) ++rest;
  if (rest < end && text[rest] != '#') return among_others(text, place);
  return {begin, std::min(end + 1, text.size())};
}

std::optional<std::string> without(std::string_view file, std::size_t begin, std::size_t end, std::vector<Span> removed) {
  std::sort(removed.begin(), removed.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
  std::string out;
  std::size_t at = begin;
  for (const Span& one : removed) {
    const auto [from, to] = part_of(file, one);
    if (from < at || to > end) return std::nullopt;
    out += file.substr(at, from - at);
    at = to;
  }
  out += file.substr(at, end - at);
  return out;
}

bool reads_as(const std::string& text, const Node& kept) {
  SourceManager sources;
  DiagSink sink;
  const auto documents = parse_documents(sources.add("own", text), sources, sink);
  return sink.errors() == 0 && documents.size() == 1 && same_tree(documents.front(), kept);
}

}  // namespace

bool may_have_comments(std::string_view text) {
  for (std::size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1))
    if (at == 0 || is_blank(text[at - 1]) || text[at - 1] == '\n') return true;
  return false;
}

std::optional<std::string> own_text(std::string_view file, const Node& document, std::size_t after, std::size_t before, const std::vector<Span>& removed, const Node& kept) {
  const bool first = after == 0;
  if (first && file.starts_with("\xEF\xBB\xBF")) after = 3;  // a byte-order mark is for a file's begin
  const std::size_t begin = std::max(line_begin(file, document.span.begin), after);
  const std::string_view line = file.substr(begin, document.span.begin - begin);
  if (!std::all_of(line.begin(), line.end(), is_blank)) return std::nullopt;  // "--- {kind: …}"
  const std::size_t last = document.span.end;
  const bool at_line_begin = last > begin && line_begin(file, last) == last;  // behind a block text
  const std::size_t end = at_line_begin ? last : std::min(line_end(file, last) + 1, before);
  auto body = without(file, begin, end, removed);
  if (!body) return std::nullopt;
  std::string out = head(file.substr(after, begin - after), first) + *body + lines_beside_marker(file.substr(end, before - end), false);
  while (out.ends_with('\n') || (!out.empty() && is_blank(out.back()))) out.pop_back();
  out += '\n';
  if (!reads_as(out, kept)) return std::nullopt;
  return out;
}

}  // namespace netpolc::frontend
