#include "runtime-loader/daemon/directory.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "runtime-loader/test_bundle.h"

using namespace netpolc::loader;
using namespace netpolc::loader::daemon;
namespace fs = std::filesystem;

namespace {

std::string digest_of(const TestBundle& bundle) { return nlohmann::json::parse(bundle.text())["digest"]; }

}  // namespace

TEST_CASE("the only bundle is wanted, or the one that `current` says") {
  const TestDirectory dir;
  TestBundle one;
  one.write();
  CHECK(look_at_directory(dir.path()).bundle.digest.empty());
  CHECK(look_at_directory(dir.path()).bundle.problem.empty());
  fs::create_directory(dir.path() + "/no-bundle");
  fs::copy(one.directory.path(), dir.path() + "/one", fs::copy_options::recursive);
  const auto seen = look_at_directory(dir.path());
  CHECK(seen.bundle.problem.empty());
  CHECK(seen.bundle.digest == digest_of(one));
  CHECK(seen.bundle.path == dir.path() + "/one");
  CHECK(std::find(seen.folders.begin(), seen.folders.end(), dir.path() + "/one/programs") != seen.folders.end());
  fs::copy(one.directory.path(), dir.path() + "/two", fs::copy_options::recursive);
  CHECK(look_at_directory(dir.path()).bundle.problem == dir.path() + " holds several bundles (one, two) and no `current` that says which one is wanted");
  fs::create_directory_symlink("two", dir.path() + "/current");
  CHECK(look_at_directory(dir.path()).bundle.path == dir.path() + "/two");
  fs::remove_all(dir.path() + "/two");
  CHECK(look_at_directory(dir.path()).bundle.problem.starts_with(dir.path() + "/current leads nowhere"));
  fs::remove(dir.path() + "/current");
  dir.write("current", "a file");
  CHECK(look_at_directory(dir.path()).bundle.problem == dir.path() + "/current is no directory");
  CHECK(look_at_directory(dir.path() + "/none").bundle.problem.starts_with(dir.path() + "/none: "));
}

TEST_CASE("a copy that isn't complete is no bundle, and changes when it goes on") {
  TestBundle made;
  made.write();
  const TestDirectory dir;
  fs::copy(made.directory.path(), dir.path() + "/b", fs::copy_options::recursive);
  const auto whole = look_at_directory(dir.path()).bundle;
  CHECK(look_at_directory(dir.path()).bundle.content == whole.content);
  fs::remove(dir.path() + "/b/programs/b.o");
  const auto lacking = look_at_directory(dir.path()).bundle;
  CHECK(lacking.problem == dir.path() + "/b: 1 of 2 files that bundle.json lists are not there");
  CHECK(lacking.content != whole.content);
  const std::string text = made.text();
  for (const std::size_t length : {std::size_t{0}, text.size() / 2, text.size() - 3}) {
    dir.write("b/bundle.json", text.substr(0, length));
    CHECK(look_at_directory(dir.path()).bundle.problem == dir.path() + "/b/bundle.json is not complete");
  }
}

TEST_CASE("nothing outside a bundle is looked for, whatever its manifest lists") {
  const TestDirectory dir;
  const std::string digest(64, 'a');
  for (const char* path : {"../none", "/none", "a/../../none"}) {
    dir.write("b/bundle.json", nlohmann::json{{"digest", digest}, {"files", {{path, digest}}}}.dump());
    CHECK(look_at_directory(dir.path()).bundle.digest == digest);  // the load refuses it, and says so
  }
  dir.write("b/bundle.json", nlohmann::json{{"digest", digest}, {"files", {{"none", digest}}}}.dump());
  CHECK(look_at_directory(dir.path()).bundle.problem == dir.path() + "/b: 1 of 1 files that bundle.json lists are not there");
}

TEST_CASE("what is wrong in the list is named with its place") {
  const auto list = parse_endpoint_list("{\"endpoint\":\"a/web\",\"ifname\":\"lxc1\",\"labels\":[\"k8s:app=web\"]}\n\n{\"endpoint\":\"a/db\",\"ifname\":\"lxc1\",\"netns\":\"x\",\"ipv4\":\"10.0.0.1\"}", "l");
  REQUIRE_MESSAGE(list, list.error().message);
  REQUIRE(list->size() == 2);
  CHECK(list->at(0).origin == "list");
  CHECK(list->at(0).labels == std::vector<std::string>{"k8s:app=web"});
  CHECK(list->at(1).addresses.size() == 1);
  const std::string deep = std::string(1'000'000, '[');
  const std::map<std::string, std::string> wrong = {
      {"{\"endpoint\":\"a/web\",\"ifname\":\"lxc1\",\"x\":" + deep + std::string(deep.size(), ']') + "}", "l:1:1: expected an object of strings, and lists of them"},
      {"{\"endpoint\":\"a/web\",\"ifname\":\"lxc1\"}\n{\"endpoint\": 7, \"ifname\":\"lxc2\"}", "l:2:2: `endpoint`: expected a string"},
      {"{\"endpoint\":\"a/web\",\"ifname\":\"lxc1\"", "l:1:36: no JSON"},
      {"{\"endpoint\":\"a/web\",\"ifname\":\"lxc1\",\"x\":\"y\"}", "l:1:37: unknown field `x`"},
      {"{\"endpoint\":\"web\",\"ifname\":\"lxc1\"}", "l:1:2: endpoint `web`: expected `namespace/name`"},
      {"{\"endpoint\":\"a/web\",\"ifname\":\"a/b\"}", "l:1:21: `a/b` is no name of an interface"},
      {"{\"endpoint\":\"a/web\",\"ifname\":\"lxc1\",\"ipv4\":\"fd00::1\"}", "l:1:37: `ipv4`: `fd00::1` is no such address"},
      {"[]", "l:1:1: expected a JSON object"},
      {"{\"endpoint\":\"a/web\",\"ifname\":\"lxc1\",\"labels\":[1]}", "l:1:37: `labels`: expected a list of strings"},
      {"{\"endpoint\":\"a/web\",\"ifname\":\"lxc1\"}\n\n{\"endpoint\":\"a/db\",\"ifname\":\"lxc1\"}", "l:3:1: line 1 speaks of interface `lxc1` already"}};
  for (const auto& [text, message] : wrong) {
    CAPTURE(text);
    const auto read = parse_endpoint_list(text, "l");
    REQUIRE_FALSE(read);
    CHECK(read.error().message == message);
  }
}
