#include "frontend/yaml/places.h"

#include <algorithm>
#include <array>

namespace netpolc::frontend::yaml {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_break(char c) { return c == '\n' || c == '\r'; }
bool is_space(char c) { return is_blank(c) || is_break(c); }
bool is_flow_indicator(char c) { return c == ',' || c == '[' || c == ']' || c == '{' || c == '}'; }

std::size_t line_end(std::string_view text, std::size_t at) {
  return std::min(text.find_first_of("\r\n", at), text.size());
}

bool comment_starts(std::string_view text, std::size_t at) {
  return text[at] == '#' && (at == 0 || is_space(text[at - 1]));
}

std::size_t quoted_end(std::string_view text, std::size_t at) {
  const char quote = text[at++];
  while (at < text.size()) {
    const char c = text[at++];
    if (c == '\\' && quote == '"') {
      ++at;
    } else if (c == quote) {
      if (quote == '"' || at >= text.size() || text[at] != '\'') return at;
      ++at;  // '' in single quotes
    }
  }
  return std::string_view::npos;
}

// Follows the decoded text through the source; line folding changes only white space.
std::size_t plain_end(std::string_view text, std::size_t at, const std::string& value) {
  if (text.substr(at, value.size()) == value) return at + value.size();
  for (std::size_t i = 0; i < value.size() && at < text.size();) {
    if (is_space(value[i])) {
      while (i < value.size() && is_space(value[i])) ++i;
      while (at < text.size() && is_space(text[at])) ++at;
    } else if (value[i] == text[at]) {
      ++i;
      ++at;
    } else {
      break;
    }
  }
  return at;
}

// Of a literal or folded scalar: up to the last line that is indented as its first one.
std::size_t block_end(std::string_view text, std::size_t at, const std::string& value) {
  std::size_t end = line_end(text, at);
  if (value.find_first_not_of("\n") == std::string::npos) return end;
  std::size_t indent = 0;
  for (std::size_t line = end; line < text.size();) {
    const std::size_t begin = text.find('\n', line);
    if (begin == std::string_view::npos) break;
    const std::size_t content = std::min(text.find_first_not_of(' ', begin + 1), text.size());
    const std::size_t stop = line_end(text, begin + 1);
    line = stop;
    if (content >= stop) continue;  // blank
    if (indent == 0) indent = content - begin - 1;
    if (indent == 0 || content - begin - 1 < indent) break;
    end = stop;
  }
  return end;
}

}  // namespace

std::size_t skip_separation(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    if (comment_starts(text, at)) {
      at = line_end(text, at);
    } else if (is_space(text[at])) {
      ++at;
    } else {
      break;
    }
  }
  return at;
}

std::size_t name_end(std::string_view text, std::size_t at) {
  while (at < text.size() && !is_space(text[at]) && !is_flow_indicator(text[at])) ++at;
  return at;
}

std::size_t skip_properties(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == '&' || text[at] == '!')) {
    if (text.substr(at, 2) == "!<") at = std::min(text.find('>', at), text.size() - 1);
    at = skip_separation(text, name_end(text, at));
  }
  return at;
}

std::size_t scalar_end(std::string_view text, std::size_t at, const std::string& value) {
  if (at >= text.size()) return text.size();
  switch (text[at]) {
    case '"':
    case '\'':
      return quoted_end(text, at);
    case '|':
    case '>':
      return block_end(text, at, value);
    default:
      return plain_end(text, at, value);
  }
}

std::size_t flow_end(std::string_view text, std::size_t at, char close) {
  while (at < text.size() && text[at] != close) {
    at = comment_starts(text, at) ? line_end(text, at) : at + 1;
  }
  return std::min(at + 1, text.size());
}

std::size_t written_null(std::string_view text, std::size_t at) {
  static constexpr std::array<std::string_view, 4> kWords = {"~", "null", "Null", "NULL"};
  for (std::string_view word : kWords) {
    if (text.substr(at, word.size()) != word) continue;
    std::size_t after = at + word.size();
    if (after < text.size() && !is_space(text[after]) && !is_flow_indicator(text[after])) return 0;
    while (after < text.size() && is_blank(text[after])) ++after;
    return after < text.size() && text[after] == ':' ? 0 : word.size();  // else it is the next key
  }
  return 0;
}

bool is_explicit_key(std::string_view text, std::size_t key) {
  while (key > 0 && is_blank(text[key - 1])) --key;
  return key > 0 && text[key - 1] == '?';
}

bool indented_with_tab(std::string_view text, std::size_t at) {
  const std::size_t before = text.substr(0, at).rfind('\n');
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  const std::size_t content = std::min(text.find_first_not_of(" \t", begin), text.size());
  return content <= at && text.substr(begin, content - begin).find('\t') != std::string_view::npos;
}

bool document_may_start(std::string_view text, std::size_t at) {
  if (at >= text.size() || text.substr(at, 3) == "---" || text[at] == '%') return true;
  // The last line before it that says something must be `...` or a directive's `---`.
  while (at > 0) {
    const std::size_t stop = text.rfind('\n', at - 1);
    const std::size_t begin = stop == std::string_view::npos ? 0 : stop + 1;
    const std::string_view line = text.substr(begin, at - begin);
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first != std::string_view::npos && line[first] != '#') return line.starts_with("...");
    if (begin == 0) break;
    at = begin - 1;
  }
  return false;
}

}  // namespace netpolc::frontend::yaml
