// Statements of the semantics reference about requests (sections 5.8, 7.1, 7.3), on IR built by hand.
#include "ir/eval/requests.h"

#include <doctest/doctest.h>

#include "ir/eval/eval.h"

namespace netpolc::ir::eval {
namespace {

using Word = RequestVerdict::Word;

PeerFacts pod(const char* app) { return {{{"k8s", "app", app}, {"k8s", "io.kubernetes.pod.namespace", "a"}}, {}, false, {}}; }

// A pod whose egress is denied by default, and rules to `a` and to everyone.
struct Fixture {
  PolicySet policies;
  Cluster cluster;
  Resolutions resolutions;

  Rule& rule(bool to_everyone = false, bool default_deny = true) {
    Policy& p = policies.policies.emplace_back();
    p.ns = "a";
    p.default_deny_egress = default_deny;
    Rule& out = p.rules.emplace_back();
    out.direction = Direction::Egress;
    out.peer_kind = to_everyone ? PeerKind::Unspecified : PeerKind::Listed;
    if (!to_everyone) out.peers = {LabelPeer{{{Requirement{"k8s", "app", Operator::In, {"a"}}}}, {}}};
    return out;
  }
  void at(Rule& rule, std::uint16_t first, std::uint16_t last, L7 l7 = {}) {
    rule.any_l4 = false;
    rule.ports.push_back({{{Protocol::Tcp, first, last, ""}}, std::move(l7), {}});
  }
  void lists() {
    L7 http, dns;
    http.parser = L7Parser::Http;
    http.http = {{"/ok", "", "", {}, {}}};
    dns.parser = L7Parser::Dns;
    dns.dns = {{"ok.com", ""}};
    Rule& one = rule();
    at(one, 80, 80, http);
    at(one, 53, 53, dns);
  }
  Word http(const char* path = "/x") { return ask(HttpRequest{"GET", path, "h", {}}, 80); }
  Word dns(const char* name = "evil.com") { return ask(DnsQuery{name}, 53); }
  Word ask(const Request& request, std::uint16_t port) {
    const SubjectPolicy policy({policies, cluster, resolutions}, {pod("s").labels, "a", {}, false});
    return policy.judge(Direction::Egress, pod("a"), {Protocol::Tcp, port}, request).word;
  }
};

Word in_http(const HttpRule& rule, const HttpRequest& request) {
  L7 l7;
  l7.parser = L7Parser::Http;
  l7.http = {rule};
  const auto word = in_list(l7, request, 18);
  return word == InList::Yes ? Word::Allowed : word == InList::No ? Word::Denied : Word::Unknown;
}

}  // namespace

TEST_CASE("5.8: what relaxes lists of HTTP, and what those of DNS") {
  Fixture lists;
  lists.lists();
  CHECK(lists.http("/ok") == Word::Allowed);
  CHECK(lists.http() == Word::Denied);
  CHECK(lists.dns("OK.com.") == Word::Allowed);
  CHECK(lists.dns() == Word::Denied);

  Fixture by_peer = lists;
  by_peer.rule();
  CHECK(by_peer.http() == Word::Allowed);
  CHECK(by_peer.dns() == Word::Denied);

  Fixture by_peer_and_port = lists;
  Rule& both = by_peer_and_port.rule();
  by_peer_and_port.at(both, 80, 80);
  by_peer_and_port.at(both, 53, 53);
  CHECK(by_peer_and_port.http() == Word::Allowed);
  CHECK(by_peer_and_port.dns() == Word::Allowed);

  Fixture by_port = lists;
  Rule& everyone = by_port.rule(true);
  by_port.at(everyone, 80, 80);
  by_port.at(everyone, 53, 53);
  CHECK(by_port.http() == Word::Allowed);
  CHECK(by_port.dns() == Word::Allowed);

  Fixture all = lists;
  all.rule().peers = {LabelPeer{}};
  CHECK(all.http() == Word::Allowed);
  CHECK(all.dns() == Word::Denied);

  Fixture by_range = lists;
  by_range.at(by_range.rule(), 1, 100);
  CHECK(by_range.http() == Word::Allowed);
  CHECK(by_range.dns() == Word::Denied);
}

TEST_CASE("7.1: what headers are called") {
  const HttpRequest request{"GET", "/x", "a.com", {{"x-team", "shop"}, {"x-empty", ""}}};
  const auto with = [](const char* header) {
    HttpRule rule;
    rule.headers = {header};
    return rule;
  };
  CHECK(in_http(with("X-Team: shop"), request) == Word::Allowed);
  CHECK(in_http(with("X-Empty: "), request) == Word::Allowed);
  CHECK(in_http(with("X-Team: "), request) == Word::Denied);
  CHECK(in_http(with("X-Team:shop"), request) == Word::Denied);  // that it is there, and no header is called so
  CHECK(header_conditions(with("X-Team:shop")).front().never);
  CHECK(in_http(with("Host: a.com"), request) == Word::Allowed);
  CHECK(in_http(with(":authority b.com"), request) == Word::Denied);
  CHECK(in_http(with(":path /x"), request) == Word::Allowed);
  CHECK(in_http(with("Host: a.com"), {"GET", "/x", std::nullopt, {}}) == Word::Unknown);
  HttpRule broken;
  broken.host = "a**";  // Cilium does not look, Envoy does
  CHECK(in_http(broken, request) == Word::Unknown);
}

TEST_CASE("4.4: without default deny lists only look, for DNS from 1.17 on") {
  Fixture visible;
  visible.lists();
  visible.policies.policies[0].default_deny_egress = false;
  CHECK(visible.http() == Word::Allowed);
  CHECK(visible.dns() == Word::Allowed);
}

TEST_CASE("a host that is not known matters where nothing else lets the request pass") {
  const auto ask = [](bool later, bool deny) {
    Fixture one;
    L7 http;
    http.parser = L7Parser::Http;
    http.http = {{"", "", "x", {}, {}}};
    one.at(one.rule(), 80, 80, http);
    one.cluster.config.version = 20;
    if (later || deny) {
      Policy& baseline = one.policies.policies.emplace_back();
      baseline.kind = PolicyKind::ClusterNetworkPolicy;
      baseline.tier = Tier::Baseline;
      Rule& rule = baseline.rules.emplace_back(one.policies.policies[0].rules[0]);
      rule.action = deny ? Action::Deny : Action::Allow;
      rule.ports[0].l7 = {};
    }
    return one.ask(HttpRequest{"GET", "/", std::nullopt, {}}, 80);
  };
  CHECK(ask(false, false) == Word::Unknown);
  CHECK(ask(true, false) == Word::Allowed);
  CHECK(ask(false, true) == Word::Unknown);
}

TEST_CASE("a deny comes before any proxy") {
  Fixture denied;
  denied.lists();
  Rule& deny = denied.rule();
  deny.action = Action::Deny;
  denied.at(deny, 80, 80);
  CHECK(denied.http("/ok") == Word::Denied);
}

TEST_CASE("7.1: expressions are of the whole text, an empty field asks for nothing") {
  HttpRequest request{"GET", "/public", "example.com:8080", {{"x-team", "shop"}}};
  CHECK(in_http({"/public", "", "", {}, {}}, request) == Word::Allowed);
  CHECK(in_http({"/pub", "", "", {}, {}}, request) == Word::Denied);
  CHECK(in_http({"/a|/public", "", "", {}, {}}, request) == Word::Allowed);
  CHECK(in_http({"", "get", "", {}, {}}, request) == Word::Denied);
  CHECK(in_http({"", "", "example\\.com", {}, {}}, request) == Word::Denied);
  CHECK(in_http({}, request) == Word::Allowed);
  request.path = "/public?x=1";
  CHECK(in_http({"/public", "", "", {}, {}}, request) == Word::Denied);
  request.host.reset();
  CHECK(in_http({"/public.*", "", "example.*", {}, {}}, request) == Word::Unknown);
  CHECK(in_http({"/x", "", "example.*", {}, {}}, request) == Word::Denied);
}

TEST_CASE("7.1: headers are there, or have a value; a mismatch may be none") {
  const HttpRequest request{"GET", "/", "h", {{"x-team", "shop"}}};
  const auto with = [&](std::vector<std::string> headers, std::vector<HeaderMatch> matches) { return in_http({"", "", "", std::move(headers), std::move(matches)}, request); };
  CHECK(with({"X-Team"}, {}) == Word::Allowed);
  CHECK(with({"X-Team: shop"}, {}) == Word::Allowed);
  CHECK(with({"X-Team shop"}, {}) == Word::Allowed);
  CHECK(with({"X-Team: Shop"}, {}) == Word::Denied);
  CHECK(with({"X-Other"}, {}) == Word::Denied);
  CHECK(with({}, {{"X-Team", "other", "", "", ""}}) == Word::Denied);
  CHECK(with({}, {{"X-Team", "other", "", "", "LOG"}}) == Word::Allowed);
  CHECK(with({}, {{"X-Other", "", "", "", ""}}) == Word::Denied);
  CHECK(with({}, {{"X-Team", "", "ns", "secret", "LOG"}}) == Word::Unknown);
}

TEST_CASE("7.3: a pattern of stars is every name; others keep to the characters of names") {
  const auto matches = [](const char* pattern, const char* name, int version = 18) {
    L7 l7;
    l7.parser = L7Parser::Dns;
    l7.dns = {{"", pattern}};
    return in_list(l7, DnsQuery{name}, version) == InList::Yes;
  };
  CHECK(matches("*", "a b"));
  CHECK(matches("**", "a.b.c"));
  CHECK(matches("*.cilium.io", "www.cilium.io."));
  CHECK_FALSE(matches("*.cilium.io", "a.b.cilium.io"));
  CHECK_FALSE(matches("*.cilium.io", "cilium.io"));
  CHECK(matches("**.cilium.io", "a.b.cilium.io", 20));
  CHECK_FALSE(matches("**.cilium.io", "a.b.cilium.io", 18));
}

}  // namespace netpolc::ir::eval
