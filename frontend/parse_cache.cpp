#include "frontend/parse_cache.h"

#include <algorithm>
#include <utility>

namespace netpolc::frontend {
namespace {

constexpr std::size_t kLargestInPieces = 4'000'000;  // bytes: no bound on what a file may hold is met in fewer

void move_by(Span& span, FileId file, std::uint32_t by) {
  span.file = file;
  span.begin += by;  // wraps where it moves back
  span.end += by;
}

void move_by(Node& node, FileId file, std::uint32_t by) {
  move_by(node.span, file, by);
  for (Node& item : node.items) move_by(item, file, by);
  for (auto& [key, value] : node.entries) {
    move_by(key, file, by);
    move_by(value, file, by);
  }
}

void move_to(Diagnostic& said, FileId file) {
  if (said.where) said.where->file = file;
  for (DiagNote& note : said.notes)
    if (note.span) note.span->file = file;
  if (said.fix) said.fix->span.file = file;
}

// A value that is not written has its place from what the parser looks at next, and that may be another document.
bool has_unwritten(const Node& node) {
  if (node.is_null() && node.span.begin == node.span.end) return true;
  return std::any_of(node.items.begin(), node.items.end(), has_unwritten) ||
         std::any_of(node.entries.begin(), node.entries.end(), [](const auto& entry) { return has_unwritten(entry.first) || has_unwritten(entry.second); });
}

// `---` at the start of a line is the start of a document whatever is around it (YAML 1.2, 9.1.2), or the text is faulty.
bool starts_document(std::string_view line) {
  if (!line.starts_with("---")) return false;
  const std::string_view rest = line.substr(3, 2);
  return rest.empty() || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n' || rest == "\r\n";
}

// Pieces that can be read one by one; one where that could come to something else: JSON, directives, ends of documents, and anchors,
// whose use is bounded in each file.
std::vector<std::string_view> pieces_of(std::string_view text) {
  std::vector<std::string_view> out;
  const std::size_t first = text.find_first_not_of("\xEF\xBB\xBF \t\r\n");
  if (first == std::string_view::npos || text[first] == '{' || text[first] == '[' || text.size() > kLargestInPieces || text.find('&') != std::string_view::npos) return {text};
  std::size_t begin = 0;
  for (std::size_t line = 0; line < text.size();) {
    if (text[line] == '%' || text.substr(line, 3) == "...") return {text};
    if (line != begin && starts_document(text.substr(line))) {
      out.push_back(text.substr(begin, line - begin));
      begin = line;
    }
    const std::size_t end = text.find('\n', line);
    line = end == std::string_view::npos ? text.size() : end + 1;
  }
  out.push_back(text.substr(begin));
  return out;
}

}  // namespace

void ParseCache::begin() {
  by_file_.clear();
  std::erase_if(entries_, [&](const auto& entry) { return entry.second.reading != reading_; });
  ++reading_;
}

// The same path several times in one reading is as many files.
ParseCache::Entry& ParseCache::entry_of(const std::string& path) {
  std::string key = path;
  for (std::size_t again = 1; entries_[key].reading == reading_; ++again) key = path + '\0' + std::to_string(again);
  return entries_[key];
}

bool ParseCache::is_still(const Entry& entry, std::string_view text) {
  for (const Piece& piece : entry.pieces) {
    if (!text.starts_with(piece.text)) return false;
    text.remove_prefix(piece.text.size());
  }
  return text.empty() && !entry.pieces.empty();
}

void ParseCache::renumber(Entry& entry, FileId file) {
  for (Piece& piece : entry.pieces) {
    if (piece.file != file)
      for (Node& document : piece.documents) move_by(document, file, 0);
    piece.file = file;
  }
  for (Diagnostic& said : entry.said) move_to(said, file);
}

// False: one has something said of it, or cannot be read alone. What is kept is then of no use any more.
bool ParseCache::take_pieces(Entry& entry, FileId file, const std::vector<std::string_view>& texts) {
  std::unordered_multimap<std::string_view, Piece*> known;
  for (Piece& piece : entry.pieces) known.emplace(piece.text, &piece);
  std::vector<Piece> out;
  out.reserve(texts.size());
  std::uint32_t begin = 0;
  for (const std::string_view text : texts) {
    Piece piece{std::string(text), file, begin, {}};
    if (const auto found = known.find(text); found != known.end()) {
      piece.documents = std::move(found->second->documents);
      for (Node& document : piece.documents) move_by(document, file, begin - found->second->begin);
      known.erase(found);
    } else {
      SourceManager alone;
      DiagSink heard;
      piece.documents = parse_documents(alone.add("", piece.text), alone, heard);
      if (!heard.all().empty()) return false;
      for (Node& document : piece.documents) move_by(document, file, begin);
    }
    if (std::any_of(piece.documents.begin(), piece.documents.end(), has_unwritten)) return false;
    begin += static_cast<std::uint32_t>(text.size());
    out.push_back(std::move(piece));
  }
  entry.pieces = std::move(out);
  entry.said.clear();
  return true;
}

void ParseCache::take_whole(Entry& entry, FileId file, const SourceManager& sources) {
  DiagSink heard;
  Piece whole{std::string(sources.text(file)), file, 0, parse_documents(file, sources, heard)};
  entry.pieces.clear();
  entry.pieces.push_back(std::move(whole));
  entry.said = heard.all();
}

std::vector<const Node*> ParseCache::documents(FileId file, const SourceManager& sources, DiagSink& sink) {
  Entry& entry = entry_of(sources.path(file));
  entry.reading = reading_;
  const std::string_view text = sources.text(file);
  if (is_still(entry, text)) {
    renumber(entry, file);
  } else {
    if (!entry.said.empty()) entry.pieces.clear();  // of no use to another text
    const auto texts = pieces_of(text);
    if (texts.size() == 1 || !take_pieces(entry, file, texts)) take_whole(entry, file, sources);
  }
  for (const Diagnostic& said : entry.said) {
    if (said.severity == Severity::Error) sink.error(said);
    else sink.warning(said);
  }
  by_file_[file] = &entry;
  return documents_of(entry);
}

std::vector<const Node*> ParseCache::kept(FileId file) const {
  const auto found = by_file_.find(file);
  return found == by_file_.end() ? std::vector<const Node*>{} : documents_of(*found->second);
}

std::vector<const Node*> ParseCache::documents_of(const Entry& entry) {
  std::vector<const Node*> out;
  for (const Piece& piece : entry.pieces)
    for (const Node& document : piece.documents) out.push_back(&document);
  return out;
}

}  // namespace netpolc::frontend
