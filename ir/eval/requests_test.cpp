// Statements of the semantics reference about requests (sections 5.6, 5.8, 7.1, 7.3, 7.5), on IR built by hand.
#include "ir/eval/requests.h"

#include <doctest/doctest.h>

#include "ir/eval/eval.h"
#include "ir/eval/server_names.h"

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
  if (!unmodelled(l7, kHttpKind, Protocol::Tcp, 18).empty()) return Word::Unknown;
  const auto word = in_list(l7, request, L7Parser::Http, 18);
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
    return in_list(l7, DnsQuery{name}, L7Parser::Dns, version) == InList::Yes;
  };
  CHECK(matches("*", "a b"));
  CHECK(matches("**", "a.b.c"));
  CHECK(matches("*.cilium.io", "www.cilium.io."));
  CHECK_FALSE(matches("*.cilium.io", "a.b.cilium.io"));
  CHECK_FALSE(matches("*.cilium.io", "cilium.io"));
  CHECK(matches("**.cilium.io", "a.b.cilium.io", 20));
  CHECK_FALSE(matches("**.cilium.io", "a.b.cilium.io", 18));
}

// ---- server names -------------------------------------------------------------------------------------

namespace {

L7 names(std::vector<std::string> list) {
  L7 out;
  out.server_names = std::move(list);
  return out;
}
L7 http_path(const char* path) {
  L7 out;
  out.parser = L7Parser::Http;
  out.http = {{path, "", "", {}, {}}};
  return out;
}
L7 dns_name(const char* name) {
  L7 out;
  out.parser = L7Parser::Dns;
  out.dns = {{name, ""}};
  return out;
}

}  // namespace

TEST_CASE("7.5: names by version") {
  const auto matches = [](const char* pattern, const char* name, int version) {
    REQUIRE(server_name_pattern_is_known(pattern, version));
    return server_name_matches(pattern, canonical_server_name(name), version);
  };
  for (const int version : {16, 17, 18, 19, 20}) {
    CHECK(matches("a.com", "A.COM.", version));
    CHECK_FALSE(matches("a.com", "b.com", version));
    CHECK_FALSE(matches("a.com", "x.a.com", version));
    CHECK(matches("*.a.com", "x.a.com", version) == (version >= 18));
    CHECK_FALSE(matches("*.a.com", "a.com", version));
    CHECK_FALSE(matches("*.a.com", "x.y.a.com", version));
    CHECK(matches("**.a.com", "x.y.a.com", version) == (version >= 18));
    CHECK_FALSE(matches("**.a.com", "a.com", version));
  }
  CHECK(matches("*", "x.y.a.com", 20));
  CHECK(matches("a*c.com", "ac.com", 20));
  CHECK(matches("a*c.com", "abbc.com", 20));
  CHECK_FALSE(matches("a*c.com", "a.c.com", 20));
  CHECK(matches("a.**.com", "a.b.c.com", 20));
  CHECK_FALSE(matches("a.**.com", "a.com", 20));
  CHECK(matches("**", "a.b", 20));
  CHECK_FALSE(server_name_pattern_is_known("A.com", 20));
  CHECK_FALSE(server_name_pattern_is_known("a.com.", 20));
  CHECK_FALSE(server_name_pattern_is_known("a**.com", 20));
  CHECK_FALSE(server_name_pattern_is_known("***.com", 20));
  CHECK_FALSE(server_name_pattern_is_known("a*.com", 19));
  CHECK(is_server_name("A-b_1.com."));
  CHECK_FALSE(is_server_name("a..com"));
  CHECK_FALSE(is_server_name(""));
}

TEST_CASE("7.5, 5.8: without a name that is listed TLS gets through by other rules only") {
  Fixture one;
  one.at(one.rule(), 443, 443, names({"a.com"}));
  CHECK(one.ask(TlsHello{"A.com."}, 443) == Word::Allowed);
  CHECK(one.ask(TlsHello{"b.com"}, 443) == Word::Denied);
  CHECK(one.ask(HttpRequest{"GET", "/", "a.com", {}}, 443) == Word::Denied);  // has no server name
  CHECK(one.ask(DnsQuery{"a.com"}, 443) == Word::Denied);

  Fixture by_peer = one;  // another filter
  by_peer.rule();
  CHECK(by_peer.ask(TlsHello{"b.com"}, 443) == Word::Allowed);
  CHECK(by_peer.ask(HttpRequest{"GET", "/", "a.com", {}}, 443) == Word::Allowed);
  CHECK(by_peer.ask(DnsQuery{"a.com"}, 443) == Word::Allowed);

  Fixture by_port = one;  // another selector
  by_port.at(by_port.rule(true), 443, 443);
  CHECK(by_port.ask(TlsHello{"b.com"}, 443) == Word::Allowed);

  Fixture by_default = one;
  by_default.policies.policies[0].default_deny_egress = false;
  CHECK(by_default.ask(TlsHello{"b.com"}, 443) == Word::Allowed);
}

TEST_CASE("5.6: names of one port and one selector are one list, and a plain rule there does not lift it") {
  Fixture both;
  both.at(both.rule(), 443, 443, names({"a.com"}));
  both.at(both.rule(), 443, 443);
  CHECK(both.ask(TlsHello{"a.com"}, 443) == Word::Allowed);
  CHECK(both.ask(TlsHello{"b.com"}, 443) == Word::Denied);
  CHECK(both.ask(HttpRequest{"GET", "/", "a.com", {}}, 443) == Word::Denied);
  both.at(both.rule(), 443, 443, names({"b.com"}));
  CHECK(both.ask(TlsHello{"b.com"}, 443) == Word::Allowed);
  CHECK(both.ask(TlsHello{"c.com"}, 443) == Word::Denied);
  both.at(both.rule(), 440, 443);  // another filter
  CHECK(both.ask(TlsHello{"c.com"}, 443) == Word::Allowed);
}

TEST_CASE("7.1, 7.3: a proxy ends what is not its protocol") {
  Fixture http;
  http.at(http.rule(), 443, 443, http_path("/ok"));
  CHECK(http.ask(TlsHello{"a.com"}, 443) == Word::Denied);
  CHECK(http.ask(DnsQuery{"a.com"}, 443) == Word::Denied);
  http.at(http.rule(true), 443, 443, names({"a.com"}));  // HTTP comes before server names
  CHECK(http.ask(TlsHello{"a.com"}, 443) == Word::Denied);
  CHECK(http.ask(HttpRequest{"GET", "/ok", "h", {}}, 443) == Word::Allowed);
  CHECK(http.ask(HttpRequest{"GET", "/x", "h", {}}, 443) == Word::Denied);

  Fixture dns;
  dns.at(dns.rule(), 53, 53, dns_name("ok.com"));
  CHECK(dns.ask(HttpRequest{"GET", "/", "h", {}}, 53) == Word::Denied);
  CHECK(dns.ask(TlsHello{"ok.com"}, 53) == Word::Denied);
  dns.at(dns.rule(true), 53, 53, http_path("/ok"));  // and HTTP before DNS: what Envoy knows of DNS rules is not said
  CHECK(dns.ask(HttpRequest{"GET", "/ok", "h", {}}, 53) == Word::Allowed);
  CHECK(dns.ask(HttpRequest{"GET", "/x", "h", {}}, 53) == Word::Unknown);
  CHECK(dns.ask(DnsQuery{"ok.com"}, 53) == Word::Denied);

  Fixture names_first;
  names_first.at(names_first.rule(), 53, 53, dns_name("ok.com"));
  names_first.at(names_first.rule(true), 53, 53, names({"a.com"}));
  CHECK(names_first.ask(TlsHello{"a.com"}, 53) == Word::Allowed);
  CHECK(names_first.ask(TlsHello{"b.com"}, 53) == Word::Unknown);
  CHECK(names_first.ask(DnsQuery{"ok.com"}, 53) == Word::Unknown);
}

TEST_CASE("1.7: what decides about TLS that a proxy terminates is not known") {
  Fixture one;
  L7 l7 = names({"a.com"});
  l7.terminating_tls = TlsContext{"n", "s", "", "", ""};
  one.at(one.rule(), 443, 443, l7);
  CHECK(one.ask(TlsHello{"a.com"}, 443) == Word::Unknown);
  CHECK(unmodelled(names({"a.com"}), kDnsKind, Protocol::Udp, 18) == "what a proxy makes of server names over UDP");
  CHECK(unmodelled(names({"A.com"}), kTlsKind, Protocol::Tcp, 18) == "what a proxy makes of the server name A.com");
}

}  // namespace netpolc::ir::eval
