// Witnesses before real programs, and words of the interpreter that were changed on purpose: each change must be noticed.
#include "compiler/kernel_judge/witness.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

#include "compiler/kernel_judge/kernel.h"
#include "ir/map_layout.h"

using namespace netpolc;
using namespace netpolc::kernel_judge;

namespace {

using verify::Found;
using verify::Wanted;

ir::LabelSet labels(const char* app) { return {{"k8s", "app", app}, {"k8s", "io.kubernetes.pod.namespace", "n"}}; }

ir::Endpoint pod(const char* app) {
  ir::Endpoint out;
  out.ns = "n";
  out.name = app;
  out.kind = "Pod";
  out.labels = labels(app);
  return out;
}

ir::Rule rule(const char* path, ir::Action action, const char* app, std::uint16_t port, bool http = false) {
  ir::Rule out;
  out.path = path;
  out.action = action;
  out.peer_kind = ir::PeerKind::Listed;
  out.peers = {ir::LabelPeer{{{{"k8s", "app", ir::Operator::In, {app}}, {"k8s", "io.kubernetes.pod.namespace", ir::Operator::In, {"n"}}}}, {}}};
  out.any_l4 = false;
  ir::L7 l7;
  if (http) {
    l7.parser = ir::L7Parser::Http;
    l7.http = {{"/x", "", "", {}, {}}};
  }
  out.ports = {{{{ir::Protocol::Tcp, port, port, ""}}, l7, {}}};
  return out;
}

// What `n/db` takes in: 80 from web, 81 from web through a proxy, 82 not from web.
struct World {
  ir::PolicySet policies;
  ir::Cluster cluster;
  ir::Resolutions resolutions;
  World() {
    cluster.namespaces.push_back({"n", {}, {}});
    cluster.endpoints = {pod("db"), pod("web")};
    ir::Policy& policy = policies.policies.emplace_back();
    policy.ns = "n";
    policy.name = "db";
    policy.subject.requirements = {{"k8s", "app", ir::Operator::In, {"db"}}};
    policy.default_deny_ingress = true;
    policy.rules = {rule("ingress[0]", ir::Action::Allow, "web", 80), rule("ingress[1]", ir::Action::Allow, "web", 81, true), rule("ingressDeny[0]", ir::Action::Deny, "web", 82)};
  }
  verify::Witness find(const char* from, const char* to, std::uint16_t port, Wanted wanted) const {
    const ir::eval::World world{policies, cluster, resolutions};
    const ir::IdentityLock lock;
    verify::Judge judge(world, lock);
    verify::Claims claims(world, judge, [](const std::string&) { return true; });
    verify::Inquiry inquiry;
    inquiry.name = "test";
    inquiry.from = *claims.ends(from);
    inquiry.to = *claims.ends(to);
    inquiry.traffic = {ir::Protocol::Tcp, port, port};
    inquiry.wanted = wanted;
    inquiry.without = {"host", "init"};
    return std::get<Found>(claims.look_for(inquiry)).witness;
  }
};

WitnessSaid ask(const ir::PolicySet& policies, const verify::Witness& witness) {
  static Programs programs;
  return replay({policies, *witness.scene, witness.flow, witness.egress, witness.ingress}, programs);
}

bool skipped() {
  const auto why = kernel_unavailable();
  if (why) MESSAGE("skipped: " << *why);
  return why.has_value();
}

}  // namespace

TEST_CASE("programs say of witnesses what the interpreter says, and by which rule") {
  if (skipped()) return;
  const World world;
  const auto said = [&](std::uint16_t port, Wanted wanted) { return ask(world.policies, world.find("n/[app=web]", "n/[app=db]", port, wanted)); };
  const std::vector<std::string> both{"IPv4", "IPv6"};
  const WitnessSaid open = said(80, Wanted::Allowed);
  CHECK(open.egress.reason == NP_REASON_FORWARDED);
  CHECK_FALSE(open.egress.rule);
  CHECK(open.ingress.reason == NP_REASON_FORWARDED);
  CHECK(open.ingress.rule == ir::RuleRef{0, 0});
  CHECK(open.egress.families == both);
  CHECK(open.ingress.families == both);
  CHECK(said(81, Wanted::Allowed).ingress.reason == NP_REASON_L7_NOT_ENFORCED);
  const WitnessSaid denied = said(82, Wanted::Denied);
  CHECK(denied.ingress.reason == NP_REASON_DENY);
  CHECK(denied.ingress.rule == ir::RuleRef{0, 2});
  CHECK(said(83, Wanted::Denied).ingress.reason == NP_REASON_DEFAULT_DENY);
}

TEST_CASE("who has no program is not asked, by name") {
  if (skipped()) return;
  const World world;
  const WitnessSaid said = ask(world.policies, world.find("n/[app=web]", "ip:192.0.2.1", 80, Wanted::Allowed));
  CHECK(said.egress.families == std::vector<std::string>{"IPv4"});
  CHECK(said.ingress.not_asked == "ip:192.0.2.1 has no policy");
}

TEST_CASE("programs know the own node by its addresses where policies may") {
  if (skipped()) return;
  World world;
  world.cluster.config.cidr_matches_nodes = true;
  ir::Node& node = world.cluster.nodes.emplace_back();
  node.name = "one";
  node.addresses = {*IpAddress::parse("192.168.0.1"), *IpAddress::parse("203.0.113.7")};
  for (ir::Endpoint& endpoint : world.cluster.endpoints) endpoint.pods.emplace_back().node = "one";
  ir::Policy& policy = world.policies.policies.emplace_back();
  policy.ns = "n";
  policy.name = "web";
  policy.subject.requirements = {{"k8s", "app", ir::Operator::In, {"web"}}};
  for (const auto& [action, address] : {std::pair{ir::Action::Allow, "192.168.0.0/16"}, std::pair{ir::Action::Deny, "203.0.113.7/32"}}) {
    ir::Rule& one = policy.rules.emplace_back();
    one.direction = ir::Direction::Egress;
    one.path = action == ir::Action::Deny ? "egressDeny[0]" : "egress[0]";
    one.action = action;
    one.peer_kind = ir::PeerKind::Listed;
    one.peers = {ir::CidrPeer{*IpPrefix::parse(address), {}, false}};
  }
  policy.default_deny_egress = true;
  const auto said = [&](const char* to, Wanted wanted) { return ask(world.policies, world.find("n/web", to, 80, wanted)).egress; };
  CHECK(said("ip:192.168.0.1", Wanted::Allowed).rule == ir::RuleRef{1, 0});
  CHECK(said("ip:203.0.113.7", Wanted::Denied).reason == NP_REASON_DENY);
  CHECK(said("ip:203.0.113.7", Wanted::Denied).rule == ir::RuleRef{1, 1});
}

TEST_CASE("a program of other policies does not pass for one of these") {
  if (skipped()) return;
  const World world;
  const verify::Witness open = world.find("[app=web]", "n/[app=db]", 80, Wanted::Allowed), denied = world.find("[app=web]", "n/[app=db]", 82, Wanted::Denied);
  const auto with = [&](const verify::Witness& witness, void (*change)(ir::Policy&)) {
    ir::PolicySet changed = world.policies;
    change(changed.policies[0]);
    CHECK_THROWS_AS(ask(changed, witness), std::logic_error);
  };
  with(open, [](ir::Policy& p) { p.rules[0].ports[0].ports[0].first = p.rules[0].ports[0].ports[0].last = 8080; });
  with(open, [](ir::Policy& p) { p.rules[0].action = ir::Action::Deny; });
  with(open, [](ir::Policy& p) { p.rules[0].ports[0].l7 = p.rules[1].ports[0].l7; });
  with(open, [](ir::Policy& p) { p.subject.requirements[0].values = {"nobody"}; });
  with(open, [](ir::Policy& p) { std::swap(p.rules[0], p.rules[1]); });  // another rule has the number
  with(denied, [](ir::Policy& p) { p.rules.pop_back(); });
  with(denied, [](ir::Policy& p) { p.rules[2].action = ir::Action::Allow; });
}

TEST_CASE("a witness that was told wrong is not borne out") {
  if (skipped()) return;
  const World world;
  const verify::Witness right = world.find("n/[app=web]", "n/[app=db]", 80, Wanted::Allowed);
  const auto with = [&](const auto& change) {
    verify::Witness wrong = right;
    verify::Scene scene = *right.scene;
    change(wrong, scene);
    wrong.scene = std::make_shared<const verify::Scene>(scene);
    CHECK_THROWS_AS(ask(world.policies, wrong), std::logic_error);
  };
  using W = verify::Witness;
  with([](W& w, verify::Scene&) { w.flow.number = 83; });
  with([](W& w, verify::Scene&) { w.flow.protocol = ir::Protocol::Udp; });
  with([](W& w, verify::Scene&) { w.ingress->verdict.verdict = ir::Verdict::DefaultDeny; });
  with([](W& w, verify::Scene&) { w.ingress->verdict.verdict = ir::Verdict::AllowL7; });
  with([](W& w, verify::Scene&) { w.ingress->verdict.rules = {{0, 1}}; });
  with([](W&, verify::Scene& s) { s.cluster.endpoints[s.from.end.index].labels = labels("other"); });
  with([](W&, verify::Scene& s) { s.from.end = {.kind = verify::EndKind::Address, .name = "ip:192.0.2.1", .address = IpAddress::parse("192.0.2.1")}; });
}
