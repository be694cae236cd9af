// Where proxies let other requests through than before.
#include <doctest/doctest.h>

#include "verify/diff/diff.h"
#include "verify/random_policies_for_tests.h"

using namespace netpolc;
using namespace netpolc::verify;

namespace {

using namespace random_policies;

struct Manifests {
  ir::PolicySet policies;
  ir::Cluster cluster;
  ir::Resolutions resolutions;
  ir::IdentityLock lock;
  DiffWorld world() const { return {policies, cluster, resolutions, lock}; }
};

// Everybody gets this from who has a label `a` with this value.
ir::Rule http(const char* value, const char* path) {
  ir::Rule out;
  out.peer_kind = ir::PeerKind::Listed;
  ir::LabelPeer peer;
  peer.selector.requirements = {{"any", "a", ir::Operator::In, {value}}};
  out.peers = {peer};
  out.any_l4 = false;
  ir::PortRule& item = out.ports.emplace_back();
  item.ports = {{P::Tcp, 80, 80, ""}};
  item.l7.parser = ir::L7Parser::Http;
  item.l7.http = {{path, "GET", "", {}, {}}};
  return out;
}

Manifests two_peers() {
  Manifests out;
  for (const char* name : {"server", "client"}) {
    ir::Endpoint& one = out.cluster.endpoints.emplace_back();
    one.ns = "n1";
    one.name = name;
    one.kind = "Deployment";
    one.labels = {{"k8s", "a", std::string(name) == "server" ? "server" : "x"}, {"k8s", kNs, "n1"}};
  }
  ir::Policy& policy = out.policies.policies.emplace_back();
  policy.ns = "n1";
  policy.name = "server";
  policy.subject.requirements = {{"any", "a", ir::Operator::In, {"server"}}};
  policy.default_deny_ingress = true;
  policy.rules = {http("x", "/x"), http("y", "/y")};
  return out;
}

using Kind = RequestsChange::Kind;

// What is said of the requests to the server; none: nothing.
std::optional<Kind> told(const Manifests& before, const Manifests& after) {
  const Diff found = diff(before.world(), after.world());
  const auto line = std::find_if(found.requests.begin(), found.requests.end(), [&](const RequestsChange& one) { return found.ends[one.end].name == "n1/server"; });
  return line == found.requests.end() ? std::nullopt : std::optional(line->kind);
}
ir::Rule dns(const char* pattern) {
  ir::Rule out = http("x", "");
  out.ports[0].ports = {{P::Udp, 53, 53, ""}};
  out.ports[0].l7 = {};
  out.ports[0].l7.parser = ir::L7Parser::Dns;
  out.ports[0].l7.dns = {{"", pattern}};
  return out;
}

}  // namespace

TEST_CASE("where requests fare otherwise that is told, with what passes now and what no more, and only there") {
  const Manifests before = two_peers();
  CHECK_FALSE(told(before, before));
  Manifests after = before;
  ir::Rule& first = after.policies.policies[0].rules[0];
  SUBCASE("another path") {
    first = http("x", "/other");
    CHECK(told(before, after) == Kind::Changed);
  }
  SUBCASE("more paths, and fewer") {
    first = http("x", "/x.*");
    CHECK(told(before, after) == Kind::Widened);
    CHECK(told(after, before) == Kind::Narrowed);
  }
  SUBCASE("the same in other words") {
    first = http("x", "/(x)");
    CHECK_FALSE(told(before, after));
  }
  SUBCASE("an expression that has no automaton") {
    first = http("x", "/x\\b.*");
    CHECK(told(before, after) == Kind::Undecided);
  }
  SUBCASE("bytes that no valid request has") {
    for (const char* path : {"/x|/\xC3\xA9", "/x|/\\x{e9}", "/x|/\\pL"}) {
      after = before;
      after.policies.policies[0].rules[0] = http("x", path);
      CHECK(told(before, after) == Kind::Undecided);
    }
  }
  SUBCASE("a path that no request has") {
    after.policies.policies[0].rules[0].ports[0].l7.http.push_back({"a.*", "", "", {}, {}});
    CHECK_FALSE(told(before, after));
  }
  SUBCASE("a rule for the port beside it, that asks for nothing") {
    after.policies.policies[0].rules.push_back(http("x", "/x"));
    after.policies.policies[0].rules.back().ports[0].l7 = {};
    CHECK(told(before, after) == Kind::Widened);
  }
  SUBCASE("a rule for another port") {
    after.policies.policies[0].rules.push_back(http("x", "/x"));
    after.policies.policies[0].rules.back().ports[0].l7 = {};
    after.policies.policies[0].rules.back().ports[0].ports[0] = {P::Tcp, 81, 81, ""};
    CHECK_FALSE(told(before, after));
  }
  SUBCASE("a port whose name is that of another") {
    Manifests named = before;
    named.cluster.endpoints[0].named_ports = {{"web", 80, P::Tcp}};
    named.policies.policies[0].rules.push_back(http("x", "/x"));
    named.policies.policies[0].rules.back().ports[0] = {{{P::Tcp, 0, 0, "web"}}, {}, {}};
    after = named;
    CHECK_FALSE(told(named, after));
    after.cluster.endpoints[0].named_ports[0].port = 90;
    CHECK(told(named, after) == Kind::Narrowed);
  }
  SUBCASE("a peer for whom the other rule is") {
    after.cluster.endpoints[1].labels[0].value = "y";
    CHECK(told(before, after) == Kind::Changed);
  }
  SUBCASE("without default deny what no rule lists passes, too") {
    after.policies.policies[0].default_deny_ingress = false;
    CHECK(told(before, after) == Kind::Widened);
  }
  SUBCASE("another version, which means the same by a path") {
    after.cluster.config.version = 19;
    CHECK_FALSE(told(before, after));
  }
  SUBCASE("another version, and server names") {
    Manifests names = before;
    names.policies.policies[0].rules[0].ports[0].l7 = {};
    names.policies.policies[0].rules[0].ports[0].l7.server_names = {"*.example.com"};
    after = names;
    CHECK_FALSE(told(names, after));
    after.cluster.config.version = 20;
    CHECK(told(names, after) == Kind::Undecided);
  }
  SUBCASE("names that may be asked for") {
    Manifests names = before;
    names.policies.policies[0].rules = {dns("*")};
    after = names;
    after.policies.policies[0].rules = {dns("*.example.com")};
    CHECK(told(names, after) == Kind::Narrowed);
    const Diff found = diff(names.world(), after.world());
    REQUIRE(found.requests.size() == 1);
    CHECK(std::holds_alternative<ir::DnsQuery>(found.requests[0].closed->request));
    CHECK(found.request_pairs == 1);
    CHECK(found.differs());
    CHECK_FALSE(found.is_undecided());
  }
}
