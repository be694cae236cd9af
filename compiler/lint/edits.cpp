#include "compiler/lint/edits.h"

namespace netpolc::lint {
namespace {

std::string_view text_of(const Facts& facts, FileId file) { return facts.places().sources().text(file); }

bool is_flow(const Facts& facts, const frontend::Node& collection) {
  const std::string_view text = text_of(facts, collection.span.file);
  return collection.span.begin < text.size() && (text[collection.span.begin] == '{' || text[collection.span.begin] == '[');
}

// The first byte of the line that `at` is in.
std::size_t line_start(std::string_view text, std::size_t at) {
  const std::size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t") == std::string_view::npos; }

}  // namespace

std::optional<std::string> written_as(const Facts& facts, Span place, const std::string& value, const std::string& better) {
  const std::string_view text = text_of(facts, place.file).substr(place.begin, place.end - place.begin);
  if (text == value) return better;
  if (text.size() == value.size() + 2 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0] && text.substr(1, value.size()) == value)
    return text[0] + better + text[0];
  return std::nullopt;
}

FixIt entry_before(const Facts& facts, const frontend::Node& mapping, const frontend::Node& key, const std::string& entry) {
  const Span at{key.span.file, key.span.begin, key.span.begin};
  if (is_flow(facts, mapping)) return {at, entry + ", "};
  const std::string_view text = text_of(facts, key.span.file);
  const std::size_t line_end = text.find('\n', key.span.begin);
  const bool dos = line_end != std::string_view::npos && line_end > 0 && text[line_end - 1] == '\r';
  return {at, entry + (dos ? "\r\n" : "\n") + std::string(key.span.begin - line_start(text, key.span.begin), ' ')};
}

std::optional<FixIt> without_item(const Facts& facts, const frontend::Node& list, std::size_t item) {
  if (list.items.size() < 2) return std::nullopt;
  const FileId file = list.span.file;
  const Span place = list.items[item].span;
  if (is_flow(facts, list)) {
    if (item + 1 < list.items.size()) return FixIt{{file, place.begin, list.items[item + 1].span.begin}, ""};
    return FixIt{{file, list.items[item - 1].span.end, place.end}, ""};
  }
  // The item's line: blanks, a dash, blanks, the item, and nothing else.
  const std::string_view text = text_of(facts, file);
  const std::size_t start = line_start(text, place.begin), end = text.find('\n', place.end);
  const std::string_view before = text.substr(start, place.begin - start), after = text.substr(place.end, end == std::string_view::npos ? end : end - place.end);
  const std::size_t dash = before.find('-');
  if (end == std::string_view::npos || dash == std::string_view::npos || !is_blank(before.substr(0, dash)) || !is_blank(before.substr(dash + 1))) return std::nullopt;
  if (!is_blank(after) && after != "\r") return std::nullopt;
  return FixIt{{file, static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end + 1)}, ""};
}

}  // namespace netpolc::lint
