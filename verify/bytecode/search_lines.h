// verify/bytecode/search_lines.h — where a search through the entries of many peers comes by, made from the table alone: entries in
// the order in which they win, cut where their bits don't ascend any more, each piece cut into the words of a row. Programs
// whose rows have a summary (ir/map_layout.h) look at these places one after the other; that they do is what the proof of the
// search (search_proof.h) shows, so this is a guess and nothing is taken for granted.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "ir/decide/table.h"

namespace netpolc::verify::bytecode {

// A line: 64 peers of one piece. Level: which 64 lines; bit: which of these.
struct Place {
  std::size_t level = 0;
  unsigned bit = 0;
  auto operator<=>(const Place&) const = default;
};

class SearchLines {
 public:
  // `words` of a row, without its summary.
  SearchLines(const std::vector<ir::TableEntry>& entries, std::size_t words);

  std::size_t levels() const { return filled_.size(); }
  // Which lines of a level have entries.
  std::uint64_t filled(std::size_t level) const { return level < filled_.size() ? filled_[level] : 0; }
  std::size_t summaries() const { return summaries_; }
  std::size_t summary(std::size_t level) const { return level % summaries_; }
  std::size_t word(const Place& at) const { return summary(at.level) * 64 + at.bit; }
  // Number of a level's first line, all lines counted.
  std::size_t first(std::size_t level) const { return level / summaries_ * words_ + summary(level) * 64; }
  std::size_t count() const { return filled_.size() / summaries_ * words_; }
  // In the order in which they win; all of one word. Not empty where `filled` has the bit.
  const std::vector<ir::TableEntry>& entries(const Place& at) const { return lines_.at(at); }
  const std::map<Place, std::vector<ir::TableEntry>>& lines() const { return lines_; }

 private:
  std::size_t words_, summaries_;
  std::vector<std::uint64_t> filled_;
  std::map<Place, std::vector<ir::TableEntry>> lines_;
};

}  // namespace netpolc::verify::bytecode
