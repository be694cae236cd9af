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
#include "verify/random_for_tests.h"

using namespace netpolc;
using namespace netpolc::verify;

namespace {

using P = ir::Protocol;
using D = ir::Direction;

#ifdef __SANITIZE_ADDRESS__
constexpr std::uint32_t kSeeds = 4;
#else
constexpr std::uint32_t kSeeds = 30;
#endif
constexpr const char* kNs = "io.kubernetes.pod.namespace";
constexpr const char* kCluster = "io.cilium.k8s.policy.cluster";

// ---- random sets ---------------------------------------------------------------------------------------

ir::Requirement requirement(Random& random) {
  ir::Requirement out{"any", random.of<std::string>({"a", "a", "b", kNs}), random.of({ir::Operator::In, ir::Operator::In, ir::Operator::NotIn, ir::Operator::Exists, ir::Operator::DoesNotExist}), {}};
  if (out.key == kNs) out.op = ir::Operator::In;
  if (out.op != ir::Operator::In && out.op != ir::Operator::NotIn) return out;
  out.values = {out.key == kNs ? random.of<std::string>({"n1", "n2"}) : "x"};
  if (out.key == "a" && random.one_in(2)) out.values.push_back("y");
  return out;
}

ir::Selector selector(Random& random, std::uint32_t most) {
  ir::Selector out;
  for (std::uint32_t n = random.below(most + 1); n > 0; --n) out.requirements.push_back(requirement(random));
  ir::normalise(out);
  return out;
}

IpPrefix prefix(const char* text) { return *IpPrefix::parse(text); }

ir::Peer peer(Random& random) {
  if (random.one_in(8)) return ir::EntityPeer{random.of({ir::Entity::All, ir::Entity::Cluster, ir::Entity::World, ir::Entity::Host})};
  if (random.one_in(3)) {
    ir::CidrPeer out{prefix(random.of({"10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32"})), {}, false};
    if (out.prefix == prefix("10.0.0.0/8") && random.one_in(2)) out.except = {prefix(random.of({"10.0.0.0/9", "10.1.0.0/16"}))};
    return out;
  }
  return ir::LabelPeer{selector(random, 2), true};
}

ir::PortRule ports(Random& random, bool allows) {
  ir::PortRule out;
  if (allows && random.one_in(3)) {
    out.ports = {{P::Tcp, 80, 80, ""}};
    out.l7.parser = ir::L7Parser::Http;
    for (std::uint32_t n = 1 + random.below(2); n > 0; --n) out.l7.http.push_back({random.of({"/x", "/y", "/[xy]", "/.*"}), random.of({"GET", "GET|PUT", ""}), "", {}, {}});
    return out;
  }
  for (std::uint32_t n = 1 + random.below(2); n > 0; --n)
    out.ports.push_back(random.of<ir::PortMatch>({{P::Tcp, 80, 80, ""}, {P::Tcp, 80, 90, ""}, {P::Tcp, 85, 90, ""}, {P::Any, 80, 85, ""}, {P::Udp, 53, 53, ""}, {P::Any, 0, 0, ""}, {P::Icmp, 8, 8, ""}}));
  return out;
}

ir::Rule rule(Random& random, ir::CiliumVersion version) {
  ir::Rule out;
  out.direction = random.of({D::Ingress, D::Egress});
  out.action = random.one_in(4) ? ir::Action::Deny : ir::Action::Allow;
  out.peer_kind = random.one_in(5) ? ir::PeerKind::Unspecified : ir::PeerKind::Listed;
  if (out.peer_kind == ir::PeerKind::Listed)
    for (std::uint32_t n = 1 + random.below(2); n > 0; --n) out.peers.push_back(peer(random));
  if (version < 19 && random.one_in(10)) out.requires_all.push_back(selector(random, 1));
  out.any_l4 = random.one_in(3);
  if (!out.any_l4)
    for (std::uint32_t n = 1 + random.below(2); n > 0; --n) out.ports.push_back(ports(random, out.action == ir::Action::Allow));
  return out;
}

ir::Policy policy(Random& random, ir::CiliumVersion version) {
  ir::Policy out;
  out.kind = random.of({ir::PolicyKind::CiliumNetworkPolicy, ir::PolicyKind::CiliumNetworkPolicy, ir::PolicyKind::CiliumClusterwideNetworkPolicy});
  if (out.kind == ir::PolicyKind::CiliumNetworkPolicy) out.ns = random.of<std::string>({"n1", "n1", "n2"});
  out.name = "p";
  out.subject = selector(random, 1);
  out.default_deny_ingress = !random.one_in(5);
  out.default_deny_egress = !random.one_in(5);
  for (std::uint32_t n = 1 + random.below(3); n > 0; --n) out.rules.push_back(rule(random, version));
  return out;
}

template <class T>
T& one_of(Random& random, std::vector<T>& all) {
  return all[random.below(static_cast<std::uint32_t>(all.size()))];
}
template <class T>
void shuffle(Random& random, std::vector<T>& all) {
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random.below(static_cast<std::uint32_t>(i))]);
}
template <class T>
void remove_one(Random& random, std::vector<T>& all) {
  all.erase(all.begin() + random.below(static_cast<std::uint32_t>(all.size())));
}

// ---- the same in other words -----------------------------------------------------------------------------

// The lower and the upper half.
std::pair<IpPrefix, IpPrefix> halves(const IpPrefix& whole) {
  IpPrefix lower = whole, upper = whole;
  lower.length = upper.length = static_cast<std::uint8_t>(whole.length + 1);
  upper.address.bytes[whole.length / 8] |= static_cast<std::uint8_t>(0x80U >> (whole.length % 8));
  return {lower, upper};
}

std::vector<ir::Peer> reworded(Random& random, const ir::Peer& one) {
  if (const auto* cidr = std::get_if<ir::CidrPeer>(&one); cidr != nullptr && cidr->prefix.length > 0) {
    const auto [lower, upper] = halves(cidr->prefix);
    if (cidr->except.empty() && random.one_in(2)) return {ir::CidrPeer{lower, {}, false}, ir::CidrPeer{upper, {}, false}};
    if (cidr->except == std::vector<IpPrefix>{lower}) return {ir::CidrPeer{upper, {}, false}};
  }
  if (const auto* labels = std::get_if<ir::LabelPeer>(&one)) {
    for (std::size_t i = 0; i < labels->selector.requirements.size(); ++i) {
      const ir::Requirement& asked = labels->selector.requirements[i];
      if (asked.values.size() != 2 || random.one_in(2)) continue;
      ir::LabelPeer first = *labels, second = *labels;
      first.selector.requirements[i].values = {asked.values[0]};
      second.selector.requirements[i].values = {asked.values[1]};
      if (asked.op == ir::Operator::In) {
        ir::normalise(first.selector);
        ir::normalise(second.selector);
        return {first, second};
      }
      first.selector.requirements.push_back(second.selector.requirements[i]);
      ir::normalise(first.selector);
      return {first};
    }
    if (random.one_in(3) && !labels->selector.requirements.empty() && labels->selector.requirements[0].op == ir::Operator::In) {
      ir::LabelPeer more = *labels;
      more.selector.requirements.push_back({more.selector.requirements[0].source, more.selector.requirements[0].key, ir::Operator::Exists, {}});
      ir::normalise(more.selector);
      return {more};
    }
  }
  return random.one_in(6) ? std::vector<ir::Peer>{one, one} : std::vector<ir::Peer>{one};
}

std::vector<ir::PortMatch> reworded(Random& random, const ir::PortMatch& one) {
  if (one.protocol == P::Any && random.one_in(2)) {
    std::vector<ir::PortMatch> out;
    for (const P protocol : {P::Sctp, P::Tcp, P::Udp}) out.push_back({protocol, one.first, one.last, ""});
    return out;
  }
  if (one.first == one.last || random.one_in(3)) return {one};
  const auto middle = static_cast<std::uint16_t>(one.first + random.below(static_cast<std::uint32_t>(one.last - one.first)));
  return {{one.protocol, static_cast<std::uint16_t>(middle + 1), one.last, ""}, {one.protocol, one.first, middle, ""}};
}

std::vector<ir::Rule> reworded(Random& random, ir::Rule one) {
  std::vector<ir::Peer> peers;
  for (const ir::Peer& p : one.peers)
    for (ir::Peer& more : reworded(random, p)) peers.push_back(std::move(more));
  shuffle(random, peers);
  one.peers = std::move(peers);
  for (ir::PortRule& item : one.ports) {
    std::vector<ir::PortMatch> all;
    for (const ir::PortMatch& match : item.ports)
      for (const ir::PortMatch& more : reworded(random, match)) all.push_back(more);
    shuffle(random, all);
    item.ports = std::move(all);
    shuffle(random, item.l7.http);
    if (!item.l7.http.empty() && random.one_in(3)) item.l7.http.push_back(item.l7.http[0]);
  }
  shuffle(random, one.ports);
  ir::Rule other = one;
  if (one.peers.size() > 1 && random.one_in(2)) {
    other.peers.assign(one.peers.begin() + 1, one.peers.end());
    one.peers.resize(1);
    return {one, other};
  }
  if (one.ports.size() > 1 && random.one_in(2)) {
    other.ports.assign(one.ports.begin() + 1, one.ports.end());
    one.ports.resize(1);
    return {one, other};
  }
  if (random.one_in(6)) return {one, other};
  return {one};
}

ir::PolicySet reworded(Random& random, const ir::PolicySet& set) {
  ir::PolicySet out;
  for (ir::Policy one : set.policies) {
    std::vector<ir::Rule> rules;
    for (const ir::Rule& r : one.rules)
      for (ir::Rule& more : reworded(random, r)) rules.push_back(std::move(more));
    shuffle(random, rules);
    one.rules = rules;
    ir::Policy other = one;
    if (rules.size() > 1 && random.one_in(2)) {
      one.rules.assign(rules.begin(), rules.begin() + 1);
      other.rules.assign(rules.begin() + 1, rules.end());
      out.policies.push_back(other);
    } else if (random.one_in(6)) {
      out.policies.push_back(other);
    }
    out.policies.push_back(one);
  }
  shuffle(random, out.policies);
  return out;
}

// ---- one change --------------------------------------------------------------------------------------------

void change(Random& random, ir::Selector& selector) {
  if (selector.requirements.empty() || random.one_in(4)) selector.requirements.push_back({"any", "b", ir::Operator::In, {"x"}});
  else if (ir::Requirement& one = one_of(random, selector.requirements); one.values.empty()) one.op = one.op == ir::Operator::Exists ? ir::Operator::DoesNotExist : ir::Operator::Exists;
  else if (random.one_in(2)) one.op = one.op == ir::Operator::In ? ir::Operator::NotIn : ir::Operator::In;
  else if (one.values.size() > 1) one.values.pop_back();
  else one.values = {one.key == kNs ? "n1" : "y"};
  ir::normalise(selector);
}

void change(Random& random, ir::Peer& one) {
  if (auto* labels = std::get_if<ir::LabelPeer>(&one)) return change(random, labels->selector);
  if (auto* cidr = std::get_if<ir::CidrPeer>(&one)) {
    if (!cidr->except.empty()) cidr->except.clear();
    else if (cidr->prefix.length > 0) cidr->prefix = random.one_in(2) ? halves(cidr->prefix).first : halves(cidr->prefix).second;
    else one = ir::EntityPeer{ir::Entity::Cluster};
    return;
  }
  one = ir::EntityPeer{std::get<ir::EntityPeer>(one).entity == ir::Entity::World ? ir::Entity::All : ir::Entity::World};
}

void change(Random& random, ir::PortRule& item) {
  if (!item.l7.http.empty()) {
    ir::HttpRule& http = one_of(random, item.l7.http);
    if (random.one_in(3)) item.l7 = {};
    else if (random.one_in(2)) http.path = http.path == "/x" ? "/y" : "/x";
    else http.method = http.method == "GET" ? "PUT" : "GET";
    return;
  }
  ir::PortMatch& match = one_of(random, item.ports);
  if (random.one_in(3)) match.protocol = match.protocol == P::Tcp ? P::Udp : P::Tcp;
  else if (match.last != 0 && random.one_in(2)) ++match.last;
  else if (match.first < match.last) ++match.first;
  else match.first = match.last = 85;
}

ir::PolicySet changed(Random& random, ir::PolicySet set) {
  ir::Policy& policy = one_of(random, set.policies);
  ir::Rule& rule = one_of(random, policy.rules);
  switch (random.below(10)) {
    case 0: remove_one(random, set.policies); break;
    case 1: remove_one(random, policy.rules); break;
    case 2: (random.one_in(2) ? policy.default_deny_ingress : policy.default_deny_egress) ^= true; break;
    case 3: rule.action = rule.action == ir::Action::Deny ? ir::Action::Allow : ir::Action::Deny; for (ir::PortRule& item : rule.ports) item.l7 = {}; break;
    case 4: change(random, policy.subject); break;
    case 5: rule.direction = rule.direction == D::Ingress ? D::Egress : D::Ingress; break;
    case 6: if (policy.ns.empty()) { policy.kind = ir::PolicyKind::CiliumNetworkPolicy; policy.ns = "n1"; } else { policy.ns = policy.ns == "n1" ? "n2" : "n1"; } break;
    default:
      if (!rule.peers.empty() && random.one_in(2)) change(random, one_of(random, rule.peers));
      else if (!rule.ports.empty()) change(random, one_of(random, rule.ports));
      else rule.peer_kind = rule.peer_kind == ir::PeerKind::Nobody ? ir::PeerKind::Listed : ir::PeerKind::Nobody, rule.peers.clear();
  }
  return set;
}

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
