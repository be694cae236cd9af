#include "ir/base/source.h"

#include <doctest/doctest.h>

using namespace netpolc;

namespace {

bool at(const LineColumn& place, std::uint32_t line, std::uint32_t column) {
  return place.line == line && place.column == column;
}

}  // namespace

TEST_CASE("places count bytes from one") {
  SourceManager sources;
  const FileId file = sources.add("a.yaml", "ab\n\xC3\xA9x\r\n\nlast");
  CHECK(sources.path(file) == "a.yaml");
  CHECK(at(sources.locate(file, 0), 1, 1));
  CHECK(at(sources.locate(file, 2), 1, 3));  // the line break belongs to its line
  CHECK(at(sources.locate(file, 3), 2, 1));
  CHECK(at(sources.locate(file, 5), 2, 3));
  CHECK(at(sources.locate(file, 12), 4, 4));
  CHECK(at(sources.locate(file, 4000), 4, 5));  // past the end: the end
  CHECK(sources.line(file, 1) == "ab");
  CHECK(sources.line(file, 2) == "\xC3\xA9x");
  CHECK(sources.line(file, 3).empty());
  CHECK(sources.line(file, 4) == "last");
  CHECK(sources.line(file, 0).empty());
  CHECK(sources.line(file, 5).empty());
}

TEST_CASE("a byte-order mark is in the offsets but not in the columns") {
  SourceManager sources;
  const FileId file = sources.add("a.yaml", "\xEF\xBB\xBFkey\nb");
  CHECK(at(sources.locate(file, 0), 1, 1));
  CHECK(at(sources.locate(file, 3), 1, 1));
  CHECK(at(sources.locate(file, 4), 1, 2));
  CHECK(at(sources.locate(file, 7), 2, 1));
  CHECK(sources.line(file, 1) == "key");
}

TEST_CASE("texts stay where they are when files are added") {
  SourceManager sources;
  const FileId first = sources.add("first", "x");
  const std::string_view text = sources.text(first);
  for (int i = 0; i < 1000; ++i) sources.add("more", "y");
  CHECK(sources.text(first).data() == text.data());
  CHECK(sources.size() == 1001);
}

TEST_CASE("an empty file has a first line") {
  SourceManager sources;
  const FileId file = sources.add("empty", "");
  CHECK(at(sources.locate(file, 0), 1, 1));
  CHECK(sources.line(file, 1).empty());
}
