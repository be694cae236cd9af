#include "runtime-loader/bundle.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime-loader/test_bundle.h"

using namespace netpolc::loader;
namespace fs = std::filesystem;

namespace {

// The bundle is refused as input, and the message says `what`.
void refuses(const std::string& directory, const std::string& what) {
  const auto bundle = read_bundle(directory);
  REQUIRE_FALSE(bundle);
  CAPTURE(bundle.error().message);
  CHECK(bundle.error().kind == FailureKind::Input);
  CHECK(bundle.error().message.find(what) != std::string::npos);
}
void refuses(const TestBundle& bundle, const std::string& what) {
  bundle.write();
  refuses(bundle.directory.path(), what);
}

}  // namespace

TEST_CASE("a bundle is read in full") {
  TestBundle made;
  made.json["somethingNew"] = {1, 2};  // more fields are welcome
  made.write();
  const auto bundle = read_bundle(made.directory.path());
  REQUIRE_MESSAGE(bundle, bundle.error().message);
  CHECK(bundle->programs[0].bytes == "object a");
  CHECK(bundle->programs[0].tag == 0xaa);
  CHECK(bundle->programs[0].ingress.peers.at(300) == std::vector<std::uint64_t>{3});
  CHECK(bundle->endpoints[0].pods[1].addresses[1].to_string() == "fd00::2");
  CHECK(bundle->endpoints[0].ingress_rules[0]->line == 12);
  CHECK(bundle->endpoints[1].program == 1);
  CHECK(bundle->nodes[1].identity == 7);
  CHECK(bundle->addresses.at(*Prefix::parse("10.0.0.0/8")) == 16777217);
  CHECK(bundle->identities.at(300) == std::vector<std::string>{"k8s:app=db"});
  CHECK(bundle->world4 == 9);
}

TEST_CASE("the namespaces that policies speak of are what the bundle says, or those with an endpoint that is enforced") {
  TestBundle made;
  made.json["programs"][1]["enforcement"]["ingress"] = "none";
  made.json["endpoints"][2]["program"] = std::string(64, 'b');
  made.json["endpoints"][2]["rules"]["ingress"] = nlohmann::ordered_json::array();
  made.write();
  const auto old = read_bundle(made.directory.path());
  REQUIRE_MESSAGE(old, old.error().message);
  CHECK(old->policing.covers("a"));
  CHECK_FALSE(old->policing.covers("b"));
  made.json["policed"] = {{"namespaces", {"c", "b"}}, {"everywhere", false}};
  made.write();
  const auto some = read_bundle(made.directory.path());
  REQUIRE_MESSAGE(some, some.error().message);
  CHECK(some->policing.covers("b"));
  CHECK_FALSE(some->policing.covers("a"));
  made.json["policed"] = {{"namespaces", {"d"}}, {"everywhere", true}, {"except", {"d", "kube-system"}}};
  made.write();
  const auto all = read_bundle(made.directory.path());
  REQUIRE_MESSAGE(all, all.error().message);
  CHECK(all->policing.covers("a"));
  CHECK(all->policing.covers("d"));  // by a policy of its own
  CHECK_FALSE(all->policing.covers("kube-system"));
  made.json["policed"] = {{"namespaces", "d"}};
  refuses(made, "`policed.namespaces`: expected an array");
}

TEST_CASE("a changed, missing or unlisted file is named") {
  TestBundle bundle;
  bundle.write();
  bundle.directory.write("programs/b.o", "object B");
  refuses(bundle.directory.path(), "programs/b.o: was changed or damaged");
  fs::remove(bundle.directory.path() + "/programs/b.o");
  refuses(bundle.directory.path(), "programs/b.o: No such file or directory (listed in bundle.json)");
  bundle.directory.write("programs/b.o", "object b");
  REQUIRE(read_bundle(bundle.directory.path()));
  bundle.json["files"].erase("programs/b.o");
  refuses(bundle, "`files` has no checksum of programs/b.o");
}

TEST_CASE("bundle.json itself is checked") {
  TestBundle bundle;
  refuses(bundle.directory.path(), "`netpolc compile` wrote");  // there is none yet
  auto text = bundle.text();
  text.replace(text.find("\"identity\": 301"), 15, "\"identity\": 300");
  bundle.directory.write("bundle.json", text);
  refuses(bundle.directory.path(), "its digest is not that of its content");
  bundle.directory.write("bundle.json", bundle.text().substr(0, 900));
  refuses(bundle.directory.path(), "no JSON");
  bundle.directory.write("bundle.json", "[]");
  refuses(bundle.directory.path(), "expected an object");
  bundle.json["apiVersion"] = "netpolc.dev/v9";
  refuses(bundle, "this loader reads netpolc.dev/v1");
}

TEST_CASE("no path leads out of the bundle") {
  TestDirectory outside;
  outside.write("secret", "object a");
  for (const std::string& path : {std::string("../") + fs::path(outside.path()).filename().string() + "/secret",
                                  outside.path() + "/secret", std::string("programs/../../x")}) {
    TestBundle bundle;
    bundle.json["files"][path] = sha256_hex("object a");
    bundle.json["programs"][0]["object"] = path;
    CAPTURE(path);
    bundle.write();
    const auto read = read_bundle(bundle.directory.path());
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == FailureKind::Input);
  }
  TestBundle linked;
  linked.write();
  fs::remove(linked.directory.path() + "/programs/a.o");
  fs::create_symlink(outside.path() + "/secret", linked.directory.path() + "/programs/a.o");
  refuses(linked.directory.path(), "leads out of the bundle, or is a symbolic link");
  fs::remove(linked.directory.path() + "/programs/a.o");
  REQUIRE(mkfifo((linked.directory.path() + "/programs/a.o").c_str(), 0600) == 0);
  refuses(linked.directory.path(), "no regular file");  // and it doesn't wait for a writer
}

TEST_CASE("a field of the wrong shape is named by its path") {
  struct Row {
    const char* pointer;
    nlohmann::ordered_json value;
    const char* said;
  };
  const Row rows[] = {
      {"/endpoints/1/identity", -1, "`endpoints[1].identity`: expected a whole number"},
      {"/endpoints/1/identity", 4294967296, "`endpoints[1].identity`"},
      {"/endpoints/0/program", std::string(64, 'c'), "`endpoints[0].program`: is no digest of `programs`"},
      {"/endpoints/0/pods/0/ipv4/0", "10.0.0.256", "`endpoints[0].pods[0].ipv4[0]`: `10.0.0.256` is no address"},
      {"/endpoints/0/rules/ingress", nlohmann::ordered_json::array(), "has 0 rules where the endpoint's program has 1"},
      {"/programs/0/digest", "../../etc", "expected a SHA-256"},
      {"/programs/0/tag", "170", "expected a number like 0x"},
      {"/programs/0/words/ingress", 2, "has 1 words where the program has 2"},
      {"/programs/1/digest", std::string(64, 'a'), "is a second program of its digest"},
      {"/addresses/0/prefix", "10.0.0.0/33", "is no prefix"},
      {"/addresses/1/prefix", "10.0.0.1/32", "`addresses[1]`: is a second entry for its prefix"},
      {"/identities/1/id", 300, "`identities[1]`: is a second entry for its identity"},
      {"/config", nlohmann::ordered_json::object(), "`config`: lacks `world4`"},
      {"/files/programs~1a.o", 5, "expected a string"},
  };
  for (const Row& row : rows) {
    TestBundle bundle;
    bundle.json[nlohmann::ordered_json::json_pointer(row.pointer)] = row.value;
    CAPTURE(row.pointer);
    refuses(bundle, row.said);
  }
}

TEST_CASE("files that nobody listed") {
  for (const char* path : {"extra", "programs/extra.o", "other/deep/extra", ".hidden", "bundle.json.minisig2"}) {
    CAPTURE(path);
    TestBundle bundle;
    bundle.directory.write(path, "x");
    refuses(bundle, "bundle.json doesn't list it");
  }
  TestBundle bundle;
  fs::create_directory(bundle.directory.path() + "/empty");
  refuses(bundle, "/empty: is in the bundle's directory, but bundle.json doesn't list it");
  fs::remove(bundle.directory.path() + "/empty");
  bundle.directory.write("bundle.json.minisig", "whatever: trust.h reads it");
  bundle.write();
  CHECK(read_bundle(bundle.directory.path()));
  fs::create_symlink("/", bundle.directory.path() + "/link");
  refuses(bundle.directory.path(), "/link: is in the bundle's directory");
}

TEST_CASE("paths that are none") {
  for (const std::string& path : {std::string(), std::string("/etc/passwd"), std::string("a//b"), std::string("./a"), std::string("a/.."), std::string("a/"), std::string(256, 'x'), std::string("a/a/a/a/a/a/a/a/a"),
                                  std::string("a\\b"), std::string("a\nb"), std::string("\x1b[2J"), std::string("bundle.json"), std::string("bundle.json.minisig")}) {
    CAPTURE(path);
    TestBundle bundle;
    bundle.json["files"][path] = sha256_hex("x");
    refuses(bundle, "which is no path in a bundle");
  }
  TestBundle bundle;
  bundle.json["files"][std::string("a\0b", 3)] = sha256_hex("x");
  refuses(bundle, "has a string with a zero byte");
}

TEST_CASE("more than any bundle has") {
  TestBundle bundle;
  bundle.json["programs"][0]["outside"] = {{{"identities", {{0, 4294967295u}}}, {"denied", nlohmann::ordered_json::array()}, {"egressDenied", false}}};
  refuses(bundle, "makes more than 16777216 identities");
  TestBundle deep;
  nlohmann::ordered_json selector = true;
  for (int i = 0; i < 100; ++i) selector = {{"all", {selector}}};
  deep.json["selectors"] = {selector};
  refuses(deep, "is nested deeper than 64");
  TestBundle large;
  large.write();
  fs::resize_file(large.directory.path() + "/programs/a.o", (64u << 20) + 1);
  refuses(large.directory.path(), "programs/a.o: larger than 67108864 bytes");
  TestBundle twice;
  auto text = twice.text();
  text.replace(text.find("\"kind\": \"Bundle\""), 16, "\"kind\": \"Bundle\", \"kind\": \"Bundle\"");
  twice.directory.write("bundle.json", text);
  refuses(twice.directory.path(), "has `kind` twice in one object");
}

TEST_CASE("a file is read when it is needed, and checked again") {
  TestBundle made;
  made.write();
  const auto bundle = read_bundle(made.directory.path(), Contents::Left);
  REQUIRE(bundle);
  CHECK(bundle->programs[0].bytes.empty());
  CHECK(*read_checked(made.directory.path(), *bundle, bundle->programs[0].object) == "object a");
  made.directory.write("programs/a.o", "object A");
  CHECK_FALSE(read_checked(made.directory.path(), *bundle, "programs/a.o"));
  CHECK_FALSE(read_checked(made.directory.path(), *bundle, "programs/c.o"));
}

TEST_CASE("endpoints are found by pod or workload") {
  TestBundle made;
  made.write();
  const auto bundle = read_bundle(made.directory.path());
  REQUIRE(bundle);
  CHECK(find_endpoint(*bundle, "a/web") == 0u);
  CHECK(find_endpoint(*bundle, "a/web-2") == 0u);
  CHECK(find_endpoint(*bundle, "b/web") == 2u);
  CHECK_FALSE(find_endpoint(*bundle, "a/web-3"));
  CHECK_FALSE(find_endpoint(*bundle, "web"));
  Bundle twice = *bundle;
  twice.endpoints[1].name = "web";
  const auto found = find_endpoint(twice, "a/web");
  REQUIRE_FALSE(found);
  CHECK(found.error().message.find("a Deployment, Pod of that name") != std::string::npos);
  CHECK(find_endpoint(twice, "a/db") == 1u);  // the pod's name still tells
}
