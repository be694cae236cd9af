// Any bytes as a file of keys, a secret key and a signature: what is taken is printed, and that is read as the same; and nothing
// fits a key that nobody has signed with.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "trust/minisign.h"
#include "trust/plain_line.h"

using namespace netpolc::trust;

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto keys = parse_public_keys(text))
    for (const PublicKey& key : *keys) {
      const auto again = parse_public_keys(to_text(key));
      require(again && again->size() == 1 && again->front() == key, "a public key is printed as it was read");
    }
  static const PublicKey nobody = make_key().public_key();
  if (auto signature = parse_signature(text)) {
    require(is_plain_line(signature->trusted_comment), "a trusted comment can be shown");
    signature->id = nobody.id;
    require(!fits(*signature, nobody, text), "nothing fits a key that signed nothing");
  }
  // Deriving keys from passwords takes a second each.
  const auto secret = read_secret_key(text, []() -> Result<std::string> { return tl::make_unexpected("no password"); });
  require(secret || !secret.error().empty(), "what is refused has a reason");
  if (secret) require(read_secret_key(*to_text(*secret, std::nullopt), [] { return Result<std::string>(""); })->key == secret->key, "a secret key is printed as it was read");
  return 0;
}
