#include "runtime-loader/trust.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "runtime-loader/test_bundle.h"
#include "trust/minisign.h"

using namespace netpolc::loader;
namespace trust = netpolc::trust;
namespace fs = std::filesystem;

namespace {

struct SignedBundle : TestBundle {
  TestDirectory keys;
  trust::SecretKey key = trust::make_key();
  TrustOptions options;
  SignedBundle() {
    keys.write("owner.pub", trust::to_text(key.public_key()));
    options.keys = {keys.path() + "/owner.pub"};
    options.default_keys = keys.path() + "/none";
    sign(key);
  }
  void sign(const trust::SecretKey& by) {
    write();
    directory.write("bundle.json.minisig", *trust::sign(by, text(), "release 7"));
  }
  // "" if it was taken.
  std::string refusal() const {
    const auto bundle = read_trusted_bundle(directory.path(), options);
    if (bundle) return "";
    CHECK(bundle.error().kind == FailureKind::Input);
    return bundle.error().message;
  }
  bool refused_for(const char* what) const {
    const std::string why = refusal();
    CAPTURE(why);
    CHECK(why.find(what) != std::string::npos);
    return why.find(what) != std::string::npos;
  }
};

}  // namespace

TEST_CASE("a bundle that is signed by a trusted key says by which") {
  SignedBundle made;
  made.options.require_signature = true;
  const auto bundle = read_trusted_bundle(made.directory.path(), made.options);
  REQUIRE_MESSAGE(bundle, bundle.error().message);
  REQUIRE(bundle->signer);
  CHECK(bundle->signer->key_id == trust::to_string(made.key.id));
  CHECK(bundle->signer->comment == "release 7");
  CHECK(bundle->signer->key_file == made.keys.path() + "/owner.pub");
  CHECK(to_string(*bundle->signer) == "key " + trust::to_string(made.key.id) + ": release 7");
}

TEST_CASE("what is signed by nobody who is trusted, or changed since") {
  SignedBundle made;
  SUBCASE("another key") {
    made.sign(trust::make_key());
    made.refused_for("which is not one of the 1 trusted keys");
  }
  SUBCASE("another key that calls itself by the trusted one's number") {
    trust::SecretKey other = trust::make_key();
    other.id = made.key.id;
    made.sign(other);
    made.refused_for("of this bundle.json: one of the two was changed since it was signed");
  }
  SUBCASE("whoever can write can hash, but not sign") {
    made.json["endpoints"][0]["identity"] = 300;
    made.write();
    CHECK(read_bundle(made.directory.path()));
    made.refused_for("bundle.json.minisig: is no signature by key");
  }
  SUBCASE("bytes that mean the same") {
    made.directory.write("bundle.json", made.text() + "\n");
    made.refused_for("bundle.json.minisig: is no signature by key");
  }
  SUBCASE("a bundle.json that would not parse is not parsed") {
    made.directory.write("bundle.json", std::string(100000, '['));
    made.refused_for("bundle.json.minisig: is no signature by key");
  }
  SUBCASE("a signature file that is none") {
    made.directory.write("bundle.json.minisig", "x");
    made.refused_for("bundle.json.minisig: is no signature file of minisign");
  }
  SUBCASE("a signature file that is a link") {
    fs::rename(made.directory.path() + "/bundle.json.minisig", made.keys.path() + "/signature");
    fs::create_symlink(made.keys.path() + "/signature", made.directory.path() + "/bundle.json.minisig");
    made.refused_for("bundle.json.minisig: leads out of the bundle, or is a symbolic link");
  }
}

TEST_CASE("a bundle that isn't signed is taken unless a signature is required") {
  SignedBundle made;
  fs::remove(made.directory.path() + "/bundle.json.minisig");
  const auto bundle = read_trusted_bundle(made.directory.path(), made.options);
  REQUIRE(bundle);
  CHECK_FALSE(bundle->signer);
  made.options.require_signature = true;
  made.refused_for("bundle.json.minisig: is not there, but a signature is required");
}

TEST_CASE("keys are files, directories, or those of the default place") {
  SignedBundle made;
  made.options.require_signature = true;
  made.options.keys = {made.keys.path()};
  CHECK(made.refusal() == "");
  made.options.keys = {};
  made.refused_for("a signature is required, but no key is trusted");
  made.options.default_keys = made.keys.path();
  CHECK(made.refusal() == "");
  made.options.keys = {made.keys.path() + "/absent.pub"};
  made.refused_for("absent.pub: No such file or directory");
  made.keys.write("bad.pub", "no key");
  made.options.keys = {};
  made.refused_for("bad.pub: is no file of public keys");  // rather than fewer keys than were meant
  TestDirectory empty;
  made.options.keys = {empty.path()};
  made.refused_for("no file in it is called *.pub");
  made.options.keys = {};
  made.options.default_keys = empty.path();
  made.options.require_signature = false;
  CHECK(made.refusal() == "");  // nobody is trusted, so nobody is asked for
  empty.write("ops.key", "a key with another name");
  made.refused_for("no file in it is called *.pub");  // somebody meant it to be
}

TEST_CASE("files are checked as the signature's bundle.json says") {
  SignedBundle made;
  made.directory.write("programs/a.o", "object A");
  made.refused_for("programs/a.o: was changed or damaged");
}
