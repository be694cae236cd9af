// tools/agreement/random.h — random choices that are the same everywhere for one seed.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

namespace netpolc::agreement {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  template <class T>
  T of(std::initializer_list<T> all) {
    return *(all.begin() + below(static_cast<std::uint32_t>(all.size())));
  }
  std::string text(std::initializer_list<const char*> all) { return of(all); }
  template <class T>
  const T& of(const std::vector<T>& all) {
    return all[below(static_cast<std::uint32_t>(all.size()))];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace netpolc::agreement
