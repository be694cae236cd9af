#include "trust/minisign.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "trust/plain_line.h"

namespace netpolc::trust {
namespace {

// The layouts are minisign's (src/minisign.h), all of bytes.
struct PublicKeyBytes {
  unsigned char algorithm[2], id[8], key[32];
};
struct SecretPart {
  unsigned char id[8], key[64], checksum[32];
};
struct SecretKeyBytes {
  unsigned char algorithm[2], derivation[2], checksum_algorithm[2], salt[32], operations[8], memory[8];
  SecretPart secret;
};
struct SignatureBytes {
  unsigned char algorithm[2], id[8], signature[64];
};
static_assert(sizeof(PublicKeyBytes) == 42 && sizeof(SecretKeyBytes) == 158 && sizeof(SignatureBytes) == 74);

constexpr std::string_view kUntrusted = "untrusted comment:", kTrusted = "trusted comment: ";
constexpr int kBase64 = sodium_base64_VARIANT_ORIGINAL;

bool is(const unsigned char (&bytes)[2], const char* name) { return std::memcmp(bytes, name, 2) == 0; }

template <class To, class From>
void copy(To& to, const From& from) {
  static_assert(sizeof to == sizeof from);
  std::memcpy(&to, &from, sizeof to);
}

void start() {
  static const bool ready = sodium_init() >= 0;
  if (!ready) throw std::runtime_error("libsodium does not start");
}

// Lines without their ends, CR LF or LF.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

template <class Bytes>
bool from_base64(std::string_view text, Bytes& out) {
  // libsodium 1.0.18 takes some characters above 127 for others.
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) return false;
  std::size_t size = 0;
  const char* end = nullptr;
  return sodium_base642bin(reinterpret_cast<unsigned char*>(&out), sizeof out, text.data(), text.size(), nullptr, &size, &end, kBase64) == 0 &&
         size == sizeof out && end == text.data() + text.size();
}

template <class Bytes>
std::string to_base64(const Bytes& bytes) {
  char text[sodium_base64_ENCODED_LEN(sizeof bytes, kBase64)];
  std::string out = sodium_bin2base64(text, sizeof text, reinterpret_cast<const unsigned char*>(&bytes), sizeof bytes, kBase64);
  sodium_memzero(text, sizeof text);
  return out;
}

std::uint64_t number(const unsigned char (&bytes)[8]) {
  std::uint64_t out = 0;
  for (int i = 7; i >= 0; --i) out = out << 8 | bytes[i];
  return out;
}
void put(unsigned char (&bytes)[8], std::uint64_t value) {
  for (unsigned char& byte : bytes) {
    byte = static_cast<unsigned char>(value);
    value >>= 8;
  }
}

void checksum(const SecretKeyBytes& file, unsigned char (&out)[32]) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, sizeof out);
  crypto_generichash_update(&state, file.algorithm, sizeof file.algorithm);
  crypto_generichash_update(&state, file.secret.id, sizeof file.secret.id);
  crypto_generichash_update(&state, file.secret.key, sizeof file.secret.key);
  crypto_generichash_final(&state, out, sizeof out);
}

// Encrypts or decrypts; false where there is no memory for it.
bool apply_password(SecretKeyBytes& file, const std::string& password) {
  unsigned char stream[sizeof file.secret];
  if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof stream, password.data(), password.size(), file.salt, number(file.operations),
                                         static_cast<std::size_t>(number(file.memory))) != 0)
    return false;
  auto* const bytes = reinterpret_cast<unsigned char*>(&file.secret);
  for (std::size_t i = 0; i < sizeof stream; ++i) bytes[i] ^= stream[i];
  sodium_memzero(stream, sizeof stream);
  return true;
}

std::string hash_of(std::string_view content) {
  std::string out(crypto_generichash_BYTES_MAX, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(out.data()), out.size(), reinterpret_cast<const unsigned char*>(content.data()), content.size(), nullptr, 0);
  return out;
}

using SignatureOnly = std::array<unsigned char, 64>;
SignatureOnly signed_by(const SecretKey& key, std::string_view message) {
  SignatureOnly out{};
  crypto_sign_detached(out.data(), nullptr, reinterpret_cast<const unsigned char*>(message.data()), message.size(), key.key.data());
  return out;
}
bool is_by(const SignatureOnly& signature, const PublicKey& key, std::string_view message) {
  return crypto_sign_verify_detached(signature.data(), reinterpret_cast<const unsigned char*>(message.data()), message.size(), key.key.data()) == 0;
}

// What the second signature is of.
std::string with_comment(const SignatureOnly& of_content, const std::string& comment) {
  return std::string(reinterpret_cast<const char*>(of_content.data()), of_content.size()) + comment;
}

tl::unexpected<std::string> wrong(std::string why) { return tl::make_unexpected(std::move(why)); }

Result<SecretKey> opened(SecretKeyBytes& file, const AskPassword& ask) {
  if (!is(file.algorithm, "Ed") || !is(file.checksum_algorithm, "B2")) return wrong("is a key of a kind that is not known");
  if (is(file.derivation, "Sc")) {
    // A file that asks for more than minisign ever does would stop the machine rather than whoever guesses.
    if (const PasswordCost most; number(file.operations) > most.operations || number(file.memory) > most.memory) return wrong("asks for more work on its password than minisign does");
    auto password = ask();
    if (!password) return tl::make_unexpected(password.error());
    const bool done = apply_password(file, *password);
    sodium_memzero(password->data(), password->size());
    if (!done) return wrong("needs " + std::to_string(number(file.memory) >> 20) + " MiB of memory for its password");
  } else if (!is(file.derivation, "\0\0")) {
    return wrong("has a password of a kind that is not known");
  }
  unsigned char sum[32];
  checksum(file, sum);
  // minisign gives keys without a password no checksum.
  if (std::memcmp(sum, file.secret.checksum, sizeof sum) != 0 && (is(file.derivation, "Sc") || !sodium_is_zero(file.secret.checksum, sizeof sum)))
    return wrong(is(file.derivation, "Sc") ? "is not opened by this password" : "is damaged: its checksum is of another key");
  SecretKey out;
  copy(out.id, file.secret.id);
  copy(out.key, file.secret.key);
  return out;
}

}  // namespace

std::string to_string(const KeyId& id) {
  std::string out;
  for (auto byte = id.rbegin(); byte != id.rend(); ++byte) {
    out += "0123456789ABCDEF"[*byte >> 4];
    out += "0123456789ABCDEF"[*byte & 15];
  }
  return out;
}

SecretKey::~SecretKey() { sodium_memzero(key.data(), key.size()); }

PublicKey SecretKey::public_key() const {
  PublicKey out{id, {}};
  crypto_sign_ed25519_sk_to_pk(out.key.data(), key.data());
  return out;
}

Result<std::vector<PublicKey>> parse_public_keys(std::string_view text) {
  if (text.size() > kTextLimit) return wrong("is too long for a file of keys");
  std::vector<PublicKey> out;
  for (const std::string_view line : lines_of(text)) {
    if (line.empty() || line.starts_with(kUntrusted)) continue;
    PublicKeyBytes bytes;
    if (!from_base64(line, bytes) || !is(bytes.algorithm, "Ed")) return wrong("is no file of public keys of minisign");
    PublicKey& key = out.emplace_back();
    copy(key.id, bytes.id);
    copy(key.key, bytes.key);
  }
  if (out.empty()) return wrong("has no public key");
  return out;
}

Result<Signature> parse_signature(std::string_view text) {
  if (text.size() > kTextLimit) return wrong("is too long for a signature");
  const std::vector<std::string_view> lines = lines_of(text);
  SignatureBytes bytes;
  Signature out;
  if (lines.size() != 4 || !lines[0].starts_with(kUntrusted) || !from_base64(lines[1], bytes) || !lines[2].starts_with(kTrusted) || !from_base64(lines[3], out.of_comment))
    return wrong("is no signature file of minisign");
  out.prehashed = is(bytes.algorithm, "ED");
  if (!out.prehashed && !is(bytes.algorithm, "Ed")) return wrong("is a signature of a kind that is not known");
  copy(out.id, bytes.id);
  copy(out.of_content, bytes.signature);
  out.trusted_comment = lines[2].substr(kTrusted.size());
  if (out.trusted_comment.size() > kReadCommentLimit || !is_plain_line(out.trusted_comment)) return wrong("has a trusted comment that is not a line of text");
  return out;
}

bool fits(const Signature& signature, const PublicKey& key, std::string_view content) {
  start();
  if (signature.id != key.id) return false;
  const bool of_content = signature.prehashed ? is_by(signature.of_content, key, hash_of(content)) : is_by(signature.of_content, key, content);
  return of_content && is_by(signature.of_comment, key, with_comment(signature.of_content, signature.trusted_comment));
}

Result<SecretKey> read_secret_key(std::string_view text, const AskPassword& ask) {
  start();
  SecretKeyBytes file;
  const std::vector<std::string_view> lines = text.size() > kTextLimit ? std::vector<std::string_view>() : lines_of(text);
  if (lines.size() != 2 || !lines[0].starts_with(kUntrusted) || !from_base64(lines[1], file)) return wrong("is no secret key of minisign");
  auto out = opened(file, ask);
  sodium_memzero(&file, sizeof file);
  return out;
}

SecretKey make_key() {
  start();
  SecretKey out;
  PublicKey unused;
  randombytes_buf(out.id.data(), out.id.size());
  crypto_sign_keypair(unused.key.data(), out.key.data());
  return out;
}

Result<std::string> to_text(const SecretKey& key, const std::optional<std::string>& password, PasswordCost cost) {
  start();
  SecretKeyBytes file{};
  std::memcpy(file.algorithm, "Ed", 2);
  std::memcpy(file.checksum_algorithm, "B2", 2);
  copy(file.secret.id, key.id);
  copy(file.secret.key, key.key);
  bool done = true;
  if (password) {
    std::memcpy(file.derivation, "Sc", 2);
    randombytes_buf(file.salt, sizeof file.salt);
    put(file.operations, cost.operations);
    put(file.memory, cost.memory);
    checksum(file, file.secret.checksum);
    done = apply_password(file, *password);
  }
  std::string text = std::string(kUntrusted) + " minisign encrypted secret key\n" + to_base64(file) + "\n";
  sodium_memzero(&file, sizeof file);
  if (!done) return wrong("a password needs " + std::to_string(cost.memory >> 20) + " MiB of memory");
  return text;
}

std::string to_text(const PublicKey& key) {
  PublicKeyBytes bytes{{'E', 'd'}, {}, {}};
  copy(bytes.id, key.id);
  copy(bytes.key, key.key);
  return std::string(kUntrusted) + " minisign public key " + to_string(key.id) + "\n" + to_base64(bytes) + "\n";
}

Result<std::string> sign(const SecretKey& key, std::string_view content, const std::string& trusted_comment) {
  start();
  if (trusted_comment.size() > kCommentLimit || !is_plain_line(trusted_comment))
    return wrong("a comment is one line of text of at most " + std::to_string(kCommentLimit) + " bytes");
  SignatureBytes bytes{{'E', 'D'}, {}, {}};
  const SignatureOnly of_content = signed_by(key, hash_of(content));
  copy(bytes.id, key.id);
  copy(bytes.signature, of_content);
  return std::string(kUntrusted) + " signature of netpolc, key " + to_string(key.id) + "\n" + to_base64(bytes) + "\n" + std::string(kTrusted) + trusted_comment + "\n" +
         to_base64(signed_by(key, with_comment(of_content, trusted_comment))) + "\n";
}

}  // namespace netpolc::trust
