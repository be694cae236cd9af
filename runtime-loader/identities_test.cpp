#include "runtime-loader/identities.h"

#include <doctest/doctest.h>

#include "runtime-loader/plan.h"
#include "runtime-loader/test_bundle.h"

using namespace netpolc::loader;
namespace ir = netpolc::ir;

namespace {

using Json = nlohmann::ordered_json;

// web lets app=db in, and partners outside but for 10.1.0.0/16, and may reach what pay.example.com is.
Bundle made(int version = 18) {
  TestBundle bundle;
  bundle.json["config"]["ciliumVersion"] = version;
  bundle.json["selectors"] =
       Json::array({true, Json{{"labels", Json::array({Json::array({"k8s", "app", "in", "db"})})}},
                    Json{{"all", Json::array({Json{{"labels", Json::array({Json::array({"cidrgroup", "io.cilium.policy.cidrgroupname/partners", "exists"})})}},
                                              Json{{"none", Json::array({Json{{"inside", "10.1.0.0/16"}}})}}})}}, Json{{"name", "pay.example.com"}},
                    Json{{"pattern", "*.cdn.example.net"}}});
  bundle.json["programs"][0]["selectors"] = {{"ingress", {0, 1, 2}}, {"egress", {0, 3, 4}}};
  bundle.json["programs"][1]["selectors"] = {{"ingress", Json::array({0})}, {"egress", Json::array({0})}};
  bundle.json["identities"] = {{{"id", 1}, {"labels", {"reserved:host"}}},
                               {{"id", 6}, {"labels", {"reserved:remote-node"}}},
                               {{"id", 9}, {"labels", {"reserved:world-ipv4"}}},
                               {{"id", 10}, {"labels", {"reserved:world-ipv6"}}},
                               {{"id", 300}, {"labels", {"k8s:app=db", "k8s:io.cilium.k8s.policy.cluster=default", "k8s:io.kubernetes.pod.namespace=a"}}},
                               {{"id", 301}, {"labels", {"k8s:app=web", "k8s:io.cilium.k8s.policy.cluster=default", "k8s:io.kubernetes.pod.namespace=a"}}},
                               {{"id", 16777217}, {"labels", {"cidr:10.0.0.0/8", "reserved:world-ipv4"}}},
                               {{"id", 16777218}, {"labels", {"cidr:10.1.0.0/16", "reserved:world-ipv4"}}}};
  bundle.json["addresses"].push_back({{"prefix", "10.1.0.0/16"}, {"identity", 16777218}});
  bundle.write();
  const auto read = read_bundle(bundle.directory.path());
  REQUIRE_MESSAGE(read, read.error().message);
  return *read;
}

Prefix prefix(const char* text) { return *Prefix::parse(text); }

IdentityKey key(std::initializer_list<const char*> labels) {
  IdentityKey out;
  for (const char* text : labels) out.labels.push_back(*parse_label(text));
  ir::normalise(out.labels);
  return out;
}
AddressOverride of(IdentityKey key) {
  AddressOverride out;
  out.key = std::move(key);
  return out;
}
AddressOverride outside(std::set<std::string> names, std::initializer_list<const char*> groups = {}, bool certain = false) {
  AddressOverride out;
  out.external = ExternalFacts{std::move(names), {}, certain};
  for (const char* group : groups) out.external->groups.push_back(*parse_label(group));
  return out;
}

const char* const kPartners = "cidrgroup:io.cilium.policy.cidrgroupname/partners";

struct Planned {
  Bundle bundle;
  AddressPlan plan;
  explicit Planned(const std::map<Prefix, AddressOverride>& said, Bundle from = made(), const LearnedIdentities& learned = {}) : bundle(std::move(from)) {
    auto result = addresses(bundle, {}, {}, said, learned);
    REQUIRE_MESSAGE(result, result.error().message);
    plan = std::move(*result);
    REQUIRE(add_peers(bundle, {0, 1}, plan.used()));
  }
  std::uint32_t at(const char* text) const { return plan.addresses.at(prefix(text)); }
  std::uint64_t in(const char* text) const { return bits(bundle.programs[0].ingress, at(text)); }
  std::uint64_t out(const char* text) const { return bits(bundle.programs[0].egress, at(text)); }
  static std::uint64_t bits(const BundleDirection& direction, std::uint32_t identity) {
    const auto found = direction.peers.find(identity);
    return found == direction.peers.end() ? 1 : found->second[0];
  }
};

}  // namespace

TEST_CASE("labels are source:key=value") {
  CHECK(parse_label("k8s:app=web") == ir::Label{"k8s", "app", "web"});
  CHECK(parse_label("k8s:app=") == ir::Label{"k8s", "app", ""});
  CHECK(parse_label("reserved:host") == ir::Label{"reserved", "host", ""});
  for (const char* text : {"", "app=web", ":app=web", "k8s:", "k8s:=web", "any:app=web", "k8s:app=w b"}) {
    CAPTURE(text);
    REQUIRE_FALSE(parse_label(text));
    CHECK(parse_label(text).error().kind == FailureKind::Input);
  }
  CHECK(parse_named_port("HTTP=8080/TCP") == ir::NamedPort{"http", 8080, ir::Protocol::Tcp});
  for (const char* text : {"http", "http=0/TCP", "http=80", "http=80/ICMP", "=80/TCP", "http=70000/UDP", "http=x/UDP"}) CHECK_FALSE(parse_named_port(text));
}

TEST_CASE("what makes no label set of a pod or node is refused by name") {
  const Bundle bundle = made();
  const auto says = [&](IdentityKey given, const char* text) {
    const auto checked = checked_key(bundle, std::move(given));
    REQUIRE_FALSE(checked);
    CAPTURE(checked.error().message);
    CHECK(checked.error().kind == FailureKind::Input);
    CHECK(checked.error().message.find(text) != std::string::npos);
  };
  CHECK(checked_key(bundle, key({"k8s:app=x", "k8s:io.cilium.k8s.policy.cluster=default", "k8s:io.kubernetes.pod.namespace=a"})));
  CHECK(checked_key(bundle, key({"reserved:remote-node", "reserved:kube-apiserver"})));
  CHECK(checked_key(bundle, key({"reserved:host"})));
  // the pods of this bundle have no service account label
  says(key({"k8s:app=x"}), "lack k8s:io.cilium.k8s.policy.cluster, k8s:io.kubernetes.pod.namespace, which every pod");
  says({}, "no labels");
  says(key({"reserved:world-ipv4"}), "--external");
  says(key({"reserved:nobody"}), "is no reserved label");
  says(key({"reserved:host", "k8s:a=b"}), "--identity 1");
  says(key({kPartners}), "--cidr-group");
  says(key({"k8s:app=x", "k8s:app=y"}), "two values");
}

TEST_CASE("known label sets keep the bundle's numbers, others get numbers of their own for good") {
  const auto db = key({"k8s:app=db", "k8s:io.cilium.k8s.policy.cluster=default", "k8s:io.kubernetes.pod.namespace=a"});
  const auto other = key({"k8s:app=db", "k8s:io.cilium.k8s.policy.cluster=default", "k8s:io.kubernetes.pod.namespace=b"});
  const auto third = key({"k8s:app=x", "k8s:io.cilium.k8s.policy.cluster=default", "k8s:io.kubernetes.pod.namespace=b"});
  const Planned one({{prefix("10.9.0.1"), of(db)}, {prefix("10.9.0.2"), of(other)}, {prefix("10.9.0.3"), of(other)}, {prefix("10.9.0.4"), of(key({"reserved:remote-node"}))}});
  CHECK(one.at("10.9.0.1") == 300);
  CHECK(one.at("10.9.0.2") == 65535);
  CHECK(one.at("10.9.0.3") == 65535);
  CHECK(one.at("10.9.0.4") == 6);
  CHECK(one.in("10.9.0.2") == 3);  // everyone, and app=db
  // later, and with another one before it
  const Planned two({{prefix("10.9.0.1"), of(third)}, {prefix("10.9.0.2"), of(other)}}, made(), one.plan.learned);
  CHECK(two.at("10.9.0.1") == 65534);
  CHECK(two.at("10.9.0.2") == 65535);
  CHECK(two.in("10.9.0.1") == 1);
  CHECK(two.plan.used().size() == 2);
  // a newer bundle has the number for somebody else, and the label set under another number
  Bundle newer = made();
  newer.identities[65535] = {"k8s:app=new"};
  newer.identities[400] = {"k8s:app=x", "k8s:io.cilium.k8s.policy.cluster=default", "k8s:io.kubernetes.pod.namespace=b"};
  const Planned three({{prefix("10.9.0.1"), of(third)}, {prefix("10.9.0.2"), of(other)}}, newer, two.plan.learned);
  CHECK(three.at("10.9.0.1") == 400);
  CHECK(three.at("10.9.0.2") == 65533);
}

TEST_CASE("from 1.20 on ports' names are part of an identity") {
  Bundle bundle = made(20);
  bundle.named_ports[300] = {{"http", 80, ir::Protocol::Tcp}};
  auto db = key({"k8s:app=db", "k8s:io.cilium.k8s.policy.cluster=default", "k8s:io.kubernetes.pod.namespace=a"});
  auto other = db;
  db.ports = {{"http", 80, ir::Protocol::Tcp}};
  other.ports = {{"http", 81, ir::Protocol::Tcp}};
  const Planned planned({{prefix("10.9.0.1"), of(db)}, {prefix("10.9.0.2"), of(other)}}, bundle);
  CHECK(planned.at("10.9.0.1") == 300);
  CHECK(planned.at("10.9.0.2") == 65535);
}

TEST_CASE("names and groups add to the prefixes around an address") {
  const Planned planned({{prefix("10.2.0.0/16"), outside({}, {kPartners})},
                         {prefix("10.1.2.0/24"), outside({}, {kPartners})},
                         {prefix("10.2.3.4"), outside({"pay.example.com", "www.example.com"})},
                         {prefix("192.0.2.1"), outside({"a.cdn.example.net"})},
                         {prefix("192.0.2.2"), outside({}, {}, true)},
                         {prefix("2001:db8::1"), outside({"pay.example.com"})}});
  CHECK(planned.in("10.2.0.0/16") == 5);
  CHECK(planned.in("10.1.2.0/24") == 1);  // in the group, and in the prefix that is excepted
  CHECK(planned.in("10.2.3.4") == 5);
  CHECK(planned.out("10.2.3.4") == 3);
  CHECK(planned.out("192.0.2.1") == 5);
  CHECK(planned.at("192.0.2.2") == 9);
  CHECK(planned.out("2001:db8::1") == 3);
  CHECK(planned.at("10.0.0.0/8") == 16777217);  // nothing was said of it
  CHECK(is_external(planned.at("10.2.0.0/16")));
  const auto labels = planned.plan.learned.at(planned.at("10.2.3.4")).labels;
  CHECK(labels == key({"cidr:10.0.0.0/8", kPartners, "fqdn:pay.example.com", "reserved:world-ipv4"}).labels);
}

TEST_CASE("a group around prefixes of the bundle reaches them") {
  const Planned planned({{prefix("10.0.0.0/7"), outside({}, {kPartners})}});
  CHECK(planned.in("10.0.0.0/8") == 5);
  CHECK(planned.in("10.1.0.0/16") == 1);
  CHECK(planned.at("10.0.0.1") == 301);  // a pod
}

TEST_CASE("what is in the cluster is not outside unless it is said to be") {
  const Planned planned({{prefix("10.0.0.1"), outside({"pay.example.com"})}, {prefix("10.0.0.2"), outside({"pay.example.com"}, {}, true)}});
  CHECK(planned.at("10.0.0.1") == 301);
  CHECK(planned.out("10.0.0.2") == 3);
}

TEST_CASE("nodes have their addresses' labels where policies may name them by prefix") {
  const std::map<Prefix, AddressOverride> said = {{prefix("10.2.2.0/24"), outside({}, {kPartners})}, {prefix("10.2.2.3"), of(key({"reserved:remote-node"}))}};
  CHECK(Planned(said).at("10.2.2.3") == 6);
  Bundle bundle = made();
  bundle.cidr_matches_nodes = true;
  const Planned planned(said, bundle);
  CHECK(planned.at("10.2.2.3") == 0x02ffffff);
  CHECK(planned.in("10.2.2.3") == 5);
  CHECK(planned.plan.learned.at(0x02ffffff).labels == key({"cidr:10.2.2.3/32", kPartners, "reserved:remote-node"}).labels);
}

TEST_CASE("a family that the cluster lacks has nobody outside") {
  Bundle bundle = made();
  bundle.world6 = 0;
  const auto failed = addresses(bundle, {}, {}, {{prefix("2001:db8::1"), outside({"pay.example.com"})}});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message == "2001:db8::1/128: the cluster has no IPv6");
}

TEST_CASE("what was learned of addresses outside survives another bundle") {
  const Bundle bundle = made();
  const std::string other(64, '0');
  const auto left = surviving({{prefix("10.1.0.0/16"), outside({}, {kPartners})},
                               {prefix("10.0.0.1"), outside({}, {}, true)},
                               {prefix("10.0.0.2"), of(key({"k8s:app=x"}))},
                               {prefix("10.9.9.9"), of(key({"k8s:app=x"}))}},
                              bundle, other);
  CHECK(left.size() == 2);
  CHECK(left.contains(prefix("10.1.0.0/16")));
  CHECK(left.contains(prefix("10.9.9.9")));
}

TEST_CASE("prefixes matter to a program that asks for none only where they are not the world's") {
  Planned planned({{prefix("10.9.0.0/16"), of(key({"k8s:app=db", "k8s:io.cilium.k8s.policy.cluster=default", "k8s:io.kubernetes.pod.namespace=b"}))}});
  CHECK_FALSE(prefixes_matter(planned.bundle, {1}, planned.plan.addresses));
  CHECK_FALSE(prefixes_matter(planned.bundle, {0}, planned.plan.addresses));  // it asks anyway
  auto& ingress = planned.bundle.programs[0].ingress;
  ingress.selectors.pop_back();  // labels alone
  planned.bundle.programs[0].egress.selectors.resize(1);
  CHECK(prefixes_matter(planned.bundle, {0}, planned.plan.addresses));
}

TEST_CASE("selectors that make no sense are named") {
  const auto says = [](const Json& selector, const char* text) {
    TestBundle bundle;
    bundle.json["selectors"] = Json::array({true, selector});
    bundle.json["programs"][0]["selectors"] = {{"ingress", {0, 1}}, {"egress", Json::array({0})}};
    bundle.write();
    const auto read = read_bundle(bundle.directory.path());
    REQUIRE_FALSE(read);
    CAPTURE(read.error().message);
    CHECK(read.error().message.find(text) != std::string::npos);
  };
  says(Json{{"sometimes", true}}, "`selectors[1]`: is no selector that this loader knows");
  says(Json{{"labels", Json::array({Json::array({"k8s", "app", "is", "web"})})}}, "expected in, notIn, exists or absent");
  says(Json{{"labels", Json::array({Json::array({"k8s", "app", "in"})})}}, "values where the operator has some");
  says(Json{{"inside", "10.0.0.0"}}, "`10.0.0.0` is no prefix");
  says(Json{{"port", Json::array({"http", "ICMP", 8})}}, "expected TCP, UDP or SCTP");
  TestBundle bundle;
  bundle.json["selectors"] = Json::array({true});
  bundle.json["programs"][0]["selectors"] = {{"ingress", {0, 1}}, {"egress", Json::array({0})}};
  bundle.write();
  CHECK(read_bundle(bundle.directory.path()).error().message.find("is no place in the bundle's `selectors`") != std::string::npos);
}

TEST_CASE("a bundle without selectors says so") {
  TestBundle old;
  old.write();
  Bundle bundle = *read_bundle(old.directory.path());
  const Done done = add_peers(bundle, {0}, {{65535, key({"k8s:app=x"})}});
  REQUIRE_FALSE(done);
  CHECK(done.error().message.find("does not say who its peers are") != std::string::npos);
}
