#include <doctest/doctest.h>

#include <random>

#include "ir/decide/table.h"
#include "ir/eval/eval.h"

namespace netpolc::ir {
namespace {

// A namespace "a" with an endpoint for each role, and the policies of one test.
struct World {
  PolicySet policies;
  Cluster cluster;

  World() {
    for (const char* role : {"subject", "good", "bad"}) {
      Endpoint endpoint;
      endpoint.ns = "a";
      endpoint.name = role;
      endpoint.labels = {{"k8s", "role", role}};
      cluster.endpoints.push_back(endpoint);
    }
    cluster.endpoints[0].named_ports = {{"http", 8080, Protocol::Tcp}};
  }
  Policy& policy(const char* role = "subject") {
    Policy policy;
    policy.ns = "a";
    policy.subject = {{{"k8s", "role", Operator::In, {role}}}};
    policy.default_deny_ingress = policy.default_deny_egress = true;
    policies.policies.push_back(policy);
    return policies.policies.back();
  }
  Identities identities() const { return Identities::build(policies, cluster, {}); }
  Decisions decided() const { return decide(policies, cluster, {}, identities()); }
  Verdict ingress(std::size_t peer, Protocol protocol, std::uint16_t number) const {
    const Decisions decisions = decided();
    return look_up(decisions.tables[decisions.endpoints[0].table].ingress, identities().of_endpoint(peer), {protocol, number}).verdict;
  }
};

Rule rule(Action action) {
  Rule out;
  out.action = action;
  return out;
}
Rule& from(Rule& rule, const char* role) {
  rule.peer_kind = PeerKind::Listed;
  rule.peers.push_back(LabelPeer{{{{"k8s", "role", Operator::In, {role}}}}, true});
  return rule;
}
Rule& on(Rule& rule, PortMatch match, L7 l7 = {}) {
  rule.any_l4 = false;
  rule.ports.push_back({{match}, l7, {}});
  return rule;
}
L7 http() {
  L7 l7;
  l7.parser = L7Parser::Http;
  l7.http = {HttpRule{"/x", "GET", "", {}, {}}};
  return l7;
}
L7 dns() {
  L7 l7;
  l7.parser = L7Parser::Dns;
  l7.dns = {DnsRule{"x.com", ""}};
  return l7;
}
constexpr std::size_t good = 1, bad = 2;

TEST_CASE("a narrow deny cuts a hole into a wide allow") {
  World world;
  Policy& policy = world.policy();
  Rule allow = rule(Action::Allow), deny = rule(Action::Deny);
  policy.rules = {on(from(allow, "good"), {Protocol::Tcp, 8000, 9000, ""}), on(from(deny, "good"), {Protocol::Tcp, 8080, 8090, ""})};
  CHECK(world.ingress(good, Protocol::Tcp, 8079) == Verdict::Allow);
  CHECK(world.ingress(good, Protocol::Tcp, 8080) == Verdict::Deny);
  CHECK(world.ingress(good, Protocol::Tcp, 8085) == Verdict::Deny);
  CHECK(world.ingress(good, Protocol::Tcp, 8090) == Verdict::Deny);
  CHECK(world.ingress(good, Protocol::Tcp, 8091) == Verdict::Allow);
  CHECK(world.ingress(good, Protocol::Tcp, 9001) == Verdict::DefaultDeny);
  CHECK(world.ingress(good, Protocol::Udp, 8079) == Verdict::DefaultDeny);
}

TEST_CASE("a deny of a peer beats an allow of a port") {
  World world;
  Policy& policy = world.policy();
  Rule allow = rule(Action::Allow), deny = rule(Action::Deny);
  policy.rules = {on(allow, {Protocol::Tcp, 80, 80, ""}), from(deny, "bad")};
  CHECK(world.ingress(bad, Protocol::Tcp, 80) == Verdict::Deny);
  CHECK(world.ingress(good, Protocol::Tcp, 80) == Verdict::Allow);
  CHECK(world.ingress(good, Protocol::Tcp, 81) == Verdict::DefaultDeny);
}

TEST_CASE("a deny of a port beats an allow of a peer, and leaves ICMP alone") {
  World world;
  Policy& policy = world.policy();
  Rule allow = rule(Action::Allow), deny = rule(Action::Deny);
  policy.rules = {from(allow, "good"), on(deny, {Protocol::Any, 3306, 3306, ""})};
  for (Protocol protocol : {Protocol::Tcp, Protocol::Udp, Protocol::Sctp}) CHECK(world.ingress(good, protocol, 3306) == Verdict::Deny);
  CHECK(world.ingress(good, Protocol::Tcp, 5432) == Verdict::Allow);
  CHECK(world.ingress(good, Protocol::Icmp, 8) == Verdict::Allow);
  CHECK(world.ingress(good, Protocol::Gre, 0) == Verdict::Allow);
}

TEST_CASE("the own node is let in, unless a rule denies it") {
  World world;
  world.policy().rules = {rule(Action::Allow)};
  const auto host = [&] {
    const Decisions decisions = world.decided();
    return look_up(decisions.tables[decisions.endpoints[0].table].ingress, 1, {Protocol::Tcp, 80});
  };
  CHECK(host().verdict == Verdict::Allow);
  CHECK(host().localhost_exception);
  Rule deny = rule(Action::Deny);
  deny.peer_kind = PeerKind::Listed;
  deny.peers = {EntityPeer{Entity::Host}};
  world.policy().rules = {deny};
  CHECK(host().verdict == Verdict::Deny);
  world.policies.policies.pop_back();
  world.cluster.config.allow_localhost = false;
  CHECK(host().verdict == Verdict::DefaultDeny);
}

TEST_CASE("without default deny everyone is allowed, redirects stay") {
  World world;
  Policy& policy = world.policy();
  policy.default_deny_ingress = false;
  Rule allow = rule(Action::Allow);
  policy.rules = {on(from(allow, "good"), {Protocol::Tcp, 80, 80, ""}, http())};
  CHECK(world.ingress(good, Protocol::Tcp, 80) == Verdict::AllowL7);
  CHECK(world.ingress(bad, Protocol::Tcp, 80) == Verdict::Allow);
  CHECK(world.ingress(good, Protocol::Icmp, 8) == Verdict::Allow);
  world.cluster.config.mode = PolicyMode::Always;
  CHECK(world.ingress(bad, Protocol::Tcp, 80) == Verdict::DefaultDeny);
  world.cluster.config.mode = PolicyMode::Never;
  CHECK(world.ingress(good, Protocol::Tcp, 80) == Verdict::Allow);
}

TEST_CASE("conflicting L7 rules for one peer and port cannot be computed") {
  World world;
  Policy& policy = world.policy();
  Rule first = rule(Action::Allow), second = rule(Action::Allow);
  policy.rules = {on(from(first, "good"), {Protocol::Tcp, 80, 80, ""}, http()), on(from(second, "good"), {Protocol::Tcp, 80, 80, ""}, dns())};
  Decisions decisions = world.decided();
  const auto& incomputable = decisions.tables[decisions.endpoints[0].table].incomputable;
  REQUIRE(incomputable);
  CHECK(incomputable->rules.size() == 2);
  // Another peer: no conflict, the parser of higher precedence wins where both match.
  policy.rules[1].peers.clear();
  policy.rules[1].peer_kind = PeerKind::Unspecified;
  decisions = world.decided();
  const auto& table = decisions.tables[decisions.endpoints[0].table];
  REQUIRE_FALSE(table.incomputable);
  CHECK(look_up(table.ingress, world.identities().of_endpoint(good), {Protocol::Tcp, 80}).l7 == L7Parser::Http);
  CHECK(look_up(table.ingress, world.identities().of_endpoint(bad), {Protocol::Tcp, 80}).l7 == L7Parser::Dns);
}

TEST_CASE("authentication is inherited by narrower entries") {
  World world;
  Policy& policy = world.policy();
  Rule all = rule(Action::Allow), port = rule(Action::Allow), exempt = rule(Action::Allow);
  from(all, "good").auth = AuthMode::Required;
  on(from(port, "good"), {Protocol::Tcp, 80, 80, ""});
  on(from(exempt, "good"), {Protocol::Tcp, 81, 81, ""}).auth = AuthMode::Disabled;
  policy.rules = {all, port, exempt};
  const Decisions decisions = world.decided();
  const auto auth = [&](std::uint16_t number) {
    return look_up(decisions.tables[decisions.endpoints[0].table].ingress, world.identities().of_endpoint(good), {Protocol::Tcp, number}).auth;
  };
  CHECK(auth(80) == AuthMode::Required);
  CHECK(auth(81) == AuthMode::Unset);
  CHECK(auth(82) == AuthMode::Required);
}

TEST_CASE("whose authentication counts is decided by the redirects' precedence, not by which entry is listed first") {
  World world;
  Policy& policy = world.policy();
  Rule everyone = rule(Action::Allow), plain = rule(Action::Allow);
  on(everyone, {Protocol::Tcp, 81, 81, ""}, http());
  on(everyone, {Protocol::Tcp, 1, 1023, ""}, http()).auth = AuthMode::Required;
  from(plain, "good");
  policy.rules = {everyone, plain};
  const Decisions decisions = world.decided();
  const SideVerdict said = look_up(decisions.tables[decisions.endpoints[0].table].ingress, world.identities().of_endpoint(good), {Protocol::Tcp, 81});
  CHECK(said.verdict == Verdict::AllowL7);
  CHECK(said.auth == AuthMode::Required);
}

TEST_CASE("tables redirect and authenticate as the interpreter does") {
  std::mt19937 random(11);
  const auto pick = [&](unsigned n) { return static_cast<std::uint16_t>(random() % n); };
  const auto redirect = [&](L7& l7) {
    if (pick(3) == 0) l7 = http();
    else if (pick(2) == 0) l7.listener = Listener{"CiliumEnvoyConfig", "c", "l", "a", static_cast<std::uint16_t>(pick(2) ? 5 : 50), {}};
  };
  std::size_t asked = 0, redirected = 0;
  for (int round = 0; round < 400; ++round) {
    World world;
    world.cluster.config.version = 17 + pick(4);
    Policy& policy = world.policy();
    for (int n = 2 + pick(4); n > 0; --n) {
      Rule r = rule(Action::Allow);
      if (pick(2)) from(r, pick(2) ? "good" : "bad");
      if (pick(3)) {
        L7 l7;
        redirect(l7);
        on(r, std::vector<PortMatch>{{Protocol::Tcp, 80, 80, ""}, {Protocol::Tcp, 80, 83, ""}, {Protocol::Tcp, 64, 127, ""}, {Protocol::Tcp, 1, 1023, ""}}[pick(4)], l7);
      }
      r.auth = std::vector<AuthMode>{AuthMode::Unset, AuthMode::Disabled, AuthMode::Required, AuthMode::AlwaysFail}[pick(4)];
      policy.rules.push_back(r);
    }
    const Decisions decisions = world.decided();
    const DecisionTable& table = decisions.tables[decisions.endpoints[0].table];
    const Resolutions none;
    const auto facts = [&](std::size_t i) {
      const Endpoint& of = world.cluster.endpoints[i];
      return PeerFacts{.labels = of.labels, .address = {}};
    };
    const eval::SubjectPolicy interpreter(eval::World{world.policies, world.cluster, none}, Subject{facts(0).labels, "a", {}, false});
    REQUIRE(interpreter.incomputable().has_value() == table.incomputable.has_value());
    if (table.incomputable) continue;
    for (const std::size_t peer : {good, bad})
      for (const std::uint16_t number : {1, 64, 80, 81, 84, 127, 1023, 1024}) {
        const Flow flow{Protocol::Tcp, number};
        const SideVerdict expected = interpreter.judge(Direction::Ingress, facts(peer), flow), said = look_up(table.ingress, world.identities().of_endpoint(peer), flow);
        CHECK(said.verdict == expected.verdict);
        CHECK(said.auth == expected.auth);
        asked += said.auth != AuthMode::Unset;
        redirected += said.verdict == Verdict::AllowL7;
      }
  }
  CHECK(asked > 100);
  CHECK(redirected > 100);
}

TEST_CASE("named ports are the subject's own on ingress") {
  World world;
  Rule allow = rule(Action::Allow);
  world.policy().rules = {on(allow, {Protocol::Any, 0, 0, "http"})};
  CHECK(world.ingress(good, Protocol::Tcp, 8080) == Verdict::Allow);
  CHECK(world.ingress(good, Protocol::Udp, 8080) == Verdict::DefaultDeny);
  CHECK(world.ingress(good, Protocol::Tcp, 80) == Verdict::DefaultDeny);
}

TEST_CASE("requirements of one rule bind the endpoint selectors of all") {
  World world;
  Rule demand = rule(Action::Allow), allow = rule(Action::Allow);
  demand.requires_all = {{{{"k8s", "role", Operator::In, {"bad"}}}}};
  world.policy().rules = {demand, from(from(allow, "good"), "bad")};
  CHECK(world.ingress(good, Protocol::Tcp, 80) == Verdict::DefaultDeny);
  CHECK(world.ingress(bad, Protocol::Tcp, 80) == Verdict::Allow);
}

TEST_CASE("labels `init` and `host` of any source change enforcement") {
  World world;
  const auto subject = [&](const char* key) {
    world.cluster.endpoints[0].labels = {{"k8s", key, "x"}, {"k8s", "role", "subject"}};
    const Decisions decisions = world.decided();
    return decisions.tables[decisions.endpoints[0].table];
  };
  CHECK(subject("other").egress.enforcement == Enforcement::None);
  CHECK(subject("init").egress.enforcement == Enforcement::DefaultDeny);
  world.policy().rules = {rule(Action::Allow)};
  CHECK(subject("other").ingress.enforcement == Enforcement::DefaultDeny);
  CHECK(subject("host").ingress.enforcement == Enforcement::None);
  world.cluster.config.host_firewall = true;
  CHECK(subject("host").ingress.enforcement == Enforcement::DefaultDeny);
}

TEST_CASE("where CIDRs match nodes, the zero prefix does too before 1.20, in a list as in a set") {
  for (const bool in_set : {false, true}) {
    World world;
    const IpAddress address = *IpAddress::parse("172.16.0.2");
    world.cluster.config.cidr_matches_nodes = true;
    world.cluster.nodes = {{"node-2", {}, {address}, false, {}}};
    Rule zero = rule(Action::Allow);
    zero.peer_kind = PeerKind::Listed;
    zero.peers = {CidrPeer{*IpPrefix::parse("0.0.0.0/0"), {}, in_set}};
    world.policy().rules = {zero};
    const auto from_node = [&] {
      const Decisions decisions = world.decided();
      return look_up(decisions.tables[decisions.endpoints[0].table].ingress, world.identities().of_address(address), {Protocol::Tcp, 80}).verdict;
    };
    CHECK(from_node() == Verdict::Allow);
    world.cluster.config.version = 20;
    CHECK(from_node() == Verdict::DefaultDeny);
  }
}

TEST_CASE("a service's selector with a dot in a key finds its pods from 1.20 on") {
  World world;
  world.cluster.endpoints[good].labels = {{"k8s", "app.kubernetes.io/name", "x"}, {"k8s", "io.kubernetes.pod.namespace", "a"}};
  Service service;
  service.ns = "a";
  service.name = "s";
  service.selector = {{"app.kubernetes.io/name", "x"}};
  world.cluster.services = {service};
  Rule to = rule(Action::Allow);
  to.direction = Direction::Egress;
  to.peer_kind = PeerKind::Listed;
  to.peers = {ServicePeer{"s", std::nullopt, "a"}};
  world.policy().rules = {to};
  const auto to_pod = [&] {
    const Decisions decisions = world.decided();
    return look_up(decisions.tables[decisions.endpoints[0].table].egress, world.identities().of_endpoint(good), {Protocol::Tcp, 80}).verdict;
  };
  CHECK(to_pod() == Verdict::DefaultDeny);
  world.cluster.config.version = 20;
  CHECK(to_pod() == Verdict::Allow);
}

TEST_CASE("endpoints with equal rules share a table, whatever the policies are called") {
  World world;
  Rule allow = rule(Action::Allow), other = rule(Action::Allow);
  from(allow, "good");
  world.policy("subject").rules = {allow};
  world.policy("good").rules = {allow};
  world.policy("bad").rules = {from(other, "bad")};
  const Decisions decisions = world.decided();
  REQUIRE(decisions.endpoints.size() == 3);
  CHECK(decisions.endpoints[0].table == decisions.endpoints[1].table);
  CHECK(decisions.endpoints[0].table != decisions.endpoints[2].table);
  CHECK(decisions.endpoints[1].ingress_rules == std::vector<RuleRef>{{1, 0}});
}

// The definition, judged rule by rule.
Verdict plainly(const Policy& policy, const std::string& role, Flow flow) {
  bool allowed = false;
  for (const Rule& r : policy.rules) {
    bool peer = r.peer_kind == PeerKind::Unspecified && !r.any_l4;
    for (const Peer& p : r.peers) peer |= std::get<LabelPeer>(p).selector.requirements[0].values[0] == role;
    bool port = r.any_l4;
    for (const PortRule& ports : r.ports)
      for (const PortMatch& m : ports.ports) {
        const bool transport = flow.protocol == Protocol::Tcp || flow.protocol == Protocol::Udp || flow.protocol == Protocol::Sctp;
        port |= (m.protocol == flow.protocol || (m.protocol == Protocol::Any && transport)) &&
                ((m.first == 0 && m.last == 0) || (m.first <= flow.number && flow.number <= m.last));
      }
    if (!peer || !port) continue;
    if (r.action == Action::Deny) return Verdict::Deny;
    allowed = true;
  }
  return allowed ? Verdict::Allow : Verdict::DefaultDeny;
}

TEST_CASE("classes are disjoint, cover every number and say what the rules say") {
  std::mt19937 random(7);
  const auto pick = [&](unsigned n) { return static_cast<std::uint16_t>(random() % n); };
  const char* roles[] = {"subject", "good", "bad"};
  const Protocol protocols[] = {Protocol::Any, Protocol::Tcp, Protocol::Udp, Protocol::Icmp};
  for (int round = 0; round < 100; ++round) {
    World world;
    Policy& policy = world.policy();
    for (int n = 1 + pick(8); n > 0; --n) {
      Rule r = rule(pick(3) ? Action::Allow : Action::Deny);
      if (pick(4)) from(r, roles[pick(3)]);
      if (pick(4)) {
        std::uint16_t first = pick(4) ? static_cast<std::uint16_t>(1 + pick(9)) : static_cast<std::uint16_t>(65530 + pick(6));
        if (!pick(8)) first = 0;
        const auto last = first == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(std::min(65535, first + pick(5)));
        on(r, {protocols[pick(4)], first, last, ""});
      }
      policy.rules.push_back(r);
    }
    const Decisions decisions = world.decided();
    const DirectionTable& table = decisions.tables[decisions.endpoints[0].table].ingress;
    for (std::size_t c = 0; c < table.classes.size(); ++c) {
      const L4Class& now = table.classes[c];
      const bool opens = c == 0 || table.classes[c - 1].protocol != now.protocol;
      CHECK(now.first == (opens ? 0 : table.classes[c - 1].last + 1));
      if (opens && c > 0) CHECK(table.classes[c - 1].last == 65535);
      CHECK(now.first <= now.last);
    }
    CHECK(table.classes.back().last == 65535);
    for (Protocol protocol : {Protocol::Tcp, Protocol::Udp, Protocol::Sctp, Protocol::Icmp, Protocol::Icmpv6, Protocol::Esp})
      for (std::uint32_t number : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 65529, 65530, 65531, 65532, 65533, 65534, 65535})
        for (std::size_t role = 0; role < 3; ++role) {
          const Flow flow{protocol, static_cast<std::uint16_t>(number)};
          CHECK(look_up(table, world.identities().of_endpoint(role), flow).verdict == plainly(policy, roles[role], flow));
        }
  }
}

TEST_CASE("tables read well") {
  World world;
  Rule allow = rule(Action::Allow);
  world.policy().rules = {on(from(allow, "good"), {Protocol::Tcp, 80, 80, ""}, http())};
  const Decisions decisions = world.decided();
  const std::string text = to_string(decisions.tables[decisions.endpoints[0].table]);
  CHECK(text.find("TCP 80: allow via http bit 1 (rule 0)") != std::string::npos);
  CHECK(text.find("bit 1  k8s:role in (good)  [1]") != std::string::npos);
}

}  // namespace
}  // namespace netpolc::ir
