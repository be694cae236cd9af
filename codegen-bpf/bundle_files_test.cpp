#include "codegen-bpf/bundle_files.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "codegen-bpf/codegen.h"
#include "codegen-bpf/manifest.h"

using namespace netpolc;
using namespace netpolc::codegen_bpf;
namespace fs = std::filesystem;

namespace {

struct Directory {
  std::string path;
  Directory() {
    std::string name = (fs::temp_directory_path() / "netpolc-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  void put(const std::string& name, const std::string& text) const { std::ofstream(path + "/" + name, std::ios::binary) << text; }
};

const std::string kA(64, 'a'), kB(64, 'b');

BundleFiles small_bundle() {
  BundleFiles files = {{"programs/a.o", "object a"}, {"programs/b.o", "object b"}};
  ManifestJson bundle = {{"digest", ""}, {"programs", {{{"digest", kA}, {"object", "programs/a.o"}}, {{"digest", kB}, {"object", "programs/b.o"}}}}};
  for (const auto& [path, bytes] : files) bundle["files"][path] = sha256_hex(bytes);
  files[kManifestPath] = seal(bundle).json;
  return files;
}

ManifestJson manifest_of(const BundleFiles& files) { return ManifestJson::parse(files.at(kManifestPath)); }

}  // namespace

TEST_CASE("certificates are files of the bundle, named beside their programs") {
  BundleFiles files = small_bundle();
  const std::string before = manifest_of(files)["digest"];
  const auto digest = add_certificates(files, {{kA, "certificate a"}, {kB, "certificate b"}});
  REQUIRE(digest);
  const ManifestJson bundle = manifest_of(files);
  CHECK(bundle["digest"] == *digest);
  CHECK(*digest != before);
  CHECK(bundle["programs"][0]["certificate"] == "proofs/" + kA + ".json");
  CHECK(files.at("proofs/" + kB + ".json") == "certificate b");
  CHECK(bundle["files"]["proofs/" + kB + ".json"] == sha256_hex("certificate b"));
  CHECK(bundle["files"].size() == 4);

  Directory home;
  REQUIRE(write_bundle(home.path + "/bundle", files));
  const auto read = read_bundle(home.path + "/bundle/");
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(*read == files);
}

TEST_CASE("certificates take the place of others, and leave the same bytes") {
  const std::map<std::string, std::string> certificates = {{kA, "certificate a"}, {kB, "certificate b"}};
  BundleFiles once = small_bundle(), twice = small_bundle();
  REQUIRE(add_certificates(once, certificates));
  REQUIRE(add_certificates(twice, {{kA, "former a"}, {kB, "former b"}}));
  CHECK(twice != once);
  // written under another name by somebody else
  ManifestJson bundle = manifest_of(twice);
  bundle["programs"][1]["certificate"] = "proofs/elsewhere.json";
  bundle["files"]["proofs/elsewhere.json"] = sha256_hex("former b");
  twice["proofs/elsewhere.json"] = "former b";
  twice[kManifestPath] = seal(bundle).json;
  REQUIRE(add_certificates(twice, certificates));
  CHECK(twice == once);
  // each has the other's
  bundle = manifest_of(twice);
  std::swap(bundle["programs"][0]["certificate"], bundle["programs"][1]["certificate"]);
  twice[kManifestPath] = seal(bundle).json;
  REQUIRE(add_certificates(twice, certificates));
  CHECK(twice == once);
}

TEST_CASE("no program is left without") {
  BundleFiles files = small_bundle();
  const auto digest = add_certificates(files, {{kA, "certificate a"}});
  REQUIRE_FALSE(digest);
  CHECK(digest.error().message.find(kB) != std::string::npos);
}

TEST_CASE("the program for external devices has one, too, where there is such a program") {
  BundleFiles files = small_bundle();
  ManifestJson bundle = manifest_of(files);
  bundle["xdp"] = {{"object", "programs/np_xdp.o"}};
  files[kManifestPath] = seal(bundle).json;
  const auto without = add_certificates(files, {{kA, "certificate a"}, {kB, "certificate b"}});
  REQUIRE_FALSE(without);
  CHECK(without.error().message.find("external devices") != std::string::npos);
  REQUIRE(add_certificates(files, {{kA, "certificate a"}, {kB, "certificate b"}, {"np_xdp", "certificate x"}}));
  CHECK(manifest_of(files)["xdp"]["certificate"] == "proofs/np_xdp.json");
  CHECK(manifest_of(files)["files"]["proofs/np_xdp.json"] == sha256_hex("certificate x"));
  CHECK(files.at("proofs/np_xdp.json") == "certificate x");
}

TEST_CASE("what was changed is not read") {
  Directory home;
  const BundleFiles files = small_bundle();
  const auto refused = [&](const std::string& what) {
    const auto read = read_bundle(home.path);
    REQUIRE_FALSE(read);
    CHECK_MESSAGE(read.error().message.find(what) != std::string::npos, read.error().message);
  };
  refused("bundle.json: No such file");
  REQUIRE(write_bundle(home.path, files));
  home.put("programs/a.o", "object A");
  refused("programs/a.o: it was changed since it was compiled");
  fs::remove(home.path + "/programs/a.o");
  refused("programs/a.o: No such file");
  std::string text = files.at(kManifestPath);
  text.replace(text.find("programs/a.o"), 12, "programs/b.o");
  home.put(kManifestPath, text);
  refused("its digest is not that of its content");
  home.put(kManifestPath, "{");
  refused("not as netpolc writes it");
  home.put("programs/a.o", "object a");
  for (const char* path : {"../a.o", "/etc/hostname", "programs/../../a.o", "", "programs/", "./programs/a.o"}) {
    ManifestJson bundle = manifest_of(files);
    bundle["files"][path] = sha256_hex("object a");
    home.put(kManifestPath, seal(bundle).json);
    refused("is no path in the bundle");
  }
}

TEST_CASE("nothing is written outside of a bundle") {
  Directory home;
  for (const char* path : {"../x", "/tmp/netpolc-nowhere/x", "programs/../../x", ""}) {
    BundleFiles files = small_bundle();
    files[path] = "x";
    CHECK_FALSE(write_bundle(home.path + "/bundle", files));
  }
  BundleFiles files = small_bundle();
  ManifestJson bundle = manifest_of(files);
  bundle["programs"][0]["digest"] = "../../x";
  files[kManifestPath] = seal(bundle).json;
  REQUIRE(add_certificates(files, {{"../../x", "certificate a"}, {kB, "certificate b"}}));
  CHECK_FALSE(write_bundle(home.path + "/bundle", files));
  CHECK(fs::is_empty(home.path));
}

TEST_CASE("only a bundle is replaced") {
  Directory home;
  home.put("letter.txt", "dear");
  const auto written = write_bundle(home.path, small_bundle());
  REQUIRE_FALSE(written);
  CHECK(written.error().message.find("neither empty nor a bundle") != std::string::npos);
  CHECK(fs::exists(home.path + "/letter.txt"));
  CHECK(std::distance(fs::directory_iterator(home.path), {}) == 1);
}
