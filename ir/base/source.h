// ir/base/source.h — source texts and places in them.
//
// A place is a byte range in a file; line and column are computed only to print.
// `SourceManager` owns every text for the length of a run; a `FileId` is an index
// into it and never dangles. Texts are stored as read (byte-order mark included),
// so that offsets are offsets in the file on disk.
#pragma once
#include <compare>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace netpolc {

struct FileId {
  std::uint32_t value = 0;
  auto operator<=>(const FileId&) const = default;
};

// Half-open byte range [begin, end) in `file`; begin == end is a point.
struct Span {
  FileId file;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  auto operator<=>(const Span&) const = default;
};

// 1-based; columns count bytes, a byte-order mark counts as none.
struct LineColumn {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

class SourceManager {
 public:
  // `path` is what diagnostics print: as the user wrote it, or "<stdin>".
  FileId add(std::string path, std::string text);
  const std::string& path(FileId file) const;
  std::string_view text(FileId file) const;
  std::size_t size() const { return files_.size(); }
  LineColumn locate(FileId file, std::uint32_t offset) const;
  // The text of the 1-based line, without its line break.
  std::string_view line(FileId file, std::uint32_t line) const;

 private:
  struct File {
    std::string path;
    std::string text;
    std::vector<std::uint32_t> line_starts;
  };
  std::deque<File> files_;
};

}  // namespace netpolc
