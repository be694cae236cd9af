#include "runtime-loader/rows.h"

#include <algorithm>

#include "ir/map_layout.h"

namespace netpolc::loader {

namespace {

bool only_somebody(const std::vector<std::uint64_t>& bits) {
  return bits.empty() || (bits[0] == 1 && std::all_of(bits.begin() + 1, bits.end(), [](std::uint64_t word) { return word == 0; }));
}

}  // namespace

std::vector<std::uint64_t> peer_row(const std::vector<std::uint64_t>& bits) {
  const std::size_t words = bits.size();
  std::vector<std::uint64_t> out = bits;
  out.resize(NP_ROW_WORDS(words));
  if (words > 0) out[0] |= 1;
  for (std::size_t word = 0; NP_SUMMARY_WORDS(words) > 0 && word < words; ++word)
    if (out[word] != 0) out[words + word / 64] |= 1ull << (word % 64);
  return out;
}

PeerRows PeerRows::of(const std::vector<const PeerBits*>& programs) {
  // What each identity is to all programs, as one list of words.
  std::map<std::uint32_t, std::vector<std::uint64_t>> all;
  for (std::uint64_t program = 0; program < programs.size(); ++program)
    for (const auto& [identity, words] : *programs[program]) {
      std::vector<std::uint64_t> bits = words;
      if (!bits.empty()) bits[0] |= 1;
      if (only_somebody(bits)) continue;
      auto& own = all[identity];
      own.push_back(program);
      own.insert(own.end(), bits.begin(), bits.end());
    }
  PeerRows out;
  std::map<std::vector<std::uint64_t>, std::uint32_t> known;
  for (const auto& [identity, meaning] : all) {
    const auto [found, fresh] = known.try_emplace(meaning, out.next_);
    if (fresh) ++out.next_;
    out.rows_[identity] = found->second;
  }
  return out;
}

std::uint32_t PeerRows::row(std::uint32_t identity) const {
  const auto found = rows_.find(identity);
  return found == rows_.end() ? 0 : found->second;
}

std::uint32_t PeerRows::add(std::uint32_t identity) {
  const auto [found, fresh] = rows_.try_emplace(identity, next_);
  if (fresh) ++next_;
  return found->second;
}

void PeerRows::set(std::uint32_t identity, std::uint32_t row) {
  rows_[identity] = row;
  next_ = std::max(next_, row + 1);
}

}  // namespace netpolc::loader
