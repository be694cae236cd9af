// trust/minisign.h — Ed25519 keys and signatures in the files of minisign (jedisct1.github.io/minisign), so that either
// program can check what the other signed.
//
// Pure but for `make_key`, which asks the kernel for random numbers. Any bytes may be given to the parsers; what
// they take is small and bounded (kTextLimit). A failure is a sentence without the name of the file, which the caller knows.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace netpolc::trust {

template <class T>
using Result = tl::expected<T, std::string>;

inline constexpr std::size_t kTextLimit = 64u << 10;      // of a file of keys or a signature, bytes
inline constexpr std::size_t kCommentLimit = 1024;        // of a trusted comment that we write
inline constexpr std::size_t kReadCommentLimit = 8192;    // ... that we read: as much as minisign writes
inline constexpr const char* kSignatureSuffix = ".minisig";

using KeyId = std::array<unsigned char, 8>;
std::string to_string(const KeyId& id);  // as minisign shows it: 16 upper-case hexadecimal digits

struct PublicKey {
  KeyId id{};
  std::array<unsigned char, 32> key{};
  bool operator==(const PublicKey&) const = default;
};

// Overwrites itself when it goes.
struct SecretKey {
  KeyId id{};
  std::array<unsigned char, 64> key{};
  SecretKey() = default;
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey();
  PublicKey public_key() const;
};

struct Signature {
  bool prehashed = true;  // of BLAKE2b-512 of the content ("ED"), else of the content itself ("Ed")
  KeyId id{};
  std::array<unsigned char, 64> of_content{}, of_comment{};
  std::string trusted_comment;  // UTF-8 without control characters but tabs
};

// A file with one key or several, each a line of base64; lines that begin with "untrusted comment:" and empty lines are
// passed over. Fails where there is none.
Result<std::vector<PublicKey>> parse_public_keys(std::string_view text);
Result<Signature> parse_signature(std::string_view text);

// By this key, of this content, with this comment.
bool fits(const Signature& signature, const PublicKey& key, std::string_view content);

// Asked for only if the key has a password.
using AskPassword = std::function<Result<std::string>()>;
Result<SecretKey> read_secret_key(std::string_view text, const AskPassword& ask);

SecretKey make_key();
// What scrypt spends on a password: time as libsodium counts it, bytes of memory.
struct PasswordCost {
  std::uint64_t operations = 33554432, memory = 1073741824;  // minisign's, and the most that is taken
};
// The files' text. No password: whoever reads the file can sign.
Result<std::string> to_text(const SecretKey& key, const std::optional<std::string>& password, PasswordCost cost = {});
std::string to_text(const PublicKey& key);

// The text of a signature file; the same for the same arguments. Fails where the comment is too long or isn't one line of text.
Result<std::string> sign(const SecretKey& key, std::string_view content, const std::string& trusted_comment);

}  // namespace netpolc::trust
