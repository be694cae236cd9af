#include "runtime-loader/certificate.h"

#include <doctest/doctest.h>

#include "ir/certificate.h"
#include "runtime-loader/test_bundle.h"

using namespace netpolc::loader;
using Json = nlohmann::ordered_json;

namespace {

// A bundle of which all is proved. Change `certificates`, then `write`.
struct ProvedBundle : TestBundle {
  std::map<char, Json> certificates;
  ProvedBundle() {
    const auto rows = [](const char* text) { return sha256_hex(text); };
    for (const char digit : {'a', 'b'}) {
      Json parts = Json::array();
      for (const char* name : netpolc::ir::kCertifiedParts) parts.push_back({{"part", name}, {"answer", "proved"}, {"solverSteps", 1}});
      certificates[digit] = {{"apiVersion", "netpolc.dev/v1"},
                             {"kind", "Certificate"},
                             {"program", std::string(64, digit)},
                             {"subject", "pod"},
                             {"bytecode", sha256_hex(std::string("object ") + digit)},
                             {"rows", {{"ingress", rows("words 1\n300 0x0000000000000003\n")}, {"egress", rows("words 1\n")}}},
                             {"selectors", {{"ingress", rows("")}, {"egress", rows("")}}},
                             {"proofs", {{{"table", std::string(64, '0')}, {"parts", parts}}}}};
    }
  }
  void write() {
    for (const auto& [digit, certificate] : certificates) {
      const std::string path = std::string("proofs/") + digit + ".json", text = certificate.dump(1) + "\n";
      directory.write(path, text);
      json["files"][path] = sha256_hex(text);
      json["programs"][digit - 'a']["certificate"] = path;
    }
    TestBundle::write();
  }
};

// "" if every program is proved.
std::string refusal(const TestBundle& made) {
  const auto bundle = read_bundle(made.directory.path());
  REQUIRE_MESSAGE(bundle, bundle.error().message);
  const Done done = check_certificates(*bundle, "DIR");
  if (done) return "";
  CHECK(done.error().kind == FailureKind::Input);
  return done.error().message;
}
std::string refusal(ProvedBundle& made) {
  made.write();
  return refusal(static_cast<const TestBundle&>(made));
}

constexpr const char* kProve = "; make the bundle with `netpolc compile --prove`";

}  // namespace

TEST_CASE("a bundle of which all is proved is taken") {
  ProvedBundle bundle;
  CHECK(refusal(bundle) == "");
  bundle.certificates['a']["proofs"][0]["parts"].push_back({{"part", "something new"}, {"answer", "proved"}});
  bundle.certificates['a']["new"] = {1, 2};
  CHECK(refusal(bundle) == "");
}

TEST_CASE("a program without a certificate is named, with who has it") {
  TestBundle none;
  none.write();
  CHECK(refusal(none) == "DIR/bundle.json: program " + std::string(64, 'a') + " of a/web has no certificate, so nobody says that it was proved" + kProve);
  ProvedBundle one;
  one.certificates.erase('b');
  CHECK(refusal(one) == "DIR/bundle.json: program " + std::string(64, 'b') + " of a/db has no certificate, so nobody says that it was proved" + kProve);
}

TEST_CASE("a certificate is of its own object, rows and program") {
  SUBCASE("another object with the right checksum in the bundle") {
    ProvedBundle bundle;
    bundle.directory.write("programs/b.o", "object B");
    bundle.json["files"]["programs/b.o"] = sha256_hex("object B");
    CHECK(refusal(bundle) == std::string("DIR/proofs/b.json: `bytecode`: is of another object than programs/b.o") + kProve);
  }
  SUBCASE("another peer") {
    ProvedBundle bundle;
    bundle.json["programs"][0]["peers"]["ingress"][0]["identity"] = 301;
    CHECK(refusal(bundle) == std::string("DIR/proofs/a.json: `rows.ingress`: is of another set of peers than those of bundle.json for ingress") + kProve);
  }
  SUBCASE("another selector for whoever comes later") {
    ProvedBundle bundle;
    bundle.json["selectors"] = Json::array({true});
    bundle.json["programs"][0]["selectors"] = {{"ingress", {0}}, {"egress", Json::array()}};
    CHECK(refusal(bundle) == std::string("DIR/proofs/a.json: `selectors.ingress`: is of another set of selectors than those of bundle.json for ingress") + kProve);
  }
  SUBCASE("one more bit") {
    ProvedBundle bundle;
    bundle.json["programs"][0]["peers"]["ingress"][0]["words"][0] = "0x0000000000000007";
    CHECK(refusal(bundle).starts_with("DIR/proofs/a.json: `rows.ingress`"));
  }
  SUBCASE("a peer of the other direction") {
    ProvedBundle bundle;
    bundle.json["programs"][1]["peers"]["egress"] = bundle.json["programs"][1]["peers"]["ingress"];
    CHECK(refusal(bundle).starts_with("DIR/proofs/b.json: `rows.egress`"));
  }
  SUBCASE("certificates changed about") {
    ProvedBundle bundle;
    std::swap(bundle.certificates['a'], bundle.certificates['b']);
    CHECK(refusal(bundle) == "DIR/proofs/a.json: `program`: is of another program than " + std::string(64, 'a') + kProve);
  }
  SUBCASE("a node's") {
    ProvedBundle bundle;
    bundle.certificates['b']["subject"] = "node";
    CHECK(refusal(bundle) == std::string("DIR/proofs/b.json: `subject`: is of another program than that of a pod") + kProve);
  }
  SUBCASE("a pod's, for a node") {
    ProvedBundle bundle;
    bundle.json["hosts"] = {{{"node", "one"}, {"program", std::string(64, 'b')}, {"rules", {{"ingress", Json::array()}, {"egress", Json::array()}}}}};
    CHECK(refusal(bundle) == std::string("DIR/proofs/b.json: `subject`: is of another program than that of a node") + kProve);
  }
}

TEST_CASE("each part must be proved") {
  for (const char* answer : {"undecided", "refuted", ""}) {
    ProvedBundle bundle;
    bundle.certificates['a']["proofs"][0]["parts"][3]["answer"] = answer;
    CHECK(refusal(bundle) == std::string("DIR/proofs/a.json: `proofs[0].parts[3]`: says that np_admit_in is ") + answer + kProve);
  }
  ProvedBundle twice;  // of two tables that give this program one is not proved
  twice.certificates['a']["proofs"].push_back(twice.certificates['a']["proofs"][0]);
  CHECK(refusal(twice) == "");
  twice.certificates['a']["proofs"][1]["parts"][6]["answer"] = "refuted";
  CHECK(refusal(twice).starts_with("DIR/proofs/a.json: `proofs[1].parts[6]`: says that rows is refuted"));
  for (std::size_t left_out = 0; left_out < netpolc::ir::kCertifiedParts.size(); ++left_out) {
    ProvedBundle bundle;
    bundle.certificates['b']["proofs"][0]["parts"].erase(left_out);
    CHECK(refusal(bundle) == std::string("DIR/proofs/b.json: `proofs[0].parts`: does not speak of ") + netpolc::ir::kCertifiedParts[left_out] + kProve);
  }
  ProvedBundle empty;
  empty.certificates['b']["proofs"] = Json::array();
  CHECK(refusal(empty) == std::string("DIR/proofs/b.json: `proofs`: has no proof") + kProve);
}

TEST_CASE("what is no certificate is refused in words") {
  ProvedBundle bundle;
  const Json right = bundle.certificates['a'];
  for (const char* field : {"apiVersion", "kind", "program", "subject", "bytecode", "rows", "selectors", "proofs"}) {
    bundle.certificates['a'] = right;
    bundle.certificates['a'].erase(field);
    CHECK(refusal(bundle) == std::string("DIR/proofs/a.json: lacks `") + field + "`" + kProve);
    bundle.certificates['a'][field] = 1;
    CHECK(refusal(bundle).starts_with(std::string("DIR/proofs/a.json: `") + field));
  }
  bundle.certificates['a'] = right;
  bundle.certificates['a']["kind"] = "Bundle";
  CHECK(refusal(bundle).find("expected Certificate") != std::string::npos);
  bundle.certificates['a'] = right;
  bundle.write();
  bundle.directory.write("proofs/a.json", "{");
  bundle.json["files"]["proofs/a.json"] = sha256_hex("{");
  bundle.TestBundle::write();
  CHECK(refusal(static_cast<const TestBundle&>(bundle)).starts_with("DIR/proofs/a.json: no JSON: at byte "));
}

TEST_CASE("a certificate is a file of the bundle like others") {
  ProvedBundle bundle;
  bundle.write();
  bundle.directory.write("proofs/a.json", "{}");
  const auto changed = read_bundle(bundle.directory.path());
  REQUIRE_FALSE(changed);
  CHECK(changed.error().message.find("proofs/a.json: was changed or damaged") != std::string::npos);
  bundle.write();
  bundle.json["files"].erase("proofs/a.json");
  bundle.TestBundle::write();
  const auto unlisted = read_bundle(bundle.directory.path());
  REQUIRE_FALSE(unlisted);
  CHECK(unlisted.error().message.find("`files` has no checksum of proofs/a.json") != std::string::npos);
}
