// The steps that an explanation shows (ir/eval/inspect.h) are those by which the verdict falls.
#include "ir/eval/inspect.h"

#include <doctest/doctest.h>

#include "verify/random_policies_for_tests.h"

using namespace netpolc;
using namespace netpolc::verify;

namespace {

namespace eval = ir::eval;

bool names(const std::vector<ir::RuleRef>& rules, ir::RuleRef one) { return std::find(rules.begin(), rules.end(), one) != rules.end(); }

ir::PeerFacts peer_of_chance(Random& random) {
  if (random.one_in(3)) return {.labels = {{"reserved", "world-ipv4", ""}}, .address = IpAddress::parse(random.of({"10.1.2.3", "10.200.0.1", "192.0.2.9", "198.51.100.1"}))};
  ir::PeerFacts out{.labels = {{"k8s", random_policies::kNs, random.of<std::string>({"n1", "n2"})}}, .address = {}};
  if (!random.one_in(3)) out.labels.push_back({"k8s", "a", random.of<std::string>({"x", "y"})});
  if (random.one_in(2)) out.labels.push_back({"k8s", "b", "x"});
  ir::normalise(out.labels);
  return out;
}

// What the verdict is, told from the steps alone. Every policy of these is of one level.
void hold_against(const ir::SideVerdict& verdict, const eval::Inspection& seen) {
  std::size_t allows = 0, denies = 0, redirects = 0;
  for (const eval::RuleMeeting& one : seen.rules) {
    CHECK(one.tier == ir::Tier::Normal);
    if (one.matches()) (one.rule->action == ir::Action::Deny ? denies : allows) += 1;
    if (one.matches() && one.rule->action == ir::Action::Allow && one.redirect.rank > 0) ++redirects;
    if (verdict.verdict != ir::Verdict::DefaultDeny && names(verdict.rules, one.rule->ref)) CHECK(one.matches());
    if (verdict.verdict == ir::Verdict::Deny && one.matches() && one.rule->action == ir::Action::Deny) CHECK(names(verdict.rules, one.rule->ref));
  }
  if (verdict.enforcement == ir::Enforcement::None) return;
  const bool denied_by_default = denies + allows == 0 && !seen.default_deny.empty();
  CHECK((verdict.verdict == ir::Verdict::Deny) == (denies > 0));
  CHECK((verdict.verdict == ir::Verdict::DefaultDeny) == denied_by_default);
  if (verdict.verdict == ir::Verdict::DefaultDeny) CHECK(verdict.rules == seen.default_deny);
  if (verdict.verdict == ir::Verdict::AllowL7) CHECK(redirects > 0);
}

}  // namespace

TEST_CASE("the steps of a judgement give its verdict") {
  std::size_t verdicts[4] = {};
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    const ir::CiliumVersion version = random.of<int>({16, 17, 18, 19, 20});
    ir::PolicySet policies;
    for (std::uint32_t n = 1 + random.below(4); n > 0; --n) policies.policies.push_back(random_policies::policy(random, version));
    ir::Cluster cluster;
    cluster.config.version = version;
    const ir::Resolutions resolutions;
    const eval::SubjectPolicy subject({policies, cluster, resolutions}, {.labels = {{"k8s", "a", "x"}, {"k8s", random_policies::kNs, "n1"}}, .ns = "n1", .named_ports = {}});
    if (subject.incomputable()) continue;
    for (int n = 0; n < 60; ++n) {
      const ir::PeerFacts peer = peer_of_chance(random);
      const ir::Direction direction = random.of({ir::Direction::Ingress, ir::Direction::Egress});
      const ir::Flow flow = random.of<ir::Flow>({{ir::Protocol::Tcp, 80}, {ir::Protocol::Tcp, 86}, {ir::Protocol::Udp, 53}, {ir::Protocol::Icmp, 8}});
      const ir::SideVerdict verdict = subject.judge(direction, peer, flow);
      INFO("seed ", seed, ", try ", n);
      hold_against(verdict, subject.inspect(direction, peer, flow));
      ++verdicts[static_cast<int>(verdict.verdict)];
    }
  }
  for (const std::size_t count : verdicts) CHECK(count > 300);
}
