// verify/random_for_tests.h — numbers of chance for tests: the same for a seed on every machine.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <random>
#include <vector>

namespace netpolc::verify {

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  template <class T>
  T of(std::initializer_list<T> all) {
    return *(all.begin() + below(static_cast<std::uint32_t>(all.size())));
  }
  template <class T>
  const T& of(const std::vector<T>& all) {
    return all[below(static_cast<std::uint32_t>(all.size()))];
  }

 private:
  std::mt19937 engine_;
};

}  // namespace netpolc::verify
