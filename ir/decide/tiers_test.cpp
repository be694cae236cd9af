// Tables of endpoints that ClusterNetworkPolicies select (section 5.10), against the interpreter.
#include "ir/decide/tiers.h"

#include <doctest/doctest.h>

#include <random>

#include "ir/decide/table.h"
#include "ir/eval/eval.h"

namespace netpolc::ir {
namespace {

constexpr const char* kRoles[] = {"subject", "good", "bad", "ugly"};

struct World {
  PolicySet policies;
  Cluster cluster;
  Resolutions resolutions;

  World() {
    cluster.config.version = 20;
    for (const char* role : kRoles) {
      Endpoint endpoint;
      endpoint.ns = "a";
      endpoint.name = role;
      endpoint.labels = {{"k8s", "role", role}};
      cluster.endpoints.push_back(endpoint);
    }
  }
  Policy& tier(Tier tier, std::uint16_t priority, std::vector<Rule> rules) {
    Policy policy;
    policy.kind = tier == Tier::Normal ? PolicyKind::CiliumClusterwideNetworkPolicy : PolicyKind::ClusterNetworkPolicy;
    policy.tier = tier;
    policy.priority = priority;
    policy.default_deny_ingress = tier == Tier::Normal;
    policy.rules = std::move(rules);
    for (std::uint16_t i = 0; tier != Tier::Normal && i < policy.rules.size(); ++i) policy.rules[i].order = i;
    policies.policies.push_back(std::move(policy));
    return policies.policies.back();
  }
};

Rule rule(Action action, const char* role) {
  Rule out;
  out.action = action;
  out.peer_kind = PeerKind::Listed;
  out.peers = {LabelPeer{role ? Selector{{Requirement{"k8s", "role", Operator::In, {role}}}} : Selector{}, true}};
  return out;
}
Rule on(Rule rule, Protocol protocol, std::uint16_t first, std::uint16_t last, L7 l7 = {}) {
  rule.any_l4 = false;
  rule.ports.push_back({{{protocol, first, last, ""}}, std::move(l7), {}});
  return rule;
}
L7 http() {
  L7 l7;
  l7.parser = L7Parser::Http;
  l7.http = {HttpRule{"/x", "GET", "", {}, {}}};
  return l7;
}

// A table and the interpreter on one subject, over everyone who could ask.
struct Both {
  const World& world;
  Identities identities;
  Decisions decisions;
  eval::SubjectPolicy policy;

  explicit Both(const World& w)
      : world(w),
        identities(Identities::build(w.policies, w.cluster, w.resolutions)),
        decisions(decide(w.policies, w.cluster, w.resolutions, identities)),
        policy({w.policies, w.cluster, w.resolutions}, {w.cluster.endpoints[0].labels, "a", {}, false}) {}

  const DecisionTable& table() const { return decisions.tables[decisions.endpoints[0].table]; }

  void compare(std::uint32_t identity, const PeerFacts& facts, Flow flow) const {
    const SideVerdict by_table = look_up(table().ingress, identity, flow), by_rules = policy.judge(Direction::Ingress, facts, flow);
    CHECK(by_table.verdict == by_rules.verdict);
    CHECK(by_table.l7 == by_rules.l7);
    CHECK(by_table.enforcement == by_rules.enforcement);
    CHECK(by_table.localhost_exception == by_rules.localhost_exception);
    // The table keeps one rule of those that say the same; and none of default deny.
    for (const RuleRef ref : by_table.rules) CHECK(std::find(by_rules.rules.begin(), by_rules.rules.end(), ref) != by_rules.rules.end());
  }
  void compare(Flow flow) const {
    for (std::size_t e = 0; e < world.cluster.endpoints.size(); ++e)
      compare(identities.of_endpoint(e), {world.cluster.endpoints[e].labels, {}, false, {}}, flow);
    compare(1, {{{"reserved", "host", ""}}, {}, false, {}}, flow);
    compare(0, {{}, {}, true, {}}, flow);
  }
};

Verdict of(const Both& both, std::size_t endpoint, Flow flow) {
  return look_up(both.table().ingress, both.identities.of_endpoint(endpoint), flow).verdict;
}
constexpr std::size_t good = 1, bad = 2, ugly = 3;
constexpr Flow kWeb{Protocol::Tcp, 80}, kOther{Protocol::Tcp, 81};

}  // namespace

TEST_CASE("who passes meets the entries of later tiers, and no one else does") {
  World world;
  world.tier(Tier::Admin, 0, {on(rule(Action::Pass, "good"), Protocol::Tcp, 80, 80), rule(Action::Deny, nullptr)});
  world.tier(Tier::Normal, 0, {on(rule(Action::Allow, nullptr), Protocol::Tcp, 80, 81, http())});
  const Both both(world);
  CHECK(of(both, good, kWeb) == Verdict::AllowL7);
  CHECK(of(both, good, kOther) == Verdict::Deny);
  CHECK(of(both, bad, kWeb) == Verdict::Deny);
  for (const L4Class& c : both.table().ingress.classes)
    for (const TableEntry& entry : c.entries) CHECK(entry.action != Action::Pass);
}

TEST_CASE("a pass with nothing behind it in its tier costs nothing") {
  World world;
  world.tier(Tier::Admin, 0, {rule(Action::Deny, "bad"), rule(Action::Pass, "good")});
  world.tier(Tier::Normal, 0, {rule(Action::Allow, "ugly")});
  const Both both(world);
  CHECK(both.table().ingress.bits.size() == 4);  // everyone, bad, the host, ugly
  CHECK(of(both, bad, kWeb) == Verdict::Deny);
  CHECK(of(both, ugly, kWeb) == Verdict::Allow);
  both.compare(kWeb);
}

TEST_CASE("equal rules on different levels are different policies") {
  World world;
  world.tier(Tier::Admin, 1, {rule(Action::Allow, "good")}).subject = {{{"k8s", "role", Operator::In, {"subject"}}}};
  world.tier(Tier::Admin, 2, {rule(Action::Allow, "good")}).subject = {{{"k8s", "role", Operator::In, {"good"}}}};
  const Both both(world);
  CHECK(both.decisions.endpoints[0].table != both.decisions.endpoints[1].table);
  CHECK(both.decisions.endpoints[0].ingress_rules == std::vector<RuleRef>{{0, 0}, synthesized_rule});
}

TEST_CASE("authentication together with tiers is refused") {
  World world;
  world.tier(Tier::Admin, 1, {rule(Action::Deny, "bad")});
  Rule asking = rule(Action::Allow, "good");
  asking.auth = AuthMode::Required;
  world.tier(Tier::Normal, 0, {asking});
  const Both both(world);
  REQUIRE(both.table().incomputable);
  CHECK(both.table().incomputable->rules == std::vector<RuleRef>{{1, 0}});
}

TEST_CASE("passes that would take too many entries are given up") {
  World world;
  const Identities identities = Identities::build(world.policies, world.cluster, world.resolutions);
  const SelectorIndex index(identities.all());
  Conditions conditions(index, world.cluster);
  const auto entry = [](Tier tier, std::uint16_t order, Action action) {
    return PeerEntry{{true, Protocol::Any, 0, 65535, 0, {.action = action}}, everyone, place_of({tier, 0, order})};
  };
  std::vector<PeerEntry> entries{entry(Tier::Admin, 0, Action::Pass), entry(Tier::Admin, 1, Action::Deny)};
  for (int i = 0; i < 10; ++i) entries.push_back(entry(Tier::Normal, 0, Action::Allow));
  auto again = entries;
  CHECK_FALSE(resolve_passes(entries, conditions, 9));
  CHECK(resolve_passes(again, conditions, 10));
  CHECK(again.size() == 21);
}

TEST_CASE("tables say of tiers what the interpreter says") {
  std::mt19937 random(11);
  const auto pick = [&](unsigned n) { return static_cast<std::uint16_t>(random() % n); };
  const Protocol protocols[] = {Protocol::Tcp, Protocol::Udp, Protocol::Any, Protocol::Icmp};
  const auto make = [&](bool normal) {
    const Action actions[] = {Action::Allow, Action::Deny, Action::Pass};
    Rule out = rule(actions[pick(normal ? 2 : 3)], pick(4) ? kRoles[pick(4)] : nullptr);
    if (pick(3) == 0) return out;
    const auto first = static_cast<std::uint16_t>(pick(6));
    const auto last = first == 0 ? first : static_cast<std::uint16_t>(first + pick(4));
    const bool l7 = out.action == Action::Allow && pick(4) == 0;
    return on(std::move(out), protocols[l7 ? 0 : pick(4)], first, last, l7 ? http() : L7{});
  };
  for (int round = 0; round < 400; ++round) {
    World world;
    for (int n = 1 + pick(5); n > 0; --n) {
      const Tier tier = std::array{Tier::Admin, Tier::Normal, Tier::Baseline}[pick(3)];
      std::vector<Rule> rules;
      for (int k = 1 + pick(4); k > 0; --k) rules.push_back(make(tier == Tier::Normal));
      Policy& policy = world.tier(tier, tier == Tier::Normal ? 0 : pick(3), std::move(rules));
      if (pick(4) == 0) policy.default_deny_ingress = false;
    }
    world.cluster.config.allow_localhost = pick(4) != 0;
    const Both both(world);
    REQUIRE_FALSE(both.table().incomputable);
    for (Protocol protocol : {Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Gre})
      for (std::uint16_t number = 0; number < 10; ++number) both.compare({protocol, number});
  }
}

}  // namespace netpolc::ir
