#include "verify/bytecode/search_lines.h"

#include "ir/map_layout.h"

namespace netpolc::verify::bytecode {

SearchLines::SearchLines(const std::vector<ir::TableEntry>& entries, std::size_t words) : words_(words), summaries_(NP_SUMMARY_WORDS(words)) {
  std::size_t piece = 0;
  for (std::size_t e = 0; e < entries.size(); ++e) {
    if (e != 0 && entries[e].bit <= entries[e - 1].bit) ++piece;
    const std::size_t word = entries[e].bit / 64;
    const Place at{piece * summaries_ + word / 64, static_cast<unsigned>(word % 64)};
    lines_[at].push_back(entries[e]);
    filled_.resize((piece + 1) * summaries_);
    filled_[at.level] |= std::uint64_t{1} << at.bit;
    if (entries[e].bit == 0) break;  // everyone: nothing after it decides
  }
}

}  // namespace netpolc::verify::bytecode
