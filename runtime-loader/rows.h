// runtime-loader/rows.h — rows of the peers maps (ir/map_layout.h). An address leads to an
// identity and to a row, and the row to the selector bits in every program. Identities for which
// all programs have the same bits share a row, so that the maps follow the kinds of peers and not
// their number.
#pragma once
#include <cstdint>
#include <map>
#include <vector>

#include "runtime-loader/result.h"

namespace netpolc::loader {

// Peer bits by identity; every value has the same number of words.
using PeerBits = std::map<std::uint32_t, std::vector<std::uint64_t>>;

// The value that a peers map has for them: with bit 0, and a summary where rows have one (ir/map_layout.h).
std::vector<std::uint64_t> peer_row(const std::vector<std::uint64_t>& bits);

class PeerRows {
 public:
  // Of all programs that will share the rows. Same programs, same rows.
  static PeerRows of(const std::vector<const PeerBits*>& programs);
  // 0 for identities of whom no program knows more than that they are somebody.
  std::uint32_t row(std::uint32_t identity) const;
  // A row of its own, where it has none yet: for programs that come one by one.
  std::uint32_t add(std::uint32_t identity);
  void set(std::uint32_t identity, std::uint32_t row);
  // One more than the highest row.
  std::uint32_t count() const { return next_; }
  const std::map<std::uint32_t, std::uint32_t>& by_identity() const { return rows_; }

 private:
  std::map<std::uint32_t, std::uint32_t> rows_;
  std::uint32_t next_ = 1;
};

}  // namespace netpolc::loader
