// The own node where policies may name nodes by prefix: whose labels identity 1 has, and which selectors hold for it.
#include <doctest/doctest.h>

#include "runtime-loader/plan.h"
#include "runtime-loader/test_bundle.h"

using namespace netpolc::loader;
namespace ir = netpolc::ir;

namespace {

using Json = nlohmann::ordered_json;

Json inside(const char* prefix) { return Json{{"inside", prefix}}; }
Json labelled(const char* source, const char* key) { return Json{{"labels", Json::array({Json::array({source, key, "exists"})})}}; }

constexpr std::uint64_t kSomebody = 1, kSecond = 2, kBlock = 4, kBlockWithout = 8, kPartners = 16, kName = 32, kHost = 64, kSix = 256, kWithoutFirst = 512;

// Node `one` has 192.168.0.1 and 203.0.113.7, `two` 192.168.0.2, `bare` none.
Bundle made(bool matches = true) {
  TestBundle bundle;
  bundle.json["config"]["ciliumVersion"] = 18;
  bundle.json["config"]["cidrMatchesNodes"] = matches;
  const auto without = [](const char* prefix) { return Json{{"all", Json::array({inside("203.0.113.0/24"), Json{{"none", Json::array({inside(prefix)})}}})}}; };
  bundle.json["selectors"] = Json::array({true, inside("203.0.113.7/32"), inside("203.0.113.0/24"), without("203.0.113.7/32"), labelled("cidrgroup", "io.cilium.policy.cidrgroupname/partners"),
                                          Json{{"name", "node.example.com"}}, labelled("reserved", "host"), labelled("reserved", "world-ipv4"), inside("2001:db8::/32"), without("192.168.0.1/32")});
  for (const char* direction : {"ingress", "egress"}) bundle.json["programs"][0]["selectors"][direction] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  bundle.json["programs"][1]["selectors"] = {{"ingress", Json::array({0})}, {"egress", Json::array({0})}};
  bundle.json["nodes"] = {{{"name", "one"}, {"addresses", {"192.168.0.1", "203.0.113.7"}}, {"identity", 33554433}},
                          {{"name", "two"}, {"addresses", {"192.168.0.2"}}, {"identity", 6}},
                          {{"name", "bare"}, {"addresses", Json::array()}, {"identity", 6}}};
  bundle.json["identities"] = {{{"id", 1}, {"labels", {"reserved:host"}}},
                               {{"id", 6}, {"labels", {"reserved:remote-node"}}},
                               {{"id", 9}, {"labels", {"reserved:world-ipv4"}}},
                               {{"id", 10}, {"labels", {"reserved:world-ipv6"}}},
                               {{"id", 16777217}, {"labels", {"cidrgroup:io.cilium.policy.cidrgroupname/partners", "cidrgroup:kind=outer", "reserved:world-ipv4"}}},
                               {{"id", 33554433}, {"labels", {"cidr:192.168.0.1/32", "reserved:remote-node"}}},
                               {{"id", 33554434}, {"labels", {"cidr:203.0.113.7/32", "cidrgroup:kind=inner", "fqdn:node.example.com", "reserved:remote-node"}}}};
  bundle.json["addresses"] = {{{"prefix", "192.168.0.1/32"}, {"identity", 33554433}},
                              {{"prefix", "192.168.0.2/32"}, {"identity", 6}},
                              {{"prefix", "198.51.100.0/24"}, {"identity", 16777217}},
                              {{"prefix", "203.0.113.7/32"}, {"identity", 33554434}}};
  bundle.write();
  auto read = read_bundle(bundle.directory.path());
  REQUIRE_MESSAGE(read, read.error().message);
  return std::move(*read);
}

Prefix prefix(const char* text) { return *Prefix::parse(text); }

struct Planned {
  Bundle bundle;
  AddressPlan plan;
  Planned(Bundle from, const ThisNode& node, const std::map<Prefix, AddressOverride>& said = {}) : bundle(std::move(from)) {
    auto result = addresses(bundle, node, {}, said);
    REQUIRE_MESSAGE(result, result.error().message);
    plan = std::move(*result);
    REQUIRE(add_peers(bundle, {0, 1}, plan.peers()));
  }
  std::uint64_t bits() const {
    const auto& peers = bundle.programs[0].egress.peers;
    const auto found = peers.find(1);
    return found == peers.end() ? kSomebody : found->second[0] | kSomebody;
  }
  bool has(const char* text) const {
    return std::find(plan.host->labels.begin(), plan.host->labels.end(), *parse_label(text)) != plan.host->labels.end();
  }
};

AddressOverride number(std::uint32_t identity) {
  AddressOverride out;
  out.identity = identity;
  return out;
}

}  // namespace

TEST_CASE("the own node has the labels of all its addresses, and nobody else's") {
  const Planned one(made(), {"one"});
  // `partners` is of other addresses; what is excepted by one address is excepted for the node, whichever address is meant
  CHECK(one.bits() == (kSomebody | kSecond | kBlock | kName | kHost));
  CHECK(one.has("cidr:192.168.0.1/32"));
  CHECK(one.has("cidrgroup:kind=inner"));
  CHECK_FALSE(one.has("reserved:remote-node"));
  CHECK(one.plan.addresses.at(prefix("192.168.0.1")) == 1);
  CHECK(one.plan.addresses.at(prefix("203.0.113.7")) == 1);
  CHECK_FALSE(one.plan.learned.contains(1));
  CHECK(Planned(made(), {"two"}).bits() == (kSomebody | kHost));
}

TEST_CASE("a node without addresses is the host alone") {
  for (const char* name : {"bare", ""}) {
    CAPTURE(name);
    CHECK(Planned(made(), {name}).bits() == (kSomebody | kHost));
  }
}

TEST_CASE("where policies may not name nodes by prefix the own node is as the bundle says") {
  const Planned one(made(false), {"one"});
  CHECK_FALSE(one.plan.host);
  CHECK(one.bits() == kSomebody);  // the bundle's peers say no more
}

TEST_CASE("a node that serves the API is called so where it is the own one") {
  Bundle bundle = made(false);
  bundle.nodes[0].host = {"reserved:host", "reserved:kube-apiserver"};
  const Planned one(bundle, {"one"}), two(bundle, {"two"});
  CHECK(one.has("reserved:kube-apiserver"));
  CHECK_FALSE(one.has("cidr:192.168.0.1/32"));
  CHECK(one.bits() == (kSomebody | kHost));
  CHECK_FALSE(two.plan.host);
  bundle = made();
  bundle.nodes[0].host = {"reserved:host", "reserved:kube-apiserver"};
  const Planned both(bundle, {"one"});
  CHECK(both.has("reserved:kube-apiserver"));
  CHECK(both.has("cidr:192.168.0.1/32"));
}

TEST_CASE("addresses that only the node knows count, with the prefixes around them") {
  const Planned two(made(), {"two", {*Address::parse("198.51.100.7"), *Address::parse("203.0.113.9"), *Address::parse("2001:db8::7")}});
  CHECK(two.bits() == (kSomebody | kBlock | kBlockWithout | kPartners | kHost | kSix | kWithoutFirst));
  CHECK(two.has("cidr:198.51.100.7/32"));
  CHECK(two.has("cidrgroup:kind=outer"));
  CHECK_FALSE(two.has("reserved:world-ipv4"));
}

TEST_CASE("what is said of addresses at run time changes the own node") {
  CHECK(Planned(made(), {"two"}, {{prefix("203.0.113.7"), number(1)}}).bits() == (kSomebody | kSecond | kBlock | kName | kHost | kWithoutFirst));
  CHECK(Planned(made(), {"one"}, {{prefix("203.0.113.7"), number(6)}}).bits() == (kSomebody | kHost));
  CHECK(Planned(made(), {"one"}, {{prefix("203.0.113.7"), {}}}).bits() == (kSomebody | kHost));
  AddressOverride group;
  group.external = ExternalFacts{{}, {*parse_label("cidrgroup:io.cilium.policy.cidrgroupname/partners"), *parse_label("cidrgroup:kind=outer")}, false};
  const Planned around(made(), {"one"}, {{prefix("203.0.113.0/28"), group}});
  CHECK(around.bits() == (kSomebody | kSecond | kBlock | kPartners | kName | kHost));
  CHECK_FALSE(around.has("cidrgroup:kind=outer"));  // before 1.20 a key has the narrowest prefix's value
  Bundle newer = made();
  newer.cilium_version = 20;
  CHECK(Planned(std::move(newer), {"one"}, {{prefix("203.0.113.0/28"), group}}).has("cidrgroup:kind=outer"));
}

TEST_CASE("a bundle from which the own node can't be worked out is refused") {
  Bundle nameless = made();
  nameless.identities.erase(1);
  const auto plan = addresses(nameless, {"one"}, {}, {});
  REQUIRE_FALSE(plan);
  CHECK(plan.error().kind == FailureKind::Input);
  CHECK(plan.error().message.find("does not say what identity 1 is") != std::string::npos);
  Bundle without = made();
  for (BundleProgram& program : without.programs) program.ingress.selectors.clear();
  const auto known = addresses(without, {"one"}, {}, {});
  REQUIRE(known);
  const Done done = add_peers(without, {0, 1}, known->peers());
  REQUIRE_FALSE(done);
  CHECK(done.error().message.find("does not say who its peers are") != std::string::npos);
}
