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

namespace {

// With a program for external devices, which drops what program b denies.
struct OutsideBundle : ProvedBundle {
  Json outside;
  bool certified = true;
  OutsideBundle() {
    directory.write("programs/np_xdp.o", "object x");
    json["files"]["programs/np_xdp.o"] = sha256_hex("object x");
    json["xdp"] = {{"object", "programs/np_xdp.o"}, {"services", true}, {"behindServices", {"203.0.113.9", "2001:db8::1"}}};
    json["programs"][1]["outside"] = {{{"identities", {{9, 10}}}, {"denied", {{"TCP", 80, 81, "rule"}, {"ICMP", 0, 65535, "default"}}}, {"egressDenied", true}}};
    Json parts = Json::array();
    for (const char* name : netpolc::ir::kCertifiedOutsideParts) parts.push_back({{"part", name}, {"answer", "proved"}});
    const std::string denied = "services 1\nbehind 20010db8000000000000000000000001\nbehind cb007109\nprogram " + std::string(64, 'b') +
                               "\nidentities 9 10\negress denied\ndenied " + std::to_string(static_cast<int>(netpolc::ir::Protocol::Tcp)) + " 80 81 rule\ndenied " +
                               std::to_string(static_cast<int>(netpolc::ir::Protocol::Icmp)) + " 0 65535 default\n";
    outside = {{"apiVersion", "netpolc.dev/v1"}, {"kind", "Certificate"}, {"program", "np_xdp"}, {"subject", "external device"}, {"bytecode", sha256_hex("object x")},
               {"denied", sha256_hex(denied)}, {"proofs", {{{"parts", parts}}}}};
  }
  std::string refused() {
    if (certified) {
      const std::string text = outside.dump(1) + "\n";
      directory.write("proofs/np_xdp.json", text);
      json["files"]["proofs/np_xdp.json"] = sha256_hex(text);
      json["xdp"]["certificate"] = "proofs/np_xdp.json";
    }
    write();
    const auto bundle = read_bundle(directory.path());
    REQUIRE_MESSAGE(bundle, bundle.error().message);
    REQUIRE(check_certificates(*bundle, "DIR"));
    const Done done = check_outside_certificate(*bundle, "DIR");
    return done ? "" : done.error().message;
  }
};

}  // namespace

TEST_CASE("the program for external devices has a certificate of its own object and of all that may be dropped there") {
  OutsideBundle right;
  CHECK(right.refused() == "");
  const auto wrong = [](const auto& change) {
    OutsideBundle bundle;
    change(bundle);
    return bundle.refused();
  };
  const auto field = [&](const char* name) { return wrong([&](OutsideBundle& bundle) { bundle.outside[name] = std::string(64, '0'); }); };
  const std::string tail(kProve);
  CHECK(wrong([](OutsideBundle& bundle) { bundle.certified = false; }) == "DIR/bundle.json: the program for external devices has no certificate, so nobody says that it was proved" + tail);
  CHECK(field("bytecode") == "DIR/proofs/np_xdp.json: `bytecode`: is of another object than programs/np_xdp.o" + tail);
  CHECK(field("program") == "DIR/proofs/np_xdp.json: `program`: is of another program than np_xdp" + tail);
  CHECK(field("subject") == "DIR/proofs/np_xdp.json: `subject`: is of another program than that of an external device" + tail);
  const std::string denied = "DIR/proofs/np_xdp.json: `denied`: is of another set of what programs deny from outside than bundle.json's" + tail;
  CHECK(field("denied") == denied);
  CHECK(wrong([](OutsideBundle& bundle) { bundle.json["xdp"]["services"] = false; }) == denied);
  CHECK(wrong([](OutsideBundle& bundle) { bundle.json["xdp"]["behindServices"].erase(1); }) == denied);
  CHECK(wrong([](OutsideBundle& bundle) { bundle.json["programs"][0]["outside"] = bundle.json["programs"][1]["outside"]; }) == denied);
  CHECK(wrong([](OutsideBundle& bundle) { bundle.json["programs"][1]["outside"][0]["identities"][0][1] = 11; }) == denied);
  CHECK(wrong([](OutsideBundle& bundle) { bundle.json["programs"][1]["outside"][0]["denied"][0][2] = 82; }) == denied);
  CHECK(wrong([](OutsideBundle& bundle) { bundle.json["programs"][1]["outside"][0]["denied"][0][3] = "default"; }) == denied);
  CHECK(wrong([](OutsideBundle& bundle) { bundle.json["programs"][1]["outside"][0]["egressDenied"] = false; }) == denied);
  CHECK(wrong([](OutsideBundle& bundle) { bundle.outside["proofs"][0]["parts"].erase(1); }) == "DIR/proofs/np_xdp.json: `proofs[0].parts`: does not speak of denied" + tail);
  CHECK(wrong([](OutsideBundle& bundle) { bundle.outside["proofs"][0]["parts"][0]["answer"] = "undecided"; }) ==
        "DIR/proofs/np_xdp.json: `proofs[0].parts[0]`: says that shared functions is undecided" + tail);
}

TEST_CASE("a bundle without a program for external devices needs no certificate for it") {
  ProvedBundle bundle;
  bundle.write();
  const auto read = read_bundle(bundle.directory.path());
  REQUIRE(read);
  CHECK(check_outside_certificate(*read, "DIR"));
}
