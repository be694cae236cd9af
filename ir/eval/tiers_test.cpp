// Levels (semantics reference 5.1, 5.10, 6.6): tiers, priorities and the order of rules, by hand.
#include <doctest/doctest.h>

#include "ir/eval/eval.h"

namespace netpolc::ir::eval {
namespace {

PeerFacts pod(const char* app) {
  return {{{"k8s", "app", app}, {"k8s", "io.kubernetes.pod.namespace", "a"}}, {}, false, {}};
}

Rule rule(Action action, const char* app, std::uint16_t port = 0) {
  Rule out;
  out.action = action;
  out.peer_kind = PeerKind::Listed;
  out.peers = {LabelPeer{app ? Selector{{Requirement{"k8s", "app", Operator::In, {app}}}} : Selector{}, true}};
  out.any_l4 = port == 0;
  if (port != 0) out.ports.push_back({{{Protocol::Tcp, port, port, ""}}, {}, {}});
  return out;
}
const char* const kAnyone = nullptr;

struct Fixture {
  PolicySet policies;
  Cluster cluster;

  Fixture() { cluster.config.version = 20; }

  void tier(Tier tier, std::uint16_t priority, std::vector<Rule> rules) {
    Policy policy;
    policy.kind = PolicyKind::ClusterNetworkPolicy;
    policy.tier = tier;
    policy.priority = priority;
    for (std::uint16_t i = 0; i < rules.size(); ++i) rules[i].order = i;
    policy.rules = std::move(rules);
    policies.policies.push_back(std::move(policy));
  }
  void normal(std::vector<Rule> rules, bool default_deny = true) {
    Policy policy;
    policy.ns = "a";
    policy.default_deny_ingress = default_deny;
    policy.rules = std::move(rules);
    policies.policies.push_back(std::move(policy));
  }
  SideVerdict judge(const PeerFacts& peer, std::uint16_t port = 80) const {
    const Resolutions none;
    return SubjectPolicy(World{policies, cluster, none}, {pod("subject").labels, "a", {}, false}).judge(Direction::Ingress, peer, {Protocol::Tcp, port});
  }
  Verdict in(const char* app, std::uint16_t port = 80) const { return judge(pod(app), port).verdict; }
};

using enum Action;
using enum Tier;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an accept of the Admin tier beats a deny of the Normal tier, and is named") {
  normal({rule(Deny, kAnyone)});
  tier(Admin, 7, {rule(Allow, "x", 80)});
  const SideVerdict verdict = judge(pod("x"));
  CHECK(verdict.verdict == Verdict::Allow);
  CHECK(verdict.rules == std::vector<RuleRef>{{1, 0}});
  CHECK(verdict.enforcement == Enforcement::DefaultDeny);
  CHECK(in("x", 81) == Verdict::Deny);
  CHECK(in("y") == Verdict::Deny);
}

TEST_CASE_FIXTURE(Fixture, "a deny of the Admin tier beats an allow of the Normal tier") {
  normal({rule(Allow, kAnyone)});
  tier(Admin, 7, {rule(Deny, "x", 80)});
  CHECK(in("x") == Verdict::Deny);
  CHECK(judge(pod("x")).rules == std::vector<RuleRef>{{1, 0}});
  CHECK(in("x", 81) == Verdict::Allow);
}

TEST_CASE_FIXTURE(Fixture, "no tier but the Normal one denies by default") {
  tier(Admin, 0, {rule(Allow, "x")});
  tier(Baseline, 0, {rule(Allow, "x")});
  CHECK(in("y") == Verdict::Allow);
  CHECK(judge(pod("y")).enforcement == Enforcement::DefaultAllow);
  cluster.config.non_default_deny_policies = false;  // an option of Cilium's own policies
  CHECK(in("y") == Verdict::Allow);
  normal({rule(Allow, "z")});
  CHECK(in("y") == Verdict::DefaultDeny);
  CHECK(judge(pod("y")).rules == std::vector<RuleRef>{{2, 0}});
  CHECK(in("x") == Verdict::Allow);
}

TEST_CASE_FIXTURE(Fixture, "the lower priority is asked first, then the earlier rule") {
  tier(Admin, 2, {rule(Deny, kAnyone)});
  tier(Admin, 1, {rule(Allow, "x", 80), rule(Deny, "x"), rule(Allow, kAnyone, 81)});
  CHECK(in("x") == Verdict::Allow);
  CHECK(in("x", 81) == Verdict::Deny);
  CHECK(judge(pod("x"), 81).rules == std::vector<RuleRef>{{1, 1}});
  CHECK(in("y", 81) == Verdict::Allow);
  CHECK(in("y") == Verdict::Deny);
  CHECK(judge(pod("y")).rules == std::vector<RuleRef>{{0, 0}});
}

TEST_CASE_FIXTURE(Fixture, "on one level deny beats allow, and allow beats pass") {
  tier(Admin, 1, {rule(Allow, "x")});
  tier(Admin, 1, {rule(Pass, kAnyone)});
  normal({rule(Deny, kAnyone)});
  CHECK(in("x") == Verdict::Allow);
  CHECK(in("y") == Verdict::Deny);
  tier(Admin, 1, {rule(Deny, kAnyone)});
  CHECK(in("x") == Verdict::Deny);
  CHECK(judge(pod("x")).rules == std::vector<RuleRef>{{3, 0}});
}

TEST_CASE_FIXTURE(Fixture, "a pass leaves out the rest of its tier and no more") {
  tier(Admin, 1, {rule(Pass, "x", 80), rule(Deny, kAnyone)});
  tier(Admin, 2, {rule(Deny, kAnyone)});
  CHECK(in("x") == Verdict::Allow);
  CHECK(in("x", 81) == Verdict::Deny);
  tier(Baseline, 0, {rule(Deny, kAnyone)});
  CHECK(in("x") == Verdict::Deny);
  normal({rule(Allow, "x")});
  CHECK(in("x") == Verdict::Allow);
}

TEST_CASE_FIXTURE(Fixture, "a pass of the Baseline tier leads to what holds without rules") {
  tier(Baseline, 1, {rule(Pass, "x"), rule(Deny, kAnyone)});
  CHECK(in("x") == Verdict::Allow);
  CHECK(in("y") == Verdict::Deny);
  normal({rule(Allow, "z")});
  CHECK(in("x") == Verdict::Deny);  // default deny, which is a rule beside one that passes
  CHECK(judge(pod("x")).rules == std::vector<RuleRef>{{1, 0}});
}

TEST_CASE_FIXTURE(Fixture, "the Baseline tier is asked where no rule of the Normal tier matches") {
  tier(Baseline, 0, {rule(Deny, "x"), rule(Allow, "y")});
  CHECK(in("x") == Verdict::Deny);
  CHECK(in("z") == Verdict::Allow);
  normal({rule(Allow, "x", 80)});
  CHECK(in("x") == Verdict::Allow);
  CHECK(in("x", 81) == Verdict::Deny);
  // Default deny comes after all tiers in Cilium, unlike in the text of the API.
  CHECK(in("y") == Verdict::Allow);
  CHECK(in("z") == Verdict::DefaultDeny);
}

TEST_CASE_FIXTURE(Fixture, "the own node is let in where no rule of any tier decides") {
  const PeerFacts host{{{"reserved", "host", ""}}, {}, false, {}};
  normal({rule(Allow, "x")});
  tier(Admin, 0, {rule(Pass, kAnyone)});
  CHECK(judge(host).verdict == Verdict::Allow);
  CHECK(judge(host).localhost_exception);
  tier(Baseline, 0, {rule(Deny, kAnyone)});
  CHECK(judge(host).verdict == Verdict::Deny);
}

TEST_CASE_FIXTURE(Fixture, "L7 rules of the Normal tier are for what was passed, not for what was accepted before") {
  Rule web = rule(Allow, kAnyone, 80);
  web.ports[0].l7.parser = L7Parser::Http;
  web.ports[0].l7.http = {HttpRule{"/x", "GET", "", {}, {}}};
  normal({web});
  tier(Admin, 0, {rule(Allow, "x"), rule(Pass, "y"), rule(Deny, kAnyone)});
  CHECK(in("x") == Verdict::Allow);
  CHECK(in("y") == Verdict::AllowL7);
  CHECK(in("z") == Verdict::Deny);
}

TEST_CASE_FIXTURE(Fixture, "a ClusterNetworkPolicy is for pods, of every namespace") {
  tier(Admin, 0, {rule(Deny, kAnyone)});
  const Resolutions none;
  const World world{policies, cluster, none};
  CHECK(SubjectPolicy(world, {{{"k8s", "app", "s"}}, "b", {}, false}).judge(Direction::Ingress, pod("x"), {}).verdict == Verdict::Deny);
  cluster.config.host_firewall = true;
  CHECK(SubjectPolicy(world, {{{"reserved", "host", ""}}, "", {}, true}).judge(Direction::Ingress, pod("x"), {}).verdict == Verdict::Allow);
}

TEST_CASE_FIXTURE(Fixture, "rules of different levels do not conflict") {
  const auto with = [](L7Parser parser) {
    Rule out = rule(Allow, "x", 80);
    out.ports[0].l7.parser = parser;
    if (parser == L7Parser::Http) out.ports[0].l7.http = {HttpRule{}};
    else out.ports[0].l7.dns = {DnsRule{"x.com", ""}};
    return out;
  };
  const Resolutions none;
  normal({with(L7Parser::Http)});
  tier(Admin, 0, {with(L7Parser::Dns)});
  const Subject subject{pod("subject").labels, "a", {}, false};
  CHECK_FALSE(SubjectPolicy(World{policies, cluster, none}, subject).incomputable());
  CHECK(judge(pod("x")).l7 == L7Parser::Dns);
  normal({with(L7Parser::Dns)});
  CHECK(SubjectPolicy(World{policies, cluster, none}, subject).incomputable());
}

}  // namespace netpolc::ir::eval
