#include "compiler/lint/edits.h"

#include <algorithm>

namespace netpolc::lint {
namespace {

using frontend::Node;
using frontend::NodeKind;

std::string_view text_of(const Facts& facts, FileId file) { return facts.places().sources().text(file); }

bool is_flow(const Facts& facts, const Node& collection) {
  const std::string_view text = text_of(facts, collection.span.file);
  return collection.span.begin < text.size() && (text[collection.span.begin] == '{' || text[collection.span.begin] == '[');
}

// The first byte of the line that `at` is in.
std::size_t line_start(std::string_view text, std::size_t at) {
  const std::size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t") == std::string_view::npos; }

// Nothing but a comment.
bool is_remark(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos || (begin > 0 && text[begin] == '#');
}

std::size_t column(std::string_view text, std::size_t at) { return at - line_start(text, at); }

const char* line_break(std::string_view text) {
  const std::size_t end = text.find('\n');
  return end != std::string_view::npos && end > 0 && text[end - 1] == '\r' ? "\r\n" : "\n";
}

// What stands between two places of a list is how lists are written, and no comment, anchor or alias.
bool is_list_syntax(std::string_view text) { return text.find_first_not_of(" \t\r\n,-") == std::string_view::npos; }

// Before an item: the sign that begins it, and blanks.
bool begins_item(std::string_view text, std::size_t at) {
  const std::size_t sign = at == 0 ? std::string_view::npos : text.find_last_not_of(" \t\r\n", at - 1);
  return sign != std::string_view::npos && (text[sign] == '[' || text[sign] == ',' || text[sign] == '-');
}

// What a piece of YAML says.
Node read(const std::string& text) {
  SourceManager sources;
  DiagSink unheard;
  auto documents = frontend::parse_documents(sources.add("", text), sources, unheard);
  return documents.empty() ? Node() : std::move(documents.front());
}

std::string quoted(const std::string& text) { return '"' + text + '"'; }

std::string scalar(const Node& node, bool json) {
  const bool bare = json ? node.is_bool() || node.is_integer() : node.plain;
  return bare ? node.text : quoted(node.text);
}

std::string in_flow(const Node& node, bool json) {
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : ", ") + part; };
  if (node.is_scalar()) return scalar(node, json);
  for (const Node& item : node.items) add(in_flow(item, json));
  for (const auto& [key, value] : node.entries) add((json ? quoted(key.text) : key.text) + ": " + in_flow(value, json));
  return node.is_sequence() ? "[" + out + "]" : "{" + out + "}";
}

// How a file writes blocks: columns from a key to its value's keys, to its list's dashes, and from a dash to what is behind it.
struct Steps {
  std::size_t key = 2, dash = 0, item = 2;
};

void add_block(const Node& node, std::size_t indent, const Steps& steps, std::vector<std::string>& lines) {
  const std::string pad(indent, ' ');
  for (const auto& [key, value] : node.entries) {
    lines.push_back(pad + key.text + ":" + (value.is_scalar() ? " " + scalar(value, false) : ""));
    if (!value.is_scalar()) add_block(value, indent + (value.is_sequence() ? steps.dash : steps.key), steps, lines);
  }
  for (const Node& item : node.items) {
    const std::size_t first = lines.size();
    if (item.is_scalar()) lines.push_back(pad + std::string(steps.item, ' ') + scalar(item, false));
    add_block(item, indent + steps.item, steps, lines);
    lines[first][indent] = '-';
  }
}

const std::pair<Node, Node>* entry_of(const Node& mapping, const std::string& key) {
  const auto found = std::find_if(mapping.entries.begin(), mapping.entries.end(), [&](const auto& entry) { return entry.first.text == key; });
  return found == mapping.entries.end() ? nullptr : &*found;
}

// That of the keys of a mapping in what has it, where that is the document; else the usual.
std::size_t key_step(const Facts& facts, const Node& spec) {
  const std::string_view text = text_of(facts, spec.span.file);
  for (const Node* document : facts.places().documents(spec.span.file)) {
    const Node* found = document->is_mapping() ? document->find("spec") : nullptr;
    if (found == nullptr || found->span != spec.span || is_flow(facts, *document)) continue;
    const std::size_t outside = column(text, document->entries.front().first.span.begin), inside = column(text, spec.entries.front().first.span.begin);
    if (inside > outside) return inside - outside;
  }
  return 2;
}

// Block style: lines behind the last item, and what is said of that on its line.
std::optional<FixIt> lines_at_end(const Facts& facts, const Node& spec, const Node& key, const Node& list, const Node& item) {
  const std::string_view text = text_of(facts, list.span.file);
  const Node& last = list.items.back();
  const std::size_t start = line_start(text, last.span.begin), dash = text.find('-', start);
  if (dash >= last.span.begin || !is_blank(text.substr(start, dash - start)) || !is_blank(text.substr(dash + 1, last.span.begin - dash - 1))) return std::nullopt;
  if (dash - start < column(text, key.span.begin)) return std::nullopt;
  const Steps steps{key_step(facts, spec), dash - start - column(text, key.span.begin), last.span.begin - dash};
  const bool broken = last.span.end > 0 && text[last.span.end - 1] == '\n';
  const std::size_t end = broken ? last.span.end - 1 : std::min(text.find('\n', last.span.end), text.size());
  if (!broken && !is_remark(text.substr(last.span.end, end - last.span.end))) return std::nullopt;
  std::vector<std::string> lines;
  Node items;
  items.kind = NodeKind::Sequence;
  items.items.push_back(item);
  add_block(items, dash - start, steps, lines);
  const std::string nl = line_break(text);
  std::string out;
  for (const std::string& line : lines) out += end == text.size() ? nl + line : line + nl;
  const auto at = static_cast<std::uint32_t>(end == text.size() ? end : end + 1);
  return FixIt{{list.span.file, at, at}, out};
}

}  // namespace

std::optional<std::string> written_as(const Facts& facts, Span place, const std::string& value, const std::string& better) {
  const std::string_view text = text_of(facts, place.file).substr(place.begin, place.end - place.begin);
  if (text == value) return better;
  if (text.size() == value.size() + 2 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0] && text.substr(1, value.size()) == value)
    return text[0] + better + text[0];
  return std::nullopt;
}

FixIt entry_before(const Facts& facts, const Node& mapping, const Node& key, const std::string& entry) {
  const Span at{key.span.file, key.span.begin, key.span.begin};
  const std::string_view text = text_of(facts, key.span.file);
  if (is_flow(facts, mapping)) {
    const std::string words = text[key.span.begin] == '"' ? in_flow(read(entry), true) : "";
    return {at, (words.empty() ? entry : words.substr(1, words.size() - 2)) + ", "};
  }
  return {at, entry + line_break(text.substr(line_start(text, key.span.begin))) + std::string(column(text, key.span.begin), ' ')};
}

const Node* own_list(const Facts& facts, const Node& mapping, const std::string& key) {
  const auto* entry = entry_of(mapping, key);
  if (entry == nullptr || !entry->second.is_sequence() || entry->second.items.empty()) return nullptr;
  const auto& [name, list] = *entry;
  const std::string_view text = text_of(facts, list.span.file);
  // What an alias or a merge key stands for is written elsewhere, and what has an anchor may be meant elsewhere.
  if (name.span.begin < mapping.span.begin || list.span.end > mapping.span.end || name.span.end > list.span.begin) return nullptr;
  return text.substr(name.span.end, list.span.begin - name.span.end).find_first_of("&*<") == std::string_view::npos ? &list : nullptr;
}

std::optional<FixIt> item_at_end(const Facts& facts, const Node& spec, const std::string& key, const std::string& item) {
  if (own_list(facts, spec, key) == nullptr) return std::nullopt;
  const auto& [name, list] = *entry_of(spec, key);
  const std::string_view text = text_of(facts, list.span.file);
  if (!is_flow(facts, list)) return lines_at_end(facts, spec, name, list, read(item));
  const Node& last = list.items.back();
  if (last.span.begin < list.span.begin || last.span.end > list.span.end) return std::nullopt;
  return FixIt{{list.span.file, last.span.end, last.span.end}, ", " + in_flow(read(item), text[name.span.begin] == '"')};
}

std::optional<FixIt> items_as_one(const Facts& facts, const Node& list, std::size_t first, std::size_t last, const std::string& better) {
  const std::string_view text = text_of(facts, list.span.file);
  if (!begins_item(text, list.items[first].span.begin)) return std::nullopt;
  for (std::size_t i = first; i <= last; ++i) {
    const Span place = list.items[i].span;
    if (place.begin < list.span.begin || place.end > list.span.end || !list.items[i].is_scalar()) return std::nullopt;
    const std::size_t next = i == last ? place.end : list.items[i + 1].span.begin;
    if (next < place.end || !is_list_syntax(text.substr(place.end, next - place.end))) return std::nullopt;
  }
  const auto now = written_as(facts, list.items[first].span, list.items[first].text, better);
  if (!now) return std::nullopt;
  return FixIt{{list.span.file, list.items[first].span.begin, list.items[last].span.end}, *now};
}

std::optional<FixIt> without_item(const Facts& facts, const Node& list, std::size_t item) {
  if (list.items.size() < 2) return std::nullopt;
  const FileId file = list.span.file;
  const Span place = list.items[item].span;
  const std::string_view text = text_of(facts, file);
  if (place.begin < list.span.begin || place.end > list.span.end) return std::nullopt;  // an alias
  if (is_flow(facts, list)) {
    const bool last = item + 1 == list.items.size();
    const Span gone = last ? Span{file, list.items[item - 1].span.end, place.end} : Span{file, place.begin, list.items[item + 1].span.begin};
    if (gone.begin > place.begin || gone.end < place.end) return std::nullopt;  // ... beside it
    const std::string_view beside = last ? text.substr(gone.begin, place.begin - gone.begin) : text.substr(place.end, gone.end - place.end);
    if (!begins_item(text, place.begin) || !is_list_syntax(beside)) return std::nullopt;
    return FixIt{gone, ""};
  }
  // The item's line: blanks, a dash, blanks, the item, and nothing else.
  const std::size_t start = line_start(text, place.begin), end = text.find('\n', place.end);
  const std::string_view before = text.substr(start, place.begin - start), after = text.substr(place.end, end == std::string_view::npos ? end : end - place.end);
  const std::size_t dash = before.find('-');
  if (end == std::string_view::npos || dash == std::string_view::npos || !is_blank(before.substr(0, dash)) || !is_blank(before.substr(dash + 1))) return std::nullopt;
  if (!is_blank(after) && after != "\r") return std::nullopt;
  return FixIt{{file, static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(end + 1)}, ""};
}

}  // namespace netpolc::lint
