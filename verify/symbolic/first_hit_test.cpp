// Which redirect Cilium 1.16 takes: what the solver says of one pod and one port, held against the interpreter.
#include <doctest/doctest.h>

#include "verify/claims.h"
#include "verify/random_for_tests.h"

using namespace netpolc;
using namespace netpolc::verify;

namespace {

ir::Subject pod(const char* role) {
  ir::Subject out;
  out.ns = "n";
  out.labels = {{"k8s", "io.cilium.k8s.policy.cluster", "default"}, {"k8s", "io.cilium.k8s.policy.serviceaccount", "default"}, {"k8s", "io.kubernetes.pod.namespace", "n"}, {"k8s", "role", role}};
  ir::normalise(out.labels);
  return out;
}

ir::Rule rule(Random& random) {
  ir::Rule out;
  out.direction = ir::Direction::Ingress;
  out.peer_kind = random.one_in(2) ? ir::PeerKind::Unspecified : ir::PeerKind::Listed;
  if (out.peer_kind == ir::PeerKind::Listed) out.peers = {ir::LabelPeer{{{{"k8s", "role", ir::Operator::In, {"x"}}}}, true}};
  out.any_l4 = out.peer_kind == ir::PeerKind::Listed && random.one_in(6);
  if (out.any_l4) return out;
  struct Range {
    std::uint16_t first, last;
  };
  const auto range = random.of<Range>({{80, 80}, {80, 81}, {80, 83}, {79, 82}, {0, 0}, {1, 90}, {64, 127}});
  ir::PortRule port;
  port.ports = {{ir::Protocol::Tcp, range.first, range.last, ""}};
  if (random.one_in(2)) {
    port.l7.parser = ir::L7Parser::Http;
    port.l7.http = {{"/x", "", "", {}, {}}};
  }
  out.ports = {port};
  return out;
}

}  // namespace

TEST_CASE("1.16: a connection gets by without a proxy where the first entry that is hit has none") {
  std::size_t found = 0, none = 0;
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    ir::PolicySet policies;
    ir::Policy& policy = policies.policies.emplace_back();
    policy.ns = "n";
    policy.default_deny_ingress = true;
    for (std::uint32_t n = 2 + random.below(3); n > 0; --n) policy.rules.push_back(rule(random));
    ir::Cluster cluster;
    cluster.config.version = 16;
    cluster.namespaces.emplace_back().name = "n";
    const ir::Resolutions resolutions;
    const ir::IdentityLock lock;
    const ir::eval::World world{policies, cluster, resolutions};
    const std::uint16_t number = random.of<std::uint16_t>({80, 81, 82, 83});
    const ir::Subject x = pod("x");
    const ir::eval::SubjectPolicy policy_of_x(world, x);
    REQUIRE_FALSE(policy_of_x.incomputable());
    const auto verdict = policy_of_x.judge(ir::Direction::Ingress, {.labels = x.labels, .address = {}, .named_ports = std::nullopt}, {ir::Protocol::Tcp, number}).verdict;
    Judge judge(world, lock);
    Claims claims(world, judge, [](const std::string&) { return true; });
    Inquiry asked;
    asked.name = "first hit";
    asked.without = {"host", "init"};
    asked.from.pods = asked.to.pods = {{"n/[role=x]", "n", {{"role", "x"}}}};
    asked.traffic = {ir::Protocol::Tcp, number, number};
    asked.wanted = Wanted::AllowedWithoutProxy;
    const Finding answer = claims.look_for(asked);
    INFO("seed " << seed << ", port " << number);
    CHECK(std::holds_alternative<Found>(answer) == (verdict == ir::Verdict::Allow));
    (verdict == ir::Verdict::Allow ? found : none) += 1;
  }
  CHECK(found > 50);
  CHECK(none > 50);
}
