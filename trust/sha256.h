// trust/sha256.h — content checksums.
#pragma once
#include <array>
#include <string>
#include <string_view>

namespace netpolc::trust {

// Of what comes in pieces.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  std::string hex();  // 64 lower-case digits; ends it

 private:
  alignas(8) std::array<unsigned char, 104> state_;  // libsodium's, whose header stays in sha256.cpp
};

std::string sha256_hex(std::string_view bytes);

}  // namespace netpolc::trust
