// Questions about names that nobody has resolved.
#include "verify/unresolved.h"

#include <doctest/doctest.h>

using namespace netpolc;
using namespace netpolc::verify;

namespace {

// Pods of namespace `a`: `app` sends to *.example.com on 443, and `open` to everybody outside but 203.0.113.0/24.
struct Fixture {
  ir::PolicySet policies;
  ir::Cluster cluster;
  ir::Resolutions resolutions{{"other.example.net", {*IpAddress::parse("192.0.2.1")}}};
  ir::IdentityLock lock;

  Fixture() {
    for (const char* name : {"app", "open", "quiet"}) {
      ir::Endpoint e;
      e.ns = "a";
      e.name = name;
      e.kind = "Pod";
      e.labels = {{"k8s", "app", name}, {"k8s", "io.kubernetes.pod.namespace", "a"}};
      cluster.endpoints.push_back(e);
    }
    ir::Rule names = to(ir::FqdnPeer{"", "*.example.com"});
    ir::PortRule https;
    https.ports = {{ir::Protocol::Tcp, 443, 443, ""}};
    names.any_l4 = false;
    names.ports = {https};
    ir::CidrPeer outside{*IpPrefix::parse("0.0.0.0/0"), {*IpPrefix::parse("203.0.113.0/24")}};
    add("app", {names});
    add("open", {to(outside)});
  }
  static ir::Rule to(ir::Peer peer) {
    ir::Rule rule;
    rule.direction = ir::Direction::Egress;
    rule.peer_kind = ir::PeerKind::Listed;
    rule.peers = {std::move(peer)};
    return rule;
  }
  void add(const char* app, std::vector<ir::Rule> rules) {
    ir::Policy policy;
    policy.ns = "a";
    policy.name = app;
    policy.subject = {{{"k8s", "app", ir::Operator::In, {app}}}};
    policy.default_deny_egress = true;
    policy.rules = std::move(rules);
    policies.policies.push_back(std::move(policy));
  }
  void let_look_up(const char* pattern) {
    ir::Rule dns;
    dns.direction = ir::Direction::Egress;
    dns.any_l4 = false;
    ir::PortRule item;
    item.ports = {{ir::Protocol::Udp, 53, 53, ""}};
    item.l7.parser = ir::L7Parser::Dns;
    item.l7.dns = {{"", pattern}};
    dns.ports = {item};
    policies.policies[0].rules.push_back(dns);
  }
  Answer ask(const std::string& from, const std::string& name, std::uint16_t port = 443) {
    const ir::eval::World before{policies, cluster, resolutions};
    ir::Resolutions with = resolutions;
    with[name] = wherever(before, Directory(policies, cluster, resolutions, lock));
    const ir::eval::World world{policies, cluster, with};
    Judge judge(world, lock);
    auto answer = judge.ask({from, "fqdn:" + name, ir::Flow{ir::Protocol::Tcp, port}});
    REQUIRE(answer.has_value());
    about_the_name(*answer, name, world, judge);
    return *answer;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a name is allowed by toFQDNs wherever it is, if it may be looked up") {
  let_look_up("*.example.com");
  const Answer answer = ask("a/app", "api.example.com");
  CHECK(answer.word == Word::Allowed);
  REQUIRE(answer.pairs.size() == 1);
  CHECK(answer.pairs[0].via == "");
  REQUIRE(answer.assuming.size() == 2);
  CHECK(answer.assuming[0].find("api.example.com is at an address outside the cluster") == 0);
  CHECK(ask("a/app", "api.example.com", 80).word == Word::Denied);
  CHECK(ask("a/app", "a.b.example.com").word == Word::Denied);
}

TEST_CASE_FIXTURE(Fixture, "a name that nobody may look up is undecided where toFQDNs alone would allow it") {
  CHECK(ask("a/app", "api.example.com").word == Word::Undecided);
  let_look_up("*.example.net");
  const Answer answer = ask("a/app", "api.example.com");
  CHECK(answer.word == Word::Undecided);
  CHECK(answer.reason.find("no DNS rule lets a/app look it up") != std::string::npos);
  CHECK(ask("a/app", "api.example.org").word == Word::Denied);
  CHECK(ask("a/quiet", "api.example.com").word == Word::Allowed);  // not held to any policy
}

TEST_CASE_FIXTURE(Fixture, "where a name is at decides, if rules of addresses tell places apart") {
  const Answer answer = ask("a/open", "api.example.com");
  CHECK(answer.word == Word::Mixed);
  for (const PairAnswer& pair : answer.pairs) CHECK(pair.via.find("if it is at ") == 0);
}

TEST_CASE_FIXTURE(Fixture, "what is undecided for the other end's sake stays so, with its reason") {
  const Answer answer = ask("fqdn:unknown.example.org", "api.example.com");
  CHECK(answer.word == Word::Undecided);
  CHECK(answer.reason.find("unknown.example.org") != std::string::npos);
  CHECK(answer.assuming.empty());
}

TEST_CASE_FIXTURE(Fixture, "a name does not stand where another one is known to be") {
  for (const IpAddress& address : wherever({policies, cluster, resolutions}, Directory(policies, cluster, resolutions, lock)))
    CHECK(address != *IpAddress::parse("192.0.2.1"));
}

TEST_CASE("names that the cluster's DNS may answer") {
  for (const char* name : {"web", "web.shop.svc", "web.shop.svc.cluster.local", "web.shop.svc.example.internal.", "node1.cluster.local", "*.example.com", "api-*.example.com"}) CHECK(may_be_inside(name));
  for (const char* name : {"api.example.com", "svc.example.com", "cluster.local.example.com"}) CHECK_FALSE(may_be_inside(name));
  CHECK(dns_key("API.Example.com.") == "api.example.com");
}
