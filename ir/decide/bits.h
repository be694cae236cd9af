// ir/decide/bits.h — a set of identities, by their position in Identities::all().
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace netpolc::ir {

class Bits {
 public:
  explicit Bits(std::size_t size = 0, bool value = false) : size_(size), words_((size + 63) / 64, value ? ~0ULL : 0) { trim(); }
  void set(std::size_t i) { words_[i / 64] |= 1ULL << (i % 64); }
  bool test(std::size_t i) const { return (words_[i / 64] >> (i % 64)) & 1; }
  Bits& operator|=(const Bits& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] |= other.words_[w];
    return *this;
  }
  Bits& operator&=(const Bits& other) {
    for (std::size_t w = 0; w < words_.size(); ++w) words_[w] &= other.words_[w];
    return *this;
  }
  Bits& flip() {
    for (auto& word : words_) word = ~word;
    trim();
    return *this;
  }
  template <class F>
  void each(F&& visit) const {
    for (std::size_t w = 0; w < words_.size(); ++w)
      for (std::uint64_t word = words_[w]; word != 0; word &= word - 1)
        visit(w * 64 + static_cast<std::size_t>(__builtin_ctzll(word)));
  }

 private:
  void trim() {
    if (size_ % 64 != 0) words_.back() &= (1ULL << (size_ % 64)) - 1;
  }
  std::size_t size_;
  std::vector<std::uint64_t> words_;
};

}  // namespace netpolc::ir
