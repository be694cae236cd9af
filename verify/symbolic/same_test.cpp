// Random policy sets, each held against itself in other words, which is proved to be the same, and with one change: if the
// interpreter sees a difference among all pods and peers of a small universe, the change is refuted with a witness, and else
// it is proved to change nothing.
//
// NETPOLC_SAME_SECONDS=N: other seeds every time, for so long. NETPOLC_SAME_SEED=N: that one alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "verify/claims.h"
#include "verify/random_policies_for_tests.h"

using namespace netpolc;
using namespace netpolc::verify;

namespace {

using namespace random_policies;

#ifdef NETPOLC_SANITIZED
constexpr std::uint32_t kSeeds = 4;
#else
constexpr std::uint32_t kSeeds = 30;
#endif
constexpr const char* kCluster = "io.cilium.k8s.policy.cluster";

// ---- both, by the solver and by force ----------------------------------------------------------------------

struct Setting {
  ir::PolicySet before, after, both;
  ir::Cluster cluster;
  ir::Resolutions resolutions;
  ir::IdentityLock lock;
  ir::eval::World world(const ir::PolicySet& set) const { return {set, cluster, resolutions}; }
};

Inquiry inquiry(const EndSet& any, Wanted wanted, bool request, Inquiry::Compare compare) {
  Inquiry out;
  out.name = "same";
  out.from = out.to = any;
  out.wanted = wanted;
  if (request) out.request = RequestRange{};
  out.without = {"host", "init"};
  out.compare = compare;
  out.unknown_alike = true;
  return out;
}

bool passes(const std::optional<WitnessSide>& side, bool plain) {
  if (!side) return true;
  if (side->request && side->request->word == ir::RequestVerdict::Word::Denied) return false;
  return side->verdict.verdict == ir::Verdict::Allow || (!plain && side->verdict.verdict == ir::Verdict::AllowL7);
}

// "": they are the same; "different"; else what went wrong.
std::string by_solver(const Setting& setting) {
  const ir::eval::World all = setting.world(setting.both), first = setting.world(setting.after), second = setting.world(setting.before);
  Judge judge(all, setting.lock);
  Claims claims(first, judge, [](const std::string&) { return true; }, {}, &second);
  const EndSet any = *claims.ends("any");
  for (const auto& [wanted, request] : {std::pair{Wanted::Allowed, false}, {Wanted::Allowed, true}, {Wanted::AllowedWithoutProxy, false}})
    for (const auto compare : {Inquiry::Compare::FirstAllows, Inquiry::Compare::SecondAllows}) {
      if (setting.cluster.config.version < 17 && (wanted != Wanted::Allowed || request)) continue;
      const Finding finding = claims.look_for(inquiry(any, wanted, request, compare));
      if (const auto* unknown = std::get_if<NotKnown>(&finding)) return unknown->why;
      if (const auto* none = std::get_if<NoneFound>(&finding); none != nullptr && !none->possible) return "vacuous";
      const auto* found = std::get_if<Found>(&finding);
      if (found == nullptr) continue;
      const bool plain = wanted == Wanted::AllowedWithoutProxy;
      const Witness& seen = found->witness;
      if (!passes(seen.egress, plain) || !passes(seen.ingress, plain)) return "the witness is not let through by the one";
      if (passes(seen.other_egress, plain) && passes(seen.other_ingress, plain)) return "the witness is let through by the other";
      return "different";
    }
  return "";
}

struct Pod {
  ir::Subject subject;
  ir::PeerFacts facts;
};

std::vector<Pod> pods() {
  std::vector<Pod> out;
  for (const std::string a : {"", "x", "y", "other"})
    for (const std::string b : {"", "x", "other"})
      for (const std::string ns : {"n1", "n2", "new"}) {
        Pod pod;
        pod.subject.ns = ns;
        pod.subject.labels = {{"k8s", kNs, ns}, {"k8s", kCluster, "default"}};  // without which it were none of `cluster`
        if (!a.empty()) pod.subject.labels.push_back({"k8s", "a", a});
        if (!b.empty()) pod.subject.labels.push_back({"k8s", "b", b});
        ir::normalise(pod.subject.labels);
        pod.facts = {.labels = pod.subject.labels, .address = {}, .named_ports = pod.subject.named_ports};
        out.push_back(std::move(pod));
      }
  return out;
}

constexpr ir::Flow kFlows[] = {{P::Tcp, 80}, {P::Tcp, 81}, {P::Tcp, 85}, {P::Tcp, 86}, {P::Tcp, 90}, {P::Tcp, 91}, {P::Tcp, 1}, {P::Udp, 53}, {P::Udp, 54}, {P::Udp, 80},
                               {P::Udp, 85}, {P::Udp, 86}, {P::Udp, 90}, {P::Udp, 91}, {P::Tcp, 53}, {P::Tcp, 8}, {P::Tcp, 9}, {P::Udp, 8}, {P::Sctp, 80}, {P::Sctp, 85}, {P::Sctp, 86}, {P::Sctp, 90},
                               {P::Icmp, 8}, {P::Icmp, 9}, {P::Icmp, 85}, {P::Icmpv6, 8}, {P::Gre, 0}};
const ir::HttpRequest kRequests[] = {{"GET", "/x", "h", {}}, {"PUT", "/x", "h", {}}, {"GET", "/y", "h", {}}, {"PUT", "/y", "h", {}}, {"GET", "/z", "h", {}}, {"M", "/x", "h", {}}, {"M", "/y", "h", {}}, {"PUT", "/z", "h", {}}, {"M", "/z", "h", {}}};

// What one side says of each flow, and of requests over port 80: 1 a bit. None: its policy can't be computed.
using Says = std::vector<std::uint32_t>;
Says says(const ir::eval::SubjectPolicy& policy, D direction, const ir::PeerFacts& peer, bool requests) {
  Says out;
  for (const ir::Flow flow : kFlows) {
    const auto verdict = policy.judge(direction, peer, flow).verdict;
    std::uint32_t bits = verdict == ir::Verdict::Allow ? 3 : verdict == ir::Verdict::AllowL7 ? 1 : 0;
    for (std::size_t i = 0; requests && i < std::size(kRequests); ++i)  // only proxies look at them
      if (verdict == ir::Verdict::Allow || (verdict == ir::Verdict::AllowL7 && policy.judge(direction, peer, flow, kRequests[i]).word != ir::RequestVerdict::Word::Denied)) bits |= 4U << i;
    out.push_back(bits);
  }
  return out;
}

bool exists(const ir::PeerFacts& peer, ir::Flow flow) { return !peer.address || flow.protocol != (peer.address->v6 ? P::Icmp : P::Icmpv6); }

std::optional<bool> differ_by_force(const Setting& setting) {
  const ir::eval::World all = setting.world(setting.both);
  Judge judge(all, setting.lock);
  const Claims claims(all, judge, [](const std::string&) { return true; });
  const std::vector<Pod> everybody = pods();
  std::vector<ir::PeerFacts> peers;
  for (const Pod& pod : everybody) peers.push_back(pod.facts);
  const auto any = claims.ends("any");
  for (const End& end : any->ends)
    for (const auto& face : judge.encounters().faces(end)) peers.push_back(judge.encounters().facts(face.seen));
  const bool requests = setting.cluster.config.version >= 17;
  // By set, direction, pod and peer.
  std::vector<std::vector<Says>> table[2][2];
  for (const int set : {0, 1})
    for (const Pod& pod : everybody) {
      const ir::eval::SubjectPolicy policy(setting.world(set == 0 ? setting.before : setting.after), pod.subject);
      if (policy.incomputable()) return std::nullopt;
      for (const int direction : {0, 1}) {
        auto& row = table[set][direction].emplace_back();
        for (const ir::PeerFacts& peer : peers) row.push_back(says(policy, direction == 0 ? D::Ingress : D::Egress, peer, requests));
      }
    }
  const std::uint32_t counted = requests ? ~0U : 1U;
  for (std::size_t from = 0; from < peers.size(); ++from)
    for (std::size_t to = 0; to < peers.size(); ++to) {
      const bool sends = from < everybody.size(), receives = to < everybody.size();
      for (std::size_t f = 0; (sends || receives) && f < std::size(kFlows); ++f) {
        if (!exists(peers[from], kFlows[f]) || !exists(peers[to], kFlows[f])) continue;
        const auto together = [&](int set) { return (sends ? table[set][1][from][to][f] : ~0U) & (receives ? table[set][0][to][from][f] : ~0U) & counted; };
        if (together(0) != together(1)) return true;
      }
    }
  return false;
}

Setting random_setting(Random& random) {
  Setting out;
  auto& config = out.cluster.config;
  config.version = 16 + static_cast<int>(random.below(5));
  config.ipv6 = random.one_in(2);
  config.non_default_deny_policies = !random.one_in(5);
  for (const char* name : {"n1", "n2"}) out.cluster.namespaces.emplace_back().name = name;
  for (std::uint32_t n = 1 + random.below(4); n > 0; --n) out.before.policies.push_back(policy(random, config.version));
  return out;
}

void take(Setting& setting, ir::PolicySet after) {
  setting.after = std::move(after);
  setting.both = setting.after;
  setting.both.policies.insert(setting.both.policies.end(), setting.before.policies.begin(), setting.before.policies.end());
}

struct Seen {
  std::size_t same = 0, different = 0, alike = 0;
};

void try_seed(std::uint32_t seed, Seen& seen) {
  Random random(seed);
  Setting setting = random_setting(random);
  INFO("seed " << seed << ", version " << setting.cluster.config.version);
  for (int i = 0; i < 3; ++i) {
    take(setting, reworded(random, setting.before));
    INFO("other words " << i);
    CHECK(by_solver(setting) == "");
    ++seen.same;
  }
  for (int i = 0; i < 3; ++i) {
    ir::PolicySet after = changed(random, setting.before);
    take(setting, i == 0 ? std::move(after) : reworded(random, after));
    const auto forced = differ_by_force(setting);
    if (!forced) continue;
    INFO("change " << i);
    CHECK(by_solver(setting) == (*forced ? "different" : ""));
    ++(*forced ? seen.different : seen.alike);
  }
}

}  // namespace

TEST_CASE("a policy set is the same as itself in other words, and one that was changed if force finds no difference") {
  Seen seen;
  if (const char* one = std::getenv("NETPOLC_SAME_SEED")) return try_seed(static_cast<std::uint32_t>(std::strtoul(one, nullptr, 10)), seen);
  if (const char* seconds = std::getenv("NETPOLC_SAME_SECONDS")) {
    std::uint32_t seed = std::random_device{}();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(seconds));
    MESSAGE("seeds from ", seed);
    while (std::chrono::steady_clock::now() < end) try_seed(seed++, seen);
    MESSAGE(seen.same, " in other words; ", seen.different, " changes that change something, ", seen.alike, " that don't");
    return;
  }
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed) try_seed(seed, seen);
  CHECK(seen.different > kSeeds / 2);
  CHECK(seen.alike > kSeeds / 8);
}
