// frontend/parse_cache.h — what files read as, kept for whoever reads the same files again and again.
//
// A text that is byte for byte what it was the last time is not parsed again, be it all of a file or one of its documents; everything
// else is. What comes out, documents and what is said of them, is what parse_documents gives: nothing is taken on trust of a time
// stamp or a hash, and a file with a fault is parsed as a whole.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontend/load.h"
#include "frontend/yaml/document.h"

namespace netpolc::frontend {

class ParseCache {
 public:
  // Before each reading: files are numbered anew, and what the last reading had no use for is forgotten.
  void begin();
  // As parse_documents. What it returns stays until the next begin().
  std::vector<const Node*> documents(FileId file, const SourceManager& sources, DiagSink& sink);
  // What the last documents() of this file gave, as long; none for a file that it was not asked for since begin().
  std::vector<const Node*> kept(FileId file) const;

 private:
  // A document with the `---` before it, or all of a file.
  struct Piece {
    std::string text;
    FileId file;  // that places in it have, and where it begins there
    std::uint32_t begin = 0;
    std::vector<Node> documents;
  };
  struct Entry {
    std::vector<Piece> pieces;
    std::vector<Diagnostic> said;  // where there is only one piece
    std::size_t reading = 0;       // the last that used it
  };
  Entry& entry_of(const std::string& path);
  static bool is_still(const Entry& entry, std::string_view text);
  static void renumber(Entry& entry, FileId file);
  static bool take_pieces(Entry& entry, FileId file, const std::vector<std::string_view>& texts);
  static void take_whole(Entry& entry, FileId file, const SourceManager& sources);

  static std::vector<const Node*> documents_of(const Entry& entry);

  std::unordered_map<std::string, Entry> entries_;  // by path, and a number where one is read several times
  std::map<FileId, const Entry*> by_file_;          // of this reading
  std::size_t reading_ = 0;
};

// Loads what was read as frontend/load.h does. `cache`: begun, and it outlives the call, not the result.
Loaded load(const std::vector<Input>& inputs, const LoadOptions& options, ParseCache& cache, SourceManager& sources, DiagSink& sink);

}  // namespace netpolc::frontend
