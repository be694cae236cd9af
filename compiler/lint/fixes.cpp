#include "compiler/lint/fixes.h"

#include <algorithm>
#include <map>

namespace netpolc::lint {
namespace {

// Whole lines that change: bytes [begin, end) of the text, and what stands there afterwards.
struct Change {
  std::size_t begin = 0, end = 0;
  std::string now;
};

std::size_t line_start(std::string_view text, std::size_t at) {
  const std::size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

std::size_t line_end(std::string_view text, std::size_t at) {
  const std::size_t end = text.find('\n', at);
  return end == std::string_view::npos ? text.size() : end + 1;
}

// An edit that takes whole lines away does not concern the line after them.
Change lines_around(std::string_view text, const FixIt& edit) {
  const std::size_t begin = line_start(text, edit.span.begin);
  const bool whole = edit.replacement.empty() && edit.span.begin == begin && edit.span.end > begin && edit.span.end == line_start(text, edit.span.end);
  return {begin, whole ? edit.span.end : line_end(text, edit.span.end), ""};
}

std::vector<Change> changes_of(std::string_view text, const std::vector<FixIt>& edits) {
  std::vector<Change> out;
  for (std::size_t i = 0; i < edits.size();) {
    Change change = lines_around(text, edits[i]);
    std::vector<FixIt> inside;
    for (; i < edits.size() && (inside.empty() || edits[i].span.begin < change.end); ++i) {
      change.end = std::max(change.end, lines_around(text, edits[i]).end);
      inside.push_back(edits[i]);
      inside.back().span.begin -= static_cast<std::uint32_t>(change.begin);
      inside.back().span.end -= static_cast<std::uint32_t>(change.begin);
    }
    change.now = with_edits(text.substr(change.begin, change.end - change.begin), inside);
    out.push_back(std::move(change));
  }
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = line_end(text, at);
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

void print(std::string& out, char mark, std::string_view line) {
  out += mark;
  out += line;
  if (line.empty() || line.back() != '\n') out += "\n\\ No newline at end of file\n";
}

std::string range(std::size_t first, std::size_t count) {
  const std::size_t shown = count == 0 ? first : first + 1;
  return std::to_string(shown) + (count == 1 ? "" : "," + std::to_string(count));
}

// A hunk: changes that have no more than six lines between each other, by lines of the text.
struct LineChange {
  std::size_t first = 0, count = 0;
  std::vector<std::string_view> now;
};

// Without the lines at both ends that stay.
LineChange trimmed(std::size_t first, std::vector<std::string_view> before, std::vector<std::string_view> now) {
  std::size_t same = 0, tail = 0;
  while (same < before.size() && same < now.size() && before[same] == now[same]) ++same;
  while (tail + same < before.size() && tail + same < now.size() && before[before.size() - 1 - tail] == now[now.size() - 1 - tail]) ++tail;
  return {first + same, before.size() - same - tail, {now.begin() + static_cast<std::ptrdiff_t>(same), now.end() - static_cast<std::ptrdiff_t>(tail)}};
}

std::string hunk(const std::vector<std::string_view>& lines, const std::vector<LineChange>& changes, std::size_t from, std::size_t to, std::ptrdiff_t shift) {
  constexpr std::size_t kAround = 3;
  const std::size_t begin = changes[from].first - std::min(changes[from].first, kAround);
  const std::size_t end = std::min(lines.size(), changes[to - 1].first + changes[to - 1].count + kAround);
  std::string body;
  std::size_t at = begin, added = end - begin;
  for (std::size_t c = from; c < to; ++c) {
    for (; at < changes[c].first; ++at) print(body, ' ', lines[at]);
    for (std::size_t i = 0; i < changes[c].count; ++i) print(body, '-', lines[at++]);
    for (const std::string_view line : changes[c].now) print(body, '+', line);
    added += changes[c].now.size() - changes[c].count;
  }
  for (; at < end; ++at) print(body, ' ', lines[at]);
  const auto now = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(begin) + shift);
  return "@@ -" + range(begin, end - begin) + " +" + range(now, added) + " @@\n" + body;
}

}  // namespace

bool is_safe_fix(DiagKind kind) {
  constexpr DiagKind kSafe[] = {DiagKind::WrongType, DiagKind::CidrSyntax, DiagKind::EmptyEntry, DiagKind::ServicePort,
                                DiagKind::CidrsMerge, DiagKind::ClusterNameDepth, DiagKind::IcmpWrongFamily, DiagKind::UnescapedDot, DiagKind::MethodCase};
  return std::find(std::begin(kSafe), std::end(kSafe), kind) != std::end(kSafe);
}

std::vector<FixedFile> fixes_of(const std::vector<const Diagnostic*>& findings, bool guesses) {
  std::map<FileId, std::vector<FixIt>> by_file;
  for (const Diagnostic* found : findings)
    if (found->fix && (guesses || is_safe_fix(found->kind))) by_file[found->fix->span.file].push_back(*found->fix);
  std::vector<FixedFile> out;
  for (auto& [file, fixes] : by_file) {
    std::stable_sort(fixes.begin(), fixes.end(), [](const FixIt& a, const FixIt& b) { return a.span < b.span; });
    FixedFile fixed{file, {}, 0};
    for (FixIt& fix : fixes) {
      const bool first = fixed.edits.empty();
      const bool again = !first && fixed.edits.back().span == fix.span && fixed.edits.back().replacement == fix.replacement;
      // Two insertions at one place would have no order.
      const bool apart = first || fix.span.begin > fixed.edits.back().span.end || (fix.span.begin == fixed.edits.back().span.end && fix.span.begin != fix.span.end && fixed.edits.back().span.begin != fixed.edits.back().span.end);
      if (again || apart) ++fixed.findings;
      if (apart && !again) fixed.edits.push_back(std::move(fix));
    }
    out.push_back(std::move(fixed));
  }
  return out;
}

std::string with_edits(std::string_view text, const std::vector<FixIt>& edits) {
  std::string out;
  std::size_t at = 0;
  for (const FixIt& edit : edits) {
    out += text.substr(at, edit.span.begin - at);
    out += edit.replacement;
    at = edit.span.end;
  }
  return out += text.substr(at);
}

std::string unified_diff(const std::string& path, std::string_view text, const std::vector<FixIt>& edits) {
  constexpr std::size_t kBetween = 6;
  const auto lines = lines_of(text);
  const auto changes = changes_of(text, edits);
  std::vector<LineChange> all;
  for (const Change& change : changes) {
    const auto first = static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(change.begin), '\n'));
    all.push_back(trimmed(first, lines_of(text.substr(change.begin, change.end - change.begin)), lines_of(change.now)));
  }
  std::string out = "--- " + path + "\n+++ " + path + "\n";
  std::ptrdiff_t shift = 0;
  for (std::size_t from = 0, to = 1; from < all.size(); from = to++) {
    while (to < all.size() && all[to].first - (all[to - 1].first + all[to - 1].count) <= kBetween) ++to;
    out += hunk(lines, all, from, to, shift);
    for (std::size_t c = from; c < to; ++c) shift += static_cast<std::ptrdiff_t>(all[c].now.size()) - static_cast<std::ptrdiff_t>(all[c].count);
  }
  return out;
}

}  // namespace netpolc::lint
