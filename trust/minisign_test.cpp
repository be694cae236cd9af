#include "trust/minisign.h"

#include <doctest/doctest.h>

#include "trust/plain_line.h"
#include "trust/sha256.h"

using namespace netpolc::trust;

namespace {

// Made by minisign 0.11: a key without a password, and what it signed.
constexpr const char* kPublic = "untrusted comment: minisign public key 4BB71F26AFEAE4A1\nRWSh5OqvJh+3S4FTSzI2rs2CqNTQr5W/TG95hpe2sHN5jJThyNDZoUZi\n";
constexpr const char* kSecret =
    "untrusted comment: minisign encrypted secret key\n"
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAoeTqryYft0su6/CJBBVd1m0E+o/Cj0qKKUf6kCtZBd+xe6F0zV+a04FTSzI2rs2CqNTQr5W/TG95hpe2sHN5jJThyNDZoUZiAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
constexpr const char* kHashed =
    "untrusted comment: signature from minisign secret key\n"
    "RUSh5OqvJh+3S5TdDYvdc2XaNS3PmJ8LaYoraU+xjbdlkz4UvN7cLyXGkfGZ1b0uTpMg2UDJAgEdfAVh6wywZYDBs/4rUM8IywU=\n"
    "trusted comment: timestamp:1795758291\tfile:m\thashed\n"
    "XzzLgyjQqXmTQ4vAV2Rtas5N15huywTUtsdHjH/o7HGbTWCSH4dHZmh/mcj6lVEtMTiRXgdLmYixlFQ88uzGCw==\n";
constexpr const char* kLegacy =
    "untrusted comment: signature from minisign secret key\n"
    "RWSh5OqvJh+3Sw590C5t1/Cp2IjYFfmOyLYOM9m723WbkG6XUdOjgngs1+Yo08TOZDLPoyrlJCRATueIx8HNKOibjeWYJ2/r5w0=\n"
    "trusted comment: timestamp:1795758394\tfile:m\n"
    "7T/YZCr66/2LBXdFg/0nhRIojHgrb9gVcqZ+yyNjVqc4z+Novr9KnJ51Ol/mi+iRGKo335aHdx0yDRGGm9GnBA==\n";
constexpr const char* kContent = "hello\n";
constexpr PasswordCost kQuick{32768, 16u << 20};

const AskPassword kNobody = []() -> Result<std::string> { FAIL("asked for a password"); return std::string(); };
AskPassword says(const std::string& password) {
  return [=]() -> Result<std::string> { return password; };
}

}  // namespace

TEST_CASE("what minisign wrote is read, and its signatures fit") {
  const auto keys = parse_public_keys(kPublic);
  REQUIRE(keys);
  REQUIRE(keys->size() == 1);
  CHECK(to_string(keys->front().id) == "4BB71F26AFEAE4A1");
  CHECK(to_text(keys->front()) == kPublic);
  const auto secret = read_secret_key(kSecret, kNobody);
  REQUIRE(secret);
  CHECK(secret->public_key() == keys->front());
  CHECK(*to_text(*secret, std::nullopt) == kSecret);
  for (const char* text : {kHashed, kLegacy}) {
    const auto signature = parse_signature(text);
    REQUIRE(signature);
    CHECK(signature->prehashed == (text == kHashed));
    CHECK(fits(*signature, keys->front(), kContent));
    CHECK_FALSE(fits(*signature, keys->front(), "hello"));
  }
}

TEST_CASE("a signature is the same for the same bytes, and fits nothing else") {
  const SecretKey key = *read_secret_key(kSecret, kNobody);
  const std::string text = *sign(key, kContent, "a comment");
  CHECK(text == *sign(key, kContent, "a comment"));
  const Signature signature = *parse_signature(text);
  CHECK(signature.trusted_comment == "a comment");
  CHECK(fits(signature, key.public_key(), kContent));
  CHECK_FALSE(fits(signature, make_key().public_key(), kContent));
  PublicKey named_alike = make_key().public_key();
  named_alike.id = key.id;
  CHECK_FALSE(fits(signature, named_alike, kContent));
  Signature changed = signature;
  changed.trusted_comment += "!";
  CHECK_FALSE(fits(changed, key.public_key(), kContent));
  changed = signature;
  changed.prehashed = false;
  CHECK_FALSE(fits(changed, key.public_key(), kContent));
}

TEST_CASE("every changed byte of a signature is noticed") {
  const SecretKey key = *read_secret_key(kSecret, kNobody);
  const std::string text = *sign(key, kContent, "a comment");
  const std::size_t second = text.find('\n') + 1;  // the first line is the untrusted comment
  for (std::size_t at = second; at + 1 < text.size(); ++at)
    for (const char flip : {1, 2, 4, 8, 16, 32, 64, -128}) {
      std::string other = text;
      other[at] = static_cast<char>(other[at] ^ flip);
      const auto signature = parse_signature(other);
      CAPTURE(at);
      CHECK_FALSE((signature && fits(*signature, key.public_key(), kContent)));
    }
  for (std::size_t size = 0; size + 1 < text.size(); ++size) CHECK_FALSE(parse_signature(text.substr(0, size)));
}

TEST_CASE("passwords") {
  const SecretKey key = make_key();
  const std::string text = *to_text(key, "correct horse", kQuick);
  const auto again = read_secret_key(text, says("correct horse"));
  REQUIRE(again);
  CHECK(again->key == key.key);
  const auto wrong = read_secret_key(text, says("correct horsf"));
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error() == "is not opened by this password");
  CHECK(read_secret_key(text, []() -> Result<std::string> { return tl::make_unexpected("nobody is there"); }).error() == "nobody is there");
  std::string greedy = text;
  greedy[greedy.find('\n') + 1 + 71] = '/';  // in the highest byte of how much memory it asks for
  const auto refused = read_secret_key(greedy, says("correct horse"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == "asks for more work on its password than minisign does");
}

TEST_CASE("what is no key or signature") {
  for (const char* text : {"", "\n", "untrusted comment: x\n", "RWSh5OqvJh", "RWSh5OqvJh+3S4FTSzI2rs2CqNTQr5W/TG95hpe2sHN5jJThyNDZoUZi=", "RUSh5OqvJh+3S4FTSzI2rs2CqNTQr5W/TG95hpe2sHN5jJThyNDZoUZi"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_public_keys(text));
    CHECK_FALSE(parse_signature(text));
    CHECK_FALSE(read_secret_key(text, kNobody));
  }
  CHECK(parse_public_keys(std::string(kPublic) + "\r\n" + kPublic)->size() == 2);
  std::string with_escape = kHashed;
  with_escape.replace(with_escape.find("file:m"), 6, "\x1b[2Jab");
  CHECK(parse_signature(with_escape).error() == "has a trusted comment that is not a line of text");
  CHECK_FALSE(sign(make_key(), "", "two\nlines"));
  CHECK_FALSE(sign(make_key(), "", std::string(kCommentLimit + 1, 'x')));
}

TEST_CASE("plain lines") {
  for (const char* good : {"", "a b", "tab\there", "grün €", "\xf0\x9f\x98\x80"}) CHECK(is_plain_line(good));
  for (const char* bad : {"\n", "\x1b", "\x7f", "\xc2\x85", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff", "\x80"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_plain_line(bad));
  }
}

TEST_CASE("what somebody else wrote, in a message") {
  CHECK(shown("grün €\t") == "grün €\t");
  CHECK(shown("a\nb\x1b[2J\xc2\x9b\xff") == "a?b?[2J??");
  CHECK(shown(std::string(1000, 'x')) == std::string(400, 'x') + "…");
}

TEST_CASE("checksums are those of FIPS 180-4") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 pieces;
  pieces.add("a");
  pieces.add("");
  pieces.add("bc");
  CHECK(pieces.hex() == sha256_hex("abc"));
}
