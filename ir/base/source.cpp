#include "ir/base/source.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace netpolc {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

FileId SourceManager::add(std::string path, std::string text) {
  File file{std::move(path), std::move(text), {0}};
  const char* const begin = file.text.data();
  const char* const end = begin + file.text.size();
  for (const char* at = begin; at != end;) {
    const auto* found = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (found == nullptr) break;
    at = found + 1;
    file.line_starts.push_back(static_cast<std::uint32_t>(at - begin));
  }
  files_.push_back(std::move(file));
  return FileId{static_cast<std::uint32_t>(files_.size() - 1)};
}

const std::string& SourceManager::path(FileId file) const { return files_.at(file.value).path; }

std::string_view SourceManager::text(FileId file) const { return files_.at(file.value).text; }

LineColumn SourceManager::locate(FileId id, std::uint32_t offset) const {
  const File& file = files_.at(id.value);
  offset = std::min(offset, static_cast<std::uint32_t>(file.text.size()));
  const auto after = std::upper_bound(file.line_starts.begin(), file.line_starts.end(), offset);
  const auto line = static_cast<std::uint32_t>(after - file.line_starts.begin());
  std::uint32_t start = *(after - 1);
  if (line == 1 && file.text.starts_with(kByteOrderMark)) {
    start = static_cast<std::uint32_t>(kByteOrderMark.size());
    offset = std::max(offset, start);
  }
  return {line, offset - start + 1};
}

std::string_view SourceManager::line(FileId id, std::uint32_t number) const {
  const File& file = files_.at(id.value);
  if (number == 0 || number > file.line_starts.size()) return {};
  const std::string_view text = file.text;
  const std::uint32_t begin = file.line_starts[number - 1];
  std::string_view line = text.substr(begin);
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (number == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  return line;
}

}  // namespace netpolc
