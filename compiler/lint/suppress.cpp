#include "compiler/lint/suppress.h"

#include <algorithm>
#include <optional>

namespace netpolc::lint {
namespace {

using frontend::Node;

constexpr std::string_view kAnnotation = "netpolc.io/ignore", kComment = "netpolc:ignore";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool looks_like_code(std::string_view word) {
  return word.size() > 2 && word.substr(0, 2) == "NP" && word.find_first_not_of("0123456789", 2) == std::string_view::npos;
}

// Takes the codes from the front of `words`; what is left is the reason.
std::vector<std::string> take_codes(std::string_view& words) {
  std::vector<std::string> out;
  for (;;) {
    while (!words.empty() && (is_blank(words.front()) || words.front() == ',' || words.front() == ':')) words.remove_prefix(1);
    const std::string_view word = words.substr(0, words.find_first_of(" \t\r,:"));
    if (!looks_like_code(word)) return out;
    out.emplace_back(word);
    words.remove_prefix(word.size());
  }
}

// Whether a quoted or block text reaches over `at`: then `#` starts no comment.
bool in_scalar(const Node& node, std::uint32_t at) {
  if (node.is_scalar()) return node.span.begin <= at && at < node.span.end;
  const auto inside = [&](const auto& entry) { return in_scalar(entry.first, at) || in_scalar(entry.second, at); };
  return std::any_of(node.entries.begin(), node.entries.end(), inside) ||
         std::any_of(node.items.begin(), node.items.end(), [&](const Node& item) { return in_scalar(item, at); });
}

// What starts at `at`: an item of a list, or a key with its value.
std::optional<Span> starting_at(const Node& node, std::uint32_t at, bool item) {
  for (const auto& [key, value] : node.entries) {
    if (!item && key.span.begin == at) return Span{key.span.file, at, std::max(key.span.end, value.span.end)};
    if (const auto found = starting_at(value, at, item)) return found;
  }
  for (const Node& one : node.items) {
    if (item && one.span.begin == at) return one.span;
    if (const auto found = starting_at(one, at, item)) return found;
  }
  return std::nullopt;
}

// The first place behind `at` where a line begins with something other than a comment or a document marker.
std::size_t next_line_with_text(std::string_view text, std::size_t at) {
  while ((at = text.find('\n', at)) != std::string_view::npos) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n", ++at);
    if (begin == std::string_view::npos) return begin;
    if (text[begin] != '#' && text.substr(begin, 3) != "---") return begin;
    at = begin;
  }
  return at;
}

}  // namespace

Suppressions::Suppressions(Places& places) : places_(places) {
  for (std::uint32_t f = 0; f < places.sources().size(); ++f) {
    const std::string_view text = places.sources().text(FileId{f});
    if (text.find(kAnnotation) != std::string_view::npos)
      for (const Node* document : places.documents(FileId{f})) read_annotations(*document);
    if (text.find(kComment) != std::string_view::npos) read_comments(FileId{f});
  }
}

void Suppressions::read_annotations(const Node& object) {
  if (!object.is_mapping()) return;
  if (const Node* items = object.find("items"))
    for (const Node& item : items->items) read_annotations(item);
  const Node* metadata = object.find("metadata");
  const Node* annotations = metadata != nullptr && metadata->is_mapping() ? metadata->find("annotations") : nullptr;
  const Node* words = annotations != nullptr && annotations->is_mapping() ? annotations->find(kAnnotation) : nullptr;
  if (words != nullptr) add(object.span, words->span, words->is_scalar() ? std::string_view(words->text) : std::string_view());
}

void Suppressions::read_comments(FileId file) {
  const std::string_view text = places_.sources().text(file);
  for (std::size_t at = text.find(kComment); at != std::string_view::npos; at = text.find(kComment, at + 1)) {
    std::size_t hash = at;
    while (hash > 0 && is_blank(text[hash - 1])) --hash;
    if (hash == 0 || text[hash - 1] != '#') continue;
    --hash;
    if (hash > 0 && !is_blank(text[hash - 1]) && text[hash - 1] != '\n') continue;
    const auto& documents = places_.documents(file);
    if (std::any_of(documents.begin(), documents.end(), [&](const Node* node) { return in_scalar(*node, static_cast<std::uint32_t>(hash)); })) continue;
    const std::size_t end = std::min(text.find('\n', at), text.size());
    read_comment(file, static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(end), text.substr(at + kComment.size(), end - at - kComment.size()));
  }
}

void Suppressions::read_comment(FileId file, std::uint32_t begin, std::uint32_t end, std::string_view words) {
  const std::string_view text = places_.sources().text(file);
  const std::size_t line = begin == 0 ? 0 : text.rfind('\n', begin - 1) + 1;  // npos + 1 is 0
  const Span written{file, begin, end};
  if (!trimmed(text.substr(line, begin - line)).empty()) return add({file, static_cast<std::uint32_t>(line), begin}, written, words);
  const std::size_t next = next_line_with_text(text, begin);
  if (next == std::string_view::npos) return fault(written, "nothing follows that this comment could be about");
  const bool item = text[next] == '-' && next + 1 < text.size() && is_blank(text[next + 1]);
  const auto at = static_cast<std::uint32_t>(item ? text.find_first_not_of(" \t", next + 1) : next);
  for (const Node* document : places_.documents(file)) {
    if (!item && document->span.begin == at) return add(document->span, written, words);
    if (const auto covered = starting_at(*document, at, item)) return add(*covered, written, words);
  }
  fault(written, "nothing starts on the next line that this comment could be about");
}

void Suppressions::add(Span covers, Span written, std::string_view words) {
  const std::vector<std::string> codes = take_codes(words);
  if (codes.empty()) return fault(written, "this names no code of a finding");
  for (const std::string& code : codes)
    if (find_rule(std::string_view(code)) == nullptr) return fault(written, "no finding has the code " + code);
  if (trimmed(words).empty()) return fault(written, codes.front() + " is not kept quiet without a reason");
  all_.push_back({covers, codes});
}

void Suppressions::fault(Span written, std::string message) {
  faults_.push_back({.kind = DiagKind::IgnoreWithoutReason, .where = written, .message = std::move(message),
                     .label = "write the code, then why it does not matter here", .severity = Severity::Warning});
}

bool Suppressions::cover(const Diagnostic& finding) const {
  if (!finding.where || finding.kind == DiagKind::IgnoreWithoutReason) return false;
  const std::string code = diag_code(finding.kind);
  return std::any_of(all_.begin(), all_.end(), [&](const Suppression& one) {
    return one.covers.file == finding.where->file && one.covers.begin <= finding.where->begin && finding.where->begin < one.covers.end &&
           std::find(one.codes.begin(), one.codes.end(), code) != one.codes.end();
  });
}

}  // namespace netpolc::lint
