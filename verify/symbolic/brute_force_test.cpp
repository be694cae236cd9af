// What is said of every pod that could be, held against all pods of a small universe, judged one by one by the
// interpreter: random policies of everything that concerns pods, in every version.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "ir/eval/match.h"
#include "verify/claims.h"
#include "verify/dead.h"
#include "verify/random_for_tests.h"

using namespace netpolc;
using namespace netpolc::verify;

namespace {

using P = ir::Protocol;

// With sanitizers a tenth of it is tried.
#ifdef NETPOLC_SANITIZED
constexpr std::uint32_t kShare = 10;
#else
constexpr std::uint32_t kShare = 1;
#endif

constexpr const char* kNs = "io.kubernetes.pod.namespace";
constexpr const char* kName = "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name";
constexpr const char* kCluster = "io.cilium.k8s.policy.cluster";
constexpr const char* kTeam = "io.cilium.k8s.namespace.labels.team";
constexpr const char* kSa = "io.cilium.k8s.policy.serviceaccount";

using Keys = std::vector<std::string>;  // that the policies of a world speak of, beside the namespace

Keys some_keys(Random& random) {
  Keys all{"a", "b", kTeam, kSa};
  while (all.size() > 2) all.erase(all.begin() + random.below(static_cast<std::uint32_t>(all.size())));
  return all;
}

ir::Requirement requirement(Random& random, const Keys& keys) {
  const auto key = random.one_in(5) ? std::string(random.one_in(4) ? kName : kNs) : random.one_in(20) ? std::string("filtered.k8s.io/x") : random.of(keys);
  ir::Requirement out{random.of<std::string>({"k8s", "any", "any", "reserved"}), key,
                      random.of({ir::Operator::In, ir::Operator::In, ir::Operator::NotIn, ir::Operator::Exists, ir::Operator::DoesNotExist}), {}};
  if (out.source == "reserved" && !random.one_in(6)) out.source = "k8s";
  if (out.op == ir::Operator::In || out.op == ir::Operator::NotIn) {
    if (key == kNs || key == kName) out.values = {random.of<std::string>({"n1", "n2", "n3"})};
    else if (key == kTeam) out.values = {random.of<std::string>({"red", "blue"})};
    else if (key == kSa) out.values = {random.of<std::string>({"default", "robot"})};
    else out.values = {"x"};
    if (random.one_in(4) && key == std::string("a")) out.values.push_back("y");
  }
  return out;
}

ir::Selector selector(Random& random, const Keys& keys, std::uint32_t most) {
  ir::Selector out;
  for (std::uint32_t n = random.below(most + 1); n > 0; --n) out.requirements.push_back(requirement(random, keys));
  ir::normalise(out);
  return out;
}

ir::PortRule ports(Random& random, bool names, bool l7) {
  ir::PortRule out;
  for (std::uint32_t n = 1 + random.below(2); n > 0; --n) {
    if (names && random.one_in(3)) {
      out.ports.push_back({random.of({P::Tcp, P::Any}), 0, random.of({std::uint16_t{0}, std::uint16_t{90}}), "web"});
      continue;
    }
    out.ports.push_back(random.of<ir::PortMatch>({{P::Tcp, 80, 80, ""}, {P::Tcp, 80, 90, ""}, {P::Udp, 53, 53, ""}, {P::Any, 80, 80, ""}, {P::Any, 0, 0, ""}, {P::Icmp, 8, 8, ""}, {P::Icmp, 0, 0, ""}}));
  }
  if (l7 && random.one_in(3)) {
    out.ports = {{P::Tcp, 80, 80, ""}};
    out.l7.parser = ir::L7Parser::Http;
    out.l7.http = {{"/x", "GET", "", {}, {}}};
  }
  return out;
}

ir::Peer peer(Random& random, const Keys& keys) {
  if (random.one_in(5)) return ir::EntityPeer{random.of({ir::Entity::All, ir::Entity::Cluster, ir::Entity::World, ir::Entity::Host, ir::Entity::RemoteNode, ir::Entity::None})};
  if (random.one_in(8)) return ir::CidrPeer{*IpPrefix::parse(random.of({"0.0.0.0/0", "10.0.0.0/8"})), {}, false};
  return ir::LabelPeer{selector(random, keys, 2), !random.one_in(6)};
}

ir::Rule rule(Random& random, const Keys& keys, ir::Direction direction, bool tiered, bool names, ir::CiliumVersion version) {
  ir::Rule out;
  out.direction = direction;
  out.action = random.one_in(4) ? ir::Action::Deny : tiered && random.one_in(3) ? ir::Action::Pass : ir::Action::Allow;
  out.peer_kind = random.of({ir::PeerKind::Listed, ir::PeerKind::Listed, ir::PeerKind::Listed, ir::PeerKind::Unspecified, ir::PeerKind::Nobody});
  if (out.peer_kind == ir::PeerKind::Listed)
    for (std::uint32_t n = 1 + random.below(2); n > 0; --n) out.peers.push_back(peer(random, keys));
  if (version < 19 && !tiered && random.one_in(8)) out.requires_all.push_back(selector(random, keys, 1));
  out.any_l4 = random.one_in(2);
  if (!out.any_l4)
    for (std::uint32_t n = 1 + random.below(2); n > 0; --n) out.ports.push_back(ports(random, names, out.action == ir::Action::Allow && !tiered));
  if (tiered) out.order = static_cast<std::uint16_t>(random.below(2));
  return out;
}

ir::Policy policy(Random& random, const Keys& keys, bool names, ir::CiliumVersion version) {
  ir::Policy out;
  const bool tiered = version >= 20 && random.one_in(3);
  out.kind = tiered ? ir::PolicyKind::ClusterNetworkPolicy
                    : random.of({ir::PolicyKind::CiliumNetworkPolicy, ir::PolicyKind::CiliumNetworkPolicy, ir::PolicyKind::CiliumClusterwideNetworkPolicy});
  if (out.kind == ir::PolicyKind::CiliumNetworkPolicy) out.ns = random.of<std::string>({"n1", "n1", "n2", "n3"});
  out.name = "p";
  out.subject = selector(random, keys, 2);
  out.default_deny_ingress = !random.one_in(4);
  out.default_deny_egress = !random.one_in(4);
  if (tiered) {
    out.tier = random.of({ir::Tier::Admin, ir::Tier::Baseline});
    out.priority = static_cast<std::uint16_t>(random.below(2));
  }
  for (std::uint32_t n = 1 + random.below(3); n > 0; --n)
    out.rules.push_back(rule(random, keys, random.of({ir::Direction::Ingress, ir::Direction::Egress}), tiered, names, version));
  return out;
}

struct World {
  ir::PolicySet policies;
  ir::Cluster cluster;
  ir::Resolutions resolutions;
  ir::IdentityLock lock;
  ir::eval::World world() const { return {policies, cluster, resolutions}; }
};

World random_world(Random& random, const Keys& keys, bool names) {
  World out;
  auto& config = out.cluster.config;
  config.version = 16 + static_cast<int>(random.below(5));
  config.mode = random.one_in(8) ? ir::PolicyMode::Always : random.one_in(20) ? ir::PolicyMode::Never : ir::PolicyMode::Default;
  config.host_firewall = random.one_in(4);
  config.non_default_deny_policies = !random.one_in(5);
  ir::Namespace n1, n2;
  n1.name = "n1";
  n1.labels = {{"team", "red"}};
  n2.name = "n2";
  out.cluster.namespaces = {n1, n2};
  for (std::uint32_t n = 1 + random.below(5); n > 0; --n) out.policies.policies.push_back(policy(random, keys, names, config.version));
  if (names && random.one_in(2)) {
    ir::Endpoint known;
    known.ns = "n1";
    known.name = "known";
    known.labels = {{"k8s", "a", "known"}, {"k8s", kNs, "n1"}, {"k8s", kTeam, "red"}, {"k8s", kSa, "default"}};
    known.named_ports = {{"web", 85, P::Tcp}};
    out.cluster.endpoints = {known};
  }
  return out;
}

struct Pod {
  ir::Subject subject;
  bool matches(const PodPattern& pattern) const {
    if (pattern.ns && *pattern.ns != subject.ns) return false;
    return std::all_of(pattern.labels.begin(), pattern.labels.end(), [&](const auto& want) {
      return std::any_of(subject.labels.begin(), subject.labels.end(), [&](const ir::Label& l) { return l.key == want.first && l.value == want.second; });
    });
  }
};

// Every pod of the small universe: what these keys and ports can be, and any other value.
// `quirks`: with labels that mean something to Cilium whatever policies say (section 4.1).
std::vector<Pod> universe(const Keys& keys, bool names, bool quirks) {
  using Values = std::vector<std::string>;
  const auto values = [&](const char* key, Values all, const char* otherwise) {
    return std::find(keys.begin(), keys.end(), key) == keys.end() ? Values{otherwise} : all;
  };
  std::vector<Pod> out;
  for (const std::string& a : values("a", {"", "x", "y", "other"}, ""))
    for (const std::string& b : values("b", {"", "x", "other"}, ""))
      for (const std::string ns : {"n1", "n2", "n3", "new"})
        for (const std::string& team : values(kTeam, {"", "red", "blue", "other"}, ns == "n1" ? "red" : ""))
          for (const std::string& sa : values(kSa, {"default", "robot", "other"}, "default"))
            for (const std::string host : {"", "host", "init"})
              for (const std::uint16_t web : {std::uint16_t{0}, std::uint16_t{80}, std::uint16_t{85}, std::uint16_t{1}}) {
                if ((ns == "n1" && team != "red") || (ns == "n2" && !team.empty()) || (!names && web != 0) || (!quirks && !host.empty())) continue;
                Pod pod;
                pod.subject.ns = ns;
                for (const auto& [key, value] : std::initializer_list<std::pair<const char*, std::string>>{{"a", a}, {"b", b}, {host.c_str(), host}, {kNs, ns}, {kName, ns}, {kCluster, "default"}, {kTeam, team}, {kSa, sa}})
                  if (!value.empty()) pod.subject.labels.push_back({"k8s", key, value});
                ir::normalise(pod.subject.labels);
                if (web != 0) pod.subject.named_ports = {{"web", web, P::Tcp}};
                out.push_back(std::move(pod));
              }
  return out;
}

PodPattern pattern(Random& random, const Keys& keys) {
  PodPattern out{"pattern", std::nullopt, {}};
  if (random.one_in(2)) out.ns = random.of<std::string>({"n1", "n2", "n3", "n1"});
  for (const std::string& key : keys)
    if (random.one_in(3)) out.labels.emplace_back(key, key == kTeam ? random.of<std::string>({"red", "blue"}) : key == kSa ? "robot" : "x");
  return out;
}

constexpr ir::Flow kFlows[] = {{P::Tcp, 80}, {P::Tcp, 85}, {P::Tcp, 91}, {P::Tcp, 0}, {P::Udp, 53}, {P::Udp, 80}, {P::Udp, 1}, {P::Sctp, 80},
                               {P::Sctp, 81}, {P::Icmp, 8}, {P::Icmp, 3}, {P::Icmpv6, 8}, {P::Gre, 0}, {P::Any, 0}};

FlowRange traffic(Random& random) {
  if (random.one_in(3)) return {};
  const ir::Flow flow = kFlows[random.below(std::size(kFlows))];
  if (flow.protocol == P::Tcp && random.one_in(2)) return {P::Tcp, 80, 91};
  return {flow.protocol, flow.number, flow.number};
}
bool in(const FlowRange& range, ir::Flow flow) {
  return !range.protocol || (*range.protocol == flow.protocol && flow.number >= range.first && flow.number <= range.last);
}

bool passes(const ir::SideVerdict& verdict) { return verdict.verdict == ir::Verdict::Allow || verdict.verdict == ir::Verdict::AllowL7; }

ir::PeerFacts facts(const Pod& pod) { return {.labels = pod.subject.labels, .address = {}, .named_ports = pod.subject.named_ports}; }

bool wanted(const Inquiry& inquiry, const ir::SideVerdict& out, const ir::SideVerdict& in) {
  switch (inquiry.wanted) {
    case Wanted::Allowed: return passes(out) && passes(in);
    case Wanted::Denied: return !(passes(out) && passes(in));
    case Wanted::AllowedWithoutProxy: return out.verdict == ir::Verdict::Allow && in.verdict == ir::Verdict::Allow;
  }
  return false;
}

// Is there a pair as wanted? None: some pod's policy can't be computed.
std::optional<bool> by_force(const World& world, const Inquiry& inquiry, const std::vector<Pod>& pods) {
  const ir::eval::World judged = world.world();
  std::vector<ir::eval::SubjectPolicy> policies;
  for (const Pod& pod : pods) {
    policies.emplace_back(judged, pod.subject);
    if (policies.back().incomputable()) return std::nullopt;
  }
  for (std::size_t a = 0; a < pods.size(); ++a) {
    if (!pods[a].matches(inquiry.from.pods[0]) || (!inquiry.not_from.pods.empty() && pods[a].matches(inquiry.not_from.pods[0]))) continue;
    for (std::size_t b = 0; b < pods.size(); ++b) {
      if (!pods[b].matches(inquiry.to.pods[0]) || (!inquiry.not_to.pods.empty() && pods[b].matches(inquiry.not_to.pods[0]))) continue;
      for (const ir::Flow flow : kFlows)
        if (in(inquiry.traffic, flow) && wanted(inquiry, policies[a].judge(ir::Direction::Egress, facts(pods[b]), flow), policies[b].judge(ir::Direction::Ingress, facts(pods[a]), flow)))
          return true;
    }
  }
  return false;
}

// Where names of ports come from all pods of the cluster, there are these two and perhaps others.
std::optional<bool> by_force_with_ports(World& world, const Inquiry& inquiry, const std::vector<Pod>& pods) {
  const auto known = world.cluster.endpoints;
  const auto as_endpoint = [](const Pod& pod) {
    ir::Endpoint out;
    out.ns = pod.subject.ns;
    out.labels = pod.subject.labels;
    out.named_ports = pod.subject.named_ports;
    return out;
  };
  bool found = false;
  for (const Pod& from : pods) {
    if (!from.matches(inquiry.from.pods[0]) || (!inquiry.not_from.pods.empty() && from.matches(inquiry.not_from.pods[0]))) continue;
    for (const Pod& to : pods) {
      if (!to.matches(inquiry.to.pods[0]) || (!inquiry.not_to.pods.empty() && to.matches(inquiry.not_to.pods[0]))) continue;
      for (const int others : {0, 80, 85, 1}) {  // what another pod calls web; 1: several that disagree
        world.cluster.endpoints = known;
        world.cluster.endpoints.push_back(as_endpoint(from));
        world.cluster.endpoints.push_back(as_endpoint(to));
        for (const std::uint16_t number : {std::uint16_t{80}, std::uint16_t{85}}) {
          ir::Endpoint other;
          other.ns = "n1";
          other.named_ports = {{"web", number, P::Tcp}};
          if (others == 1 || others == number) world.cluster.endpoints.push_back(other);
        }
        const ir::eval::SubjectPolicy out(world.world(), from.subject), in_policy(world.world(), to.subject);
        if (out.incomputable() || in_policy.incomputable()) return std::nullopt;
        for (const ir::Flow flow : kFlows)
          found = found || (in(inquiry.traffic, flow) && wanted(inquiry, out.judge(ir::Direction::Egress, facts(to), flow), in_policy.judge(ir::Direction::Ingress, facts(from), flow)));
      }
      world.cluster.endpoints = known;
      if (found) return true;
    }
  }
  return false;
}

Inquiry inquiry(Random& random, const Keys& keys) {
  Inquiry out;
  out.name = "small universe";
  out.from.pods = {pattern(random, keys)};
  out.to.pods = {pattern(random, keys)};
  if (random.one_in(3)) out.not_from.pods = {pattern(random, keys)};
  if (random.one_in(3)) out.not_to.pods = {pattern(random, keys)};
  out.traffic = traffic(random);
  out.wanted = random.of({Wanted::Allowed, Wanted::Denied, Wanted::AllowedWithoutProxy});
  return out;
}

struct Seen {
  std::size_t found = 0, none = 0;
};

void compare(std::uint32_t seed, bool names, Seen& seen) {
  Random random(seed);
  const Keys keys = some_keys(random);
  World world = random_world(random, keys, names);
  Inquiry asked = inquiry(random, keys);
  const auto version = world.cluster.config.version;
  if (names && version < 17 && asked.wanted == Wanted::AllowedWithoutProxy) return;  // a range may begin with a name
  const bool quirks = !names && seed % 5 == 0;
  if (!quirks) asked.without = {"host", "init"};
  const std::vector<Pod> pods = universe(keys, names, quirks);
  const auto forced = names && version < 20 ? by_force_with_ports(world, asked, pods) : by_force(world, asked, pods);
  if (!forced) return;
  const ir::eval::World judged = world.world();
  Judge judge(judged, world.lock);
  Claims claims(judged, judge, [](const std::string& key) { return !key.starts_with("filtered."); });
  const Finding answer = claims.look_for(asked);
  std::string said = "none";
  if (const auto* it = std::get_if<Found>(&answer)) said = it->witness.from + " to " + it->witness.to + " " + ir::to_string(it->witness.flow.protocol) + "/" + std::to_string(it->witness.flow.number);
  INFO("seed " << seed << ", version " << version << (names ? ", named ports; " : "; ") << said << "; wanted " << static_cast<int>(asked.wanted));
  REQUIRE_FALSE(std::holds_alternative<NotKnown>(answer));
  CHECK(std::holds_alternative<Found>(answer) == *forced);
  (*forced ? seen.found : seen.none) += 1;
}

}  // namespace

TEST_CASE("what is found, or not, among all pods that could be is what is among those of a small universe") {
  Seen seen;
  for (std::uint32_t seed = 0; seed < 1500 / kShare; ++seed) compare(seed, false, seen);
  CHECK(seen.found > 300 / (kShare * kShare));  // both happen
  CHECK(seen.none > 300 / (kShare * kShare));
}

TEST_CASE("... where pods name ports") {
  Seen seen;
  for (std::uint32_t seed = 2000; seed < 2000 + (kShare == 1 ? 40 : 12); ++seed) compare(seed, true, seen);
  CHECK(seen.found > (kShare == 1 ? 5 : 0));
  CHECK(seen.none > (kShare == 1 ? 5 : 0));
}

// ---- two policy sets -----------------------------------------------------------------------------------

namespace {

// A little different, or only in another order.
ir::PolicySet changed(Random& random, ir::PolicySet set) {
  auto& all = set.policies;
  std::rotate(all.begin(), all.begin() + random.below(static_cast<std::uint32_t>(all.size())), all.end());
  ir::Policy& policy = all[random.below(static_cast<std::uint32_t>(all.size()))];
  ir::Rule& rule = policy.rules[random.below(static_cast<std::uint32_t>(policy.rules.size()))];
  switch (random.below(6)) {
    case 0: all.pop_back(); break;
    case 1: policy.default_deny_ingress = !policy.default_deny_ingress; break;
    case 2: policy.rules.pop_back(); break;
    case 3: rule.any_l4 = true; break;
    case 4: rule.action = rule.action == ir::Action::Deny ? ir::Action::Allow : rule.action; break;
    case 5: break;
  }
  return set;
}

std::optional<bool> differ_by_force(const World& one, const World& other, const Inquiry& asked, const std::vector<Pod>& pods) {
  std::vector<ir::eval::SubjectPolicy> here, there;
  for (const Pod& pod : pods) {
    here.emplace_back(one.world(), pod.subject);
    there.emplace_back(other.world(), pod.subject);
    if (here.back().incomputable() || there.back().incomputable()) return std::nullopt;
  }
  for (std::size_t a = 0; a < pods.size(); ++a)
    for (std::size_t b = 0; b < pods.size(); ++b)
      for (const ir::Flow flow : kFlows) {
        const auto holds = [&](const std::vector<ir::eval::SubjectPolicy>& policies) {
          return wanted(asked, policies[a].judge(ir::Direction::Egress, facts(pods[b]), flow), policies[b].judge(ir::Direction::Ingress, facts(pods[a]), flow));
        };
        if (holds(here) && !holds(there)) return true;
      }
  return false;
}

}  // namespace

TEST_CASE("whether one policy set allows what another doesn't is what it is among the pods of a small universe") {
  Seen seen;
  for (std::uint32_t seed = 5000; seed < 5000 + 300 / kShare; ++seed) {
    Random random(seed);
    const Keys keys = some_keys(random);
    World world = random_world(random, keys, false), other = world;
    other.policies = changed(random, world.policies);
    Inquiry asked;
    asked.name = "two sets";
    asked.without = {"host", "init"};
    asked.from.pods = asked.to.pods = {{"[]", std::nullopt, {}}};
    const bool swapped = random.one_in(2);
    asked.compare = swapped ? Inquiry::Compare::SecondAllows : Inquiry::Compare::FirstAllows;
    asked.wanted = random.one_in(2) ? Wanted::Allowed : Wanted::AllowedWithoutProxy;
    const auto forced = differ_by_force(swapped ? other : world, swapped ? world : other, asked, universe(keys, false, false));
    if (!forced) continue;
    const ir::eval::World first = world.world(), second = other.world();
    Judge judge(first, world.lock);
    Claims claims(first, judge, [](const std::string& key) { return !key.starts_with("filtered."); }, {}, &second);
    const Finding answer = claims.look_for(asked);
    INFO("seed " << seed);
    CHECK(std::holds_alternative<Found>(answer) == *forced);
    (*forced ? seen.found : seen.none) += 1;
  }
  CHECK(seen.found > 25 / (kShare * kShare));
  CHECK(seen.none > 100 / (kShare * kShare));
}

// ---- policy that does nothing ----------------------------------------------------------------------------

namespace {

// As if the rule said nothing; what it turns on by being there stays.
ir::PolicySet silenced(ir::PolicySet set, ir::RuleRef ref) {
  ir::Rule& rule = set.policies[ref.policy].rules[ref.rule];
  rule.peer_kind = ir::PeerKind::Nobody;
  rule.any_l4 = true;
  rule.peers.clear();
  rule.ports.clear();
  rule.requires_all.clear();
  return set;
}

bool selects(const ir::Policy& policy, const Pod& pod) {
  return (policy.kind != ir::PolicyKind::CiliumNetworkPolicy || policy.ns == pod.subject.ns) && ir::eval::matches(policy.subject, pod.subject.labels);
}

// Whether any verdict on these pods depends on the rule. None: some pod's policy can't be computed.
std::optional<bool> decides_something(const World& world, ir::RuleRef ref, const std::vector<Pod>& pods, const std::vector<ir::PeerFacts>& peers) {
  const ir::Policy& policy = world.policies.policies[ref.policy];
  const ir::Direction direction = policy.rules[ref.rule].direction;
  World without = world;
  without.policies = silenced(world.policies, ref);
  bool out = false;
  for (const Pod& pod : pods) {
    if (!selects(policy, pod)) continue;
    const ir::eval::SubjectPolicy here(world.world(), pod.subject), there(without.world(), pod.subject);
    if (here.incomputable() || there.incomputable()) return std::nullopt;
    for (const ir::PeerFacts& peer : peers)
      for (const ir::Flow flow : kFlows) {
        const auto one = here.judge(direction, peer, flow), other = there.judge(direction, peer, flow);
        out = out || passes(one) != passes(other) || (passes(one) && one.verdict != other.verdict);
      }
  }
  return out;
}

bool is_loud(const ir::Rule& rule) { return rule.peer_kind != ir::PeerKind::Nobody && (rule.peer_kind != ir::PeerKind::Unspecified || !rule.any_l4); }

}  // namespace

TEST_CASE("a rule never decides if it decides nothing in a small universe, and a policy that selects nobody there never does") {
  Seen rules, policies;
  for (std::uint32_t seed = 7000; seed < 7000 + 120 / kShare; ++seed) {
    Random random(seed);
    const Keys keys = some_keys(random);
    const World world = random_world(random, keys, false);
    const std::vector<Pod> pods = universe(keys, false, true);
    const ir::eval::World judged = world.world();
    Judge judge(judged, world.lock);
    const auto keeps = [](const std::string& key) { return !key.starts_with("filtered."); };
    std::vector<ir::PeerFacts> peers;
    for (const Pod& pod : pods) peers.push_back(facts(pod));
    const auto everybody = Claims(judged, judge, keeps).ends("any");
    for (const End& end : everybody->ends)
      for (const auto& face : judge.encounters().faces(end)) peers.push_back(judge.encounters().facts(face.seen));
    std::uint64_t steps = 0;
    std::map<ir::RuleRef, DeadPolicy::Why> dead;
    for (const DeadPolicy& one : find_dead(judged, judge, keeps, {}, steps)) dead.emplace(one.rule, one.why);
    const auto is_dead = [&](ir::RuleRef ref, DeadPolicy::Why why) { return dead.contains(ref) && dead.at(ref) == why; };
    for (std::uint32_t p = 0; p < world.policies.policies.size(); ++p) {
      const ir::Policy& policy = world.policies.policies[p];
      const bool nobody = std::none_of(pods.begin(), pods.end(), [&](const Pod& pod) { return selects(policy, pod); });
      bool said = false;
      for (std::uint32_t r = 0; r < policy.rules.size(); ++r) said = said || is_dead({p, r}, DeadPolicy::Why::SelectsNobodyEver);
      INFO("seed " << seed << ", version " << world.cluster.config.version << ", policy " << p);
      CHECK(said == nobody);
      (nobody ? policies.none : policies.found) += 1;
      for (std::uint32_t r = 0; r < policy.rules.size() && !nobody; ++r) {
        const auto forced = decides_something(world, {p, r}, pods, peers);
        if (!forced) continue;
        INFO("rule " << r);
        CHECK(is_dead({p, r}, DeadPolicy::Why::NeverDecides) == (is_loud(policy.rules[r]) && !*forced));
        if (is_loud(policy.rules[r])) (*forced ? rules.found : rules.none) += 1;
      }
    }
  }
  CHECK(policies.none > 5 / kShare);
  CHECK(rules.found > 50 / kShare);
  CHECK(rules.none > 50 / kShare);
}
