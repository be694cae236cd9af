#include "trust/sha256.h"

#include <sodium.h>

namespace netpolc::trust {
namespace {

crypto_hash_sha256_state* state(std::array<unsigned char, 104>& bytes) { return reinterpret_cast<crypto_hash_sha256_state*>(bytes.data()); }
static_assert(sizeof(crypto_hash_sha256_state) == 104 && alignof(crypto_hash_sha256_state) <= 8);

}  // namespace

Sha256::Sha256() { crypto_hash_sha256_init(state(state_)); }

void Sha256::add(std::string_view bytes) {
  crypto_hash_sha256_update(state(state_), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string Sha256::hex() {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256_final(state(state_), digest.data());
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text{};
  sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
  return text.data();
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 sum;
  sum.add(bytes);
  return sum.hex();
}

}  // namespace netpolc::trust
