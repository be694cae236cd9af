// Statements of the semantics reference (section 12) and the quirks around them, on IR built by hand.
#include <doctest/doctest.h>

#include "ir/eval/eval.h"
#include "ir/eval/fqdn.h"

namespace netpolc::ir::eval {
namespace {

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
IpPrefix prefix(const char* text) { return IpPrefix::parse(text).value(); }
Selector label(const char* key, const char* value, const char* source = "k8s") {
  return {{Requirement{source, key, Operator::In, {value}}}};
}

PeerFacts pod(const char* app, const char* ns = "a") {
  return {{{"k8s", "app", app}, {"k8s", "io.cilium.k8s.policy.cluster", "default"}, {"k8s", "io.kubernetes.pod.namespace", ns}}, {}, false, {}};
}
PeerFacts reserved(const char* name) { return {{{"reserved", name, ""}}, {}, false, {}}; }
PeerFacts external(const char* address) {
  const IpAddress at = ip(address);
  return {{{"reserved", at.v6 ? "world-ipv6" : "world-ipv4", ""}}, at, false, {}};
}

struct Fixture {
  PolicySet policies;
  Cluster cluster;
  Resolutions resolutions;
  Subject subject{pod("s").labels, "a", {}, false};

  Policy& policy() {
    policies.policies.push_back({});
    policies.policies.back().ns = "a";
    return policies.policies.back();
  }
  // A rule of a policy of its own, with default deny in its direction.
  Rule& rule(Direction direction, Action action = Action::Allow) {
    Policy& p = policy();
    (direction == Direction::Ingress ? p.default_deny_ingress : p.default_deny_egress) = true;
    p.rules.push_back({});
    p.rules.back().direction = direction;
    p.rules.back().action = action;
    return p.rules.back();
  }
  Rule& rule(Direction direction, std::vector<Peer> peers, Action action = Action::Allow) {
    Rule& r = rule(direction, action);
    r.peer_kind = PeerKind::Listed;
    r.peers = std::move(peers);
    return r;
  }
  SideVerdict judge(Direction direction, const PeerFacts& peer, Protocol protocol, std::uint16_t number) const {
    return SubjectPolicy(World{policies, cluster, resolutions}, subject).judge(direction, peer, {protocol, number});
  }
  Verdict in(const PeerFacts& peer, std::uint16_t port = 80, Protocol protocol = Protocol::Tcp) const {
    return judge(Direction::Ingress, peer, protocol, port).verdict;
  }
  Verdict out(const PeerFacts& peer, std::uint16_t port = 80, Protocol protocol = Protocol::Tcp) const {
    return judge(Direction::Egress, peer, protocol, port).verdict;
  }
};

Rule& ports(Rule& rule, std::vector<PortMatch> matches, L7 l7 = {}) {
  rule.any_l4 = false;
  PortRule item;
  item.ports = std::move(matches);
  item.l7 = std::move(l7);
  rule.ports.push_back(std::move(item));
  return rule;
}
PortMatch tcp(std::uint16_t first, std::uint16_t last = 0) { return {Protocol::Tcp, first, std::max(first, last), ""}; }
L7 http(const char* path) {
  L7 l7;
  l7.parser = L7Parser::Http;
  l7.http.push_back({});
  l7.http.back().path = path;
  return l7;
}
L7 dns(const char* name) {
  L7 l7;
  l7.parser = L7Parser::Dns;
  l7.dns.push_back({name, ""});
  return l7;
}

using enum Direction;
const LabelPeer kSameNamespace{label("io.kubernetes.pod.namespace", "a"), true};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "nothing selects the subject: everything is allowed") {
  CHECK(in(pod("x")) == Verdict::Allow);
  CHECK(judge(Ingress, pod("x"), Protocol::Tcp, 1).enforcement == Enforcement::None);
}

TEST_CASE_FIXTURE(Fixture, "an empty rule denies by default, but not the local host and not the other direction") {
  rule(Ingress);
  CHECK(in(pod("x")) == Verdict::DefaultDeny);
  CHECK(out(pod("x")) == Verdict::Allow);
  CHECK(in(reserved("remote-node")) == Verdict::DefaultDeny);
  const SideVerdict host = judge(Ingress, reserved("host"), Protocol::Tcp, 80);
  CHECK(host.verdict == Verdict::Allow);
  CHECK(host.localhost_exception);
  cluster.config.allow_localhost = false;
  CHECK(in(reserved("host")) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "an empty list of peers is nobody, an absent one with ports everyone") {
  ports(rule(Ingress), {tcp(80)}).peer_kind = PeerKind::Nobody;
  CHECK(in(pod("x")) == Verdict::DefaultDeny);
  ports(rule(Ingress), {tcp(80)});
  CHECK(in(pod("x")) == Verdict::Allow);
  CHECK(in(external("8.8.8.8")) == Verdict::Allow);
  CHECK(in(PeerFacts{{}, {}, true, {}}) == Verdict::Allow);
  CHECK(in(pod("x"), 81) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "a port rule without ports allows nothing") {
  rule(Ingress).any_l4 = false;
  CHECK(in(pod("x")) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "deny alone denies the rest by default, unless default deny is off") {
  ports(rule(Ingress, Action::Deny), {tcp(22)});
  CHECK(in(pod("x"), 22) == Verdict::Deny);
  CHECK(in(pod("x"), 80) == Verdict::DefaultDeny);
  policies.policies[0].default_deny_ingress = false;
  CHECK(in(pod("x"), 22) == Verdict::Deny);
  CHECK(in(reserved("host"), 22) == Verdict::Deny);
  CHECK(in(pod("x"), 80) == Verdict::Allow);
  CHECK(judge(Ingress, pod("x"), Protocol::Tcp, 80).enforcement == Enforcement::DefaultAllow);
  rule(Ingress, {kSameNamespace});
  CHECK(in(pod("x", "b")) == Verdict::DefaultDeny);
  CHECK(in(pod("x")) == Verdict::Allow);
}

TEST_CASE_FIXTURE(Fixture, "deny beats allow whatever is more specific; the rules that decided are named") {
  ports(rule(Ingress, {kSameNamespace}), {tcp(8000, 9000)});
  ports(rule(Ingress, {kSameNamespace}, Action::Deny), {tcp(8080, 8090)});
  CHECK(in(pod("x"), 8079) == Verdict::Allow);
  CHECK(in(pod("x"), 8080) == Verdict::Deny);
  CHECK(in(pod("x"), 8090) == Verdict::Deny);
  CHECK(in(pod("x"), 8091) == Verdict::Allow);
  CHECK(in(pod("x"), 9001) == Verdict::DefaultDeny);
  CHECK(judge(Ingress, pod("x"), Protocol::Tcp, 8085).rules == std::vector<RuleRef>{{1, 0}});
  CHECK(judge(Ingress, pod("x"), Protocol::Tcp, 1).rules == std::vector<RuleRef>{{0, 0}, {1, 0}});
}

TEST_CASE_FIXTURE(Fixture, "modes always and never, and endpoints that have no labels yet") {
  SUBCASE("always") {
    cluster.config.mode = PolicyMode::Always;
    CHECK(in(pod("x")) == Verdict::DefaultDeny);
    CHECK(in(reserved("host")) == Verdict::Allow);
    cluster.config.version = 20;
    CHECK(in(reserved("host")) == Verdict::DefaultDeny);
  }
  SUBCASE("never") {
    cluster.config.mode = PolicyMode::Never;
    ports(rule(Ingress, Action::Deny), {tcp(22)});
    CHECK(in(pod("x"), 22) == Verdict::Allow);
  }
  SUBCASE("init") {
    subject.labels = {{"reserved", "init", ""}};
    CHECK(in(pod("x")) == Verdict::DefaultDeny);
    CHECK(out(pod("x")) == Verdict::DefaultDeny);
  }
}

TEST_CASE_FIXTURE(Fixture, "policies of another namespace and of nodes do not select a pod") {
  rule(Ingress);
  policies.policies[0].ns = "b";
  CHECK(in(pod("x")) == Verdict::Allow);
  policies.policies[0].kind = PolicyKind::CiliumClusterwideNetworkPolicy;
  CHECK(in(pod("x")) == Verdict::DefaultDeny);
  policies.policies[0].subject_is_node = true;
  CHECK(in(pod("x")) == Verdict::Allow);
  subject = {reserved("host").labels, "", {}, true};
  CHECK(in(pod("x")) == Verdict::Allow);
  cluster.config.host_firewall = true;
  CHECK(in(pod("x")) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "operators over labels that are there or not") {
  rule(Ingress, {LabelPeer{{{Requirement{"any", "app", Operator::NotIn, {"x"}}, Requirement{"k8s", "app", Operator::Exists, {}}}}, true}});
  CHECK(in(pod("x")) == Verdict::DefaultDeny);
  CHECK(in(pod("y")) == Verdict::Allow);
  CHECK(in(external("1.1.1.1")) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "entities") {
  rule(Egress, {EntityPeer{Entity::Cluster}});
  CHECK(out(pod("x")) == Verdict::Allow);
  CHECK(out(reserved("remote-node")) == Verdict::Allow);
  CHECK(out(external("8.8.8.8")) == Verdict::DefaultDeny);
  PeerFacts server = external("8.8.8.8");
  server.labels.insert(server.labels.begin(), {"reserved", "kube-apiserver", ""});
  CHECK(out(server) == Verdict::Allow);
  cluster.config.cluster_name = "other";
  CHECK(out(pod("x")) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "CIDRs mean addresses outside the cluster") {
  rule(Egress, {CidrPeer{prefix("10.0.0.0/8"), {prefix("10.9.0.0/16")}, true}});
  CHECK(out(external("10.1.1.1")) == Verdict::Allow);
  CHECK(out(external("10.9.1.1")) == Verdict::DefaultDeny);
  CHECK(out(pod("x")) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "a zero prefix is the world; before 1.20 nodes too, where CIDRs match them") {
  PeerFacts node = reserved("remote-node");
  node.address = ip("192.168.0.7");
  rule(Egress, {CidrPeer{prefix("0.0.0.0/0"), {}, false}});
  CHECK(out(external("1.1.1.1")) == Verdict::Allow);
  CHECK(out(external("2001:db8::1")) == Verdict::DefaultDeny);
  CHECK(out(node) == Verdict::Allow);
  cluster.config.version = 20;
  CHECK(out(node) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "the other family's zero prefix in a set is the world of a single-stack cluster") {
  cluster.config.ipv6 = false;
  PeerFacts world = reserved("world");
  world.address = ip("1.1.1.1");
  Rule& r = rule(Egress, {CidrPeer{prefix("::/0"), {}, false}});
  CHECK(out(world) == Verdict::DefaultDeny);
  std::get<CidrPeer>(r.peers[0]).in_set = true;
  CHECK(out(world) == Verdict::Allow);
}

TEST_CASE_FIXTURE(Fixture, "CIDR groups by name and by label") {
  cluster.cidr_groups = {{"g", {{"kind", "partner"}}, {prefix("192.0.2.0/24")}, {}}};
  SUBCASE("by name") { rule(Egress, {CidrGroupPeer{"g", std::nullopt, {prefix("192.0.2.0/28")}}}); }
  SUBCASE("by label") { rule(Egress, {CidrGroupPeer{"", label("kind", "partner", "any"), {prefix("192.0.2.0/28")}}}); }
  CHECK(out(external("192.0.2.100")) == Verdict::Allow);
  CHECK(out(external("192.0.2.1")) == Verdict::DefaultDeny);
  CHECK(out(external("198.51.100.1")) == Verdict::DefaultDeny);
  CHECK(out(pod("x")) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "a group selector without a positive term means everyone, and a missing group nobody") {
  Rule& r = rule(Egress, {CidrGroupPeer{"", Selector{}, {}}});
  CHECK(out(pod("x")) == Verdict::Allow);
  r.peers = {CidrGroupPeer{"nosuch", std::nullopt, {}}};
  CHECK(out(external("192.0.2.1")) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "selectors may ask for labels that an address has") {
  cluster.cidr_groups = {{"g", {{"kind", "partner"}}, {prefix("192.0.2.0/24")}, {}}};
  resolutions["api.example.com"] = {ip("198.51.100.1")};
  rule(Egress, {FqdnPeer{"api.example.com", ""}});
  ports(rule(Egress, {LabelPeer{label("kind", "partner", "cidrgroup"), true}}), {tcp(1)});
  ports(rule(Egress, {LabelPeer{{{Requirement{"cidr", "192.0.0.0/8", Operator::Exists, {}}}}, true}}), {tcp(2)});
  ports(rule(Egress, {LabelPeer{{{Requirement{"fqdn", "api.example.com", Operator::DoesNotExist, {}}}}, true}}, Action::Deny), {tcp(3)});
  CHECK(out(external("192.0.2.1"), 1) == Verdict::Allow);
  CHECK(out(external("192.0.2.1"), 2) == Verdict::Allow);
  CHECK(out(external("203.0.113.1"), 2) == Verdict::DefaultDeny);
  CHECK(out(external("192.0.2.1"), 3) == Verdict::Deny);
  CHECK(out(external("198.51.100.1"), 3) == Verdict::Allow);
}

TEST_CASE("names and patterns") {
  CHECK(name_matches({"Example.COM", ""}, "example.com", 18));
  CHECK_FALSE(name_matches({"example.com", ""}, "www.example.com", 18));
  CHECK(name_matches({"", "*.cilium.io"}, "www.cilium.io", 18));
  CHECK_FALSE(name_matches({"", "*.cilium.io"}, "cilium.io", 18));
  CHECK_FALSE(name_matches({"", "*.cilium.io"}, "a.b.cilium.io", 18));
  CHECK(name_matches({"", "sub*.cilium.io"}, "subdomain.cilium.io", 18));
  CHECK_FALSE(name_matches({"", "**.cilium.io"}, "a.b.cilium.io", 18));
  CHECK(name_matches({"", "**.cilium.io"}, "a.b.cilium.io", 20));
  CHECK_FALSE(name_matches({"", "**.cilium.io"}, "cilium.io", 20));
  CHECK_FALSE(name_matches({"", "a.**.io"}, "a.b.c.io", 20));
  CHECK(name_matches({"", "*"}, "a.b.c.io", 18));
}

TEST_CASE_FIXTURE(Fixture, "names resolve to addresses that selectors share") {
  resolutions["api.x.com"] = {ip("192.0.2.7")};
  rule(Egress, {FqdnPeer{"", "*.x.com"}});
  CHECK(out(external("192.0.2.7")) == Verdict::Allow);
  CHECK(out(external("192.0.2.8")) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "services: pods by selector, addresses without one") {
  Service web{"a", "web", {}, {{"app", "x"}}, {}, {}, {}, {}};
  Service ext{"b", "ext", {{"kind", "ext"}}, {}, {}, {ip("192.0.2.10")}, {}, {}};
  Service dotted{"a", "dotted", {}, {{"app.kubernetes.io/name", "x"}}, {}, {}, {}, {}};
  cluster.services = {dotted, web, ext};
  rule(Egress, {ServicePeer{"web", std::nullopt, "a"}});
  rule(Egress, {ServicePeer{"", label("kind", "ext"), ""}});
  rule(Egress, {ServicePeer{"dotted", std::nullopt, ""}});
  CHECK(out(pod("x"), 443) == Verdict::Allow);
  CHECK(out(pod("x", "b"), 443) == Verdict::DefaultDeny);
  CHECK(out(pod("y"), 443) == Verdict::DefaultDeny);
  CHECK(out(external("192.0.2.10")) == Verdict::Allow);
}

TEST_CASE_FIXTURE(Fixture, "services that resolve to nothing leave ports open to everyone; denied ones always do") {
  ports(rule(Egress, {ServicePeer{"nosuch", std::nullopt, ""}}), {tcp(443)});
  rule(Egress, {ServicePeer{"nosuch", std::nullopt, ""}});
  CHECK(out(pod("x"), 443) == Verdict::Allow);
  CHECK(out(pod("x"), 80) == Verdict::DefaultDeny);
  cluster.services = {{"a", "web", {}, {{"app", "x"}}, {}, {}, {}, {}}};
  ports(rule(Egress, {ServicePeer{"web", std::nullopt, ""}}, Action::Deny), {tcp(22)});
  CHECK(out(external("1.1.1.1"), 22) == Verdict::Deny);
}

TEST_CASE_FIXTURE(Fixture, "requires narrow every endpoint selector of the subject and grant nothing") {
  rule(Ingress).requires_all = {label("app", "x")};
  rule(Ingress, {kSameNamespace});
  rule(Ingress, {EntityPeer{Entity::World}});
  CHECK(in(pod("x")) == Verdict::Allow);
  CHECK(in(pod("y")) == Verdict::DefaultDeny);
  CHECK(in(external("1.1.1.1")) == Verdict::Allow);
  cluster.config.version = 19;
  CHECK(in(pod("y")) == Verdict::Allow);
}

TEST_CASE_FIXTURE(Fixture, "ANY is TCP, UDP and SCTP; ICMP type 0 is every type") {
  ports(rule(Ingress), {{Protocol::Any, 53, 53, ""}, {Protocol::Icmp, 0, 0, ""}, {Protocol::Icmpv6, 128, 128, ""}});
  CHECK(in(pod("x"), 53, Protocol::Udp) == Verdict::Allow);
  CHECK(in(pod("x"), 53, Protocol::Sctp) == Verdict::Allow);
  CHECK(in(pod("x"), 8, Protocol::Icmp) == Verdict::Allow);
  CHECK(in(pod("x"), 128, Protocol::Icmpv6) == Verdict::Allow);
  CHECK(in(pod("x"), 129, Protocol::Icmpv6) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "named ports: the subject's own on ingress") {
  subject.named_ports = {{"http", 8080, Protocol::Tcp}};
  ports(rule(Ingress), {{Protocol::Any, 0, 90, "http"}});
  CHECK(in(pod("x"), 8080) == Verdict::Allow);
  CHECK(in(pod("x"), 8081) == Verdict::DefaultDeny);
  CHECK(in(pod("x"), 8080, Protocol::Udp) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "an end port beside a name makes a range from the resolved number") {
  subject.named_ports = {{"http", 80, Protocol::Tcp}};
  ports(rule(Ingress), {{Protocol::Tcp, 0, 90, "http"}});
  CHECK(in(pod("x"), 79) == Verdict::DefaultDeny);
  CHECK(in(pod("x"), 90) == Verdict::Allow);
  CHECK(in(pod("x"), 91) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "named ports: one table for egress before 1.20, the peer's own after") {
  Endpoint one, two;
  one.labels = pod("one").labels;
  one.named_ports = {{"http", 8080, Protocol::Tcp}};
  two.labels = pod("two").labels;
  two.named_ports = {{"http", 9090, Protocol::Tcp}};
  cluster.endpoints = {one};
  ports(rule(Egress, {kSameNamespace, CidrPeer{prefix("10.0.0.0/8"), {}, false}}), {{Protocol::Tcp, 0, 0, "http"}});
  CHECK(out(external("10.0.0.1"), 8080) == Verdict::Allow);
  cluster.endpoints = {one, two};
  CHECK(out(pod("one"), 8080) == Verdict::DefaultDeny);
  cluster.config.version = 20;
  CHECK(out(pod("one"), 8080) == Verdict::Allow);
  CHECK(out(pod("one"), 9090) == Verdict::DefaultDeny);
  CHECK(out(pod("two"), 9090) == Verdict::Allow);
  CHECK(out(external("10.0.0.1"), 8080) == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "a redirect wins over plain allows, whichever is narrower; a deny over both") {
  ports(rule(Ingress, {kSameNamespace}), {tcp(8000, 8100)}, http("/"));
  ports(rule(Ingress, {kSameNamespace}), {tcp(8080)});
  rule(Ingress, {LabelPeer{label("app", "x"), true}});
  const SideVerdict v = judge(Ingress, pod("x"), Protocol::Tcp, 8080);
  CHECK(v.verdict == Verdict::AllowL7);
  CHECK(v.l7 == L7Parser::Http);
  CHECK(v.rules.size() == 3);
  CHECK(in(pod("x"), 1) == Verdict::Allow);
  ports(rule(Ingress, Action::Deny), {tcp(8080)});
  CHECK(in(pod("x"), 8080) == Verdict::Deny);
}

TEST_CASE_FIXTURE(Fixture, "1.16 takes the most specific entry") {
  ports(rule(Ingress), {tcp(80)}, http("/"));
  ports(rule(Ingress, {kSameNamespace}), {tcp(80)});
  CHECK(in(pod("x")) == Verdict::AllowL7);
  cluster.config.version = 16;
  CHECK(in(pod("x")) == Verdict::Allow);
  CHECK(in(pod("x", "b")) == Verdict::AllowL7);
}

TEST_CASE_FIXTURE(Fixture, "redirects are ordered by priority, not by selector") {
  ports(rule(Egress, {kSameNamespace}), {tcp(53)}, dns("x.com"));
  ports(rule(Egress, {LabelPeer{label("app", "x"), true}}), {tcp(53)}, http("/"));
  CHECK(judge(Egress, pod("x"), Protocol::Tcp, 53).l7 == L7Parser::Http);
  CHECK(judge(Egress, pod("y"), Protocol::Tcp, 53).l7 == L7Parser::Dns);
}

TEST_CASE_FIXTURE(Fixture, "different parsers for one selector and port cannot be computed") {
  ports(rule(Egress, {kSameNamespace}), {tcp(53)}, dns("x.com"));
  ports(rule(Egress, {kSameNamespace}), {tcp(53)}, http("/"));
  const SubjectPolicy policy(World{policies, cluster, resolutions}, subject);
  REQUIRE(policy.incomputable());
  CHECK(policy.incomputable()->rules == std::vector<RuleRef>{{0, 0}, {1, 0}});
  CHECK(policy.incomputable()->reason == "cannot merge conflicting L7 parsers (dns/http)");
}

TEST_CASE_FIXTURE(Fixture, "the world entity and a zero prefix are one selector") {
  ports(rule(Egress, {EntityPeer{Entity::World}}), {tcp(80)}).auth = AuthMode::Required;
  ports(rule(Egress, {CidrPeer{prefix("0.0.0.0/0"), {}, false}}), {tcp(80)}).auth = AuthMode::Disabled;
  CHECK(SubjectPolicy(World{policies, cluster, resolutions}, subject).incomputable());
}

TEST_CASE_FIXTURE(Fixture, "authentication is inherited by narrower rules, unless they say otherwise") {
  rule(Ingress, {LabelPeer{label("app", "x"), true}}).auth = AuthMode::Required;
  ports(rule(Ingress, {LabelPeer{label("app", "x"), true}}), {tcp(80)});
  ports(rule(Ingress, {LabelPeer{label("app", "x"), true}}), {tcp(81)}).auth = AuthMode::Disabled;
  CHECK(judge(Ingress, pod("x"), Protocol::Tcp, 80).auth == AuthMode::Required);
  CHECK(judge(Ingress, pod("x"), Protocol::Tcp, 81).auth == AuthMode::Unset);
  CHECK(judge(Ingress, pod("x"), Protocol::Udp, 9).auth == AuthMode::Required);
}

TEST_CASE_FIXTURE(Fixture, "the world as such, without an address, is what a zero prefix of its family names") {
  rule(Egress, {CidrPeer{prefix("0.0.0.0/0"), {prefix("10.0.0.0/8")}, true}});
  CHECK(out(reserved("world-ipv4")) == Verdict::Allow);
  CHECK(out(reserved("world-ipv6")) == Verdict::DefaultDeny);
  CHECK(out(reserved("remote-node")) == Verdict::DefaultDeny);
}

}  // namespace netpolc::ir::eval
