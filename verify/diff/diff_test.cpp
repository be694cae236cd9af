// Random policy sets with a small change, and now and then another cluster, compared, and held against the interpreter: a pair
// of ends is in a line if and only if some of its flows is judged otherwise, and what a line says of both sets holds just
// inside and just outside of each of its ranges.
//
// NETPOLC_DIFF_SEEDS=FROM,N: those alone.
#include "verify/diff/diff.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "verify/judge.h"
#include "verify/random_policies_for_tests.h"

using namespace netpolc;
using namespace netpolc::verify;

namespace {

using namespace random_policies;

constexpr std::uint32_t kSeeds = 40;
// With sanitizers one is enough to run every line; what the seeds must have seen is asked of all of them.
#ifdef NETPOLC_SANITIZED
constexpr std::uint32_t kTried = 1;
#else
constexpr std::uint32_t kTried = kSeeds;
#endif
constexpr const char* kCluster = "io.cilium.k8s.policy.cluster";
constexpr const char* kOutside[] = {"10.0.0.7", "10.1.0.7", "10.128.0.7", "10.200.0.7", "192.0.2.7", "198.51.100.7", "2001:db8::7", "2a00::7"};

struct Manifests {
  ir::PolicySet policies;
  ir::Cluster cluster;
  ir::Resolutions resolutions;
  ir::IdentityLock lock;
  DiffWorld world() const { return {policies, cluster, resolutions, lock}; }
};

ir::Endpoint endpoint(Random& random, const std::string& ns, const std::string& name) {
  ir::Endpoint out;
  out.ns = ns;
  out.name = name;
  out.kind = random.of<std::string>({"Deployment", "Pod"});
  out.labels = {{"k8s", kNs, ns}, {"k8s", kCluster, "default"}, {"k8s", "app", name}};
  if (!random.one_in(3)) out.labels.push_back({"k8s", "a", random.of<std::string>({"x", "y"})});
  if (random.one_in(2)) out.labels.push_back({"k8s", "b", "x"});
  ir::normalise(out.labels);
  if (random.one_in(2)) out.named_ports = {{"web", random.of<std::uint16_t>({80, 85}), P::Tcp}};
  const std::uint32_t replicas = out.kind == "Pod" ? 1 : random.below(3);
  for (std::uint32_t p = 0; p < replicas; ++p) out.pods.push_back({name + "-" + std::to_string(p), random.of<std::string>({"node-1", "node-2"}), {}});
  return out;
}

ir::Cluster cluster(Random& random) {
  ir::Cluster out;
  auto& config = out.config;
  config.version = 17 + static_cast<int>(random.below(4));  // tables are exact about proxies from 1.17 on
  config.ipv6 = random.one_in(2);
  config.non_default_deny_policies = !random.one_in(5);
  config.host_firewall = random.one_in(3);
  config.cidr_matches_nodes = random.one_in(4);
  for (const char* name : {"n1", "n2"}) out.namespaces.emplace_back().name = name;
  for (const char* name : {"e1", "e2", "e3"}) out.endpoints.push_back(endpoint(random, "n1", name));
  for (const char* name : {"f1", "f2"}) out.endpoints.push_back(endpoint(random, "n2", name));
  for (const char* name : {"node-1", "node-2"}) {
    ir::Node& node = out.nodes.emplace_back();
    node.name = name;
    node.labels = {{"a", std::string(name) == "node-1" ? "x" : "other"}};
    node.addresses = {*IpAddress::parse(std::string(name) == "node-1" ? "192.0.2.100" : "198.18.1.2")};
  }
  return out;
}

// What the sets of other tests don't have.
void season(Random& random, ir::PolicySet& set) {
  for (ir::Policy& policy : set.policies) {
    if (policy.kind == ir::PolicyKind::CiliumClusterwideNetworkPolicy && random.one_in(3)) policy.subject_is_node = true;
    for (ir::Rule& rule : policy.rules) {
      if (policy.subject_is_node)
        for (ir::PortRule& item : rule.ports) item.l7 = {};
      if (!policy.subject_is_node && rule.action == ir::Action::Allow && random.one_in(6)) rule.auth = random.of({ir::AuthMode::Required, ir::AuthMode::AlwaysFail});
      if (!rule.any_l4 && rule.direction == D::Ingress && random.one_in(5)) rule.ports.push_back({{{P::Tcp, 0, 0, "web"}}, {}, {}});
      if (rule.direction == D::Egress && rule.action == ir::Action::Allow && rule.requires_all.empty() && random.one_in(3)) {
        rule.peer_kind = ir::PeerKind::Listed;
        rule.peers = {random.one_in(2) ? ir::FqdnPeer{"api.example.com", ""} : ir::FqdnPeer{"", "*.example.com"}};
      }
    }
  }
}

Manifests random_manifests(Random& random) {
  Manifests out;
  out.cluster = cluster(random);
  for (std::uint32_t n = 1 + random.below(4); n > 0; --n) out.policies.policies.push_back(policy(random, out.cluster.config.version));
  season(random, out.policies);
  return out;
}

// Something else than a policy.
void change_cluster(Random& random, Manifests& set) {
  switch (random.below(5)) {
    case 0: set.cluster.config.version = 17 + static_cast<int>(random.below(4)); break;
    case 1: set.cluster.config.tunnel_port = 0; break;
    case 2: set.cluster.endpoints[random.below(5)].labels.push_back({"k8s", "b", "x"}); break;
    case 3: set.cluster.endpoints.erase(set.cluster.endpoints.begin() + random.below(5)); break;
    default: set.cluster.endpoints[random.below(5)].named_ports = {{"web", 90, P::Tcp}};
  }
  for (ir::Endpoint& one : set.cluster.endpoints) {
    ir::normalise(one.labels);
    one.labels.erase(std::unique(one.labels.begin(), one.labels.end()), one.labels.end());
  }
}

// ---- by force --------------------------------------------------------------------------------------------------

constexpr ir::Flow kFlows[] = {{P::Tcp, 80}, {P::Tcp, 81}, {P::Tcp, 85}, {P::Tcp, 86}, {P::Tcp, 90}, {P::Tcp, 91}, {P::Tcp, 1}, {P::Tcp, 0},
                               {P::Udp, 53}, {P::Udp, 80}, {P::Udp, 85}, {P::Udp, 8472},
                               {P::Udp, 86}, {P::Udp, 90}, {P::Udp, 91}, {P::Tcp, 53}, {P::Tcp, 8}, {P::Udp, 8},
                               {P::Sctp, 80}, {P::Sctp, 85}, {P::Sctp, 86}, {P::Icmp, 8}, {P::Icmp, 9}, {P::Icmpv6, 8}, {P::Gre, 0}, {P::Any, 0}};

const ir::HttpRequest kRequests[] = {{"GET", "/x", "h", {}}, {"PUT", "/x", "h", {}}, {"GET", "/y", "h", {}}, {"PUT", "/z", "h", {}}};

using Passing = std::optional<std::pair<std::string, std::string>>;  // proxies and authentication; none: it doesn't pass

// One set, as the interpreter has it.
class Forced {
 public:
  Forced(const Manifests& set, const ir::Resolutions& resolutions) : resolutions_(resolutions), world_{set.policies, set.cluster, resolutions_}, judge_(world_, set.lock) {}

  Directory const& directory() const { return judge_.directory(); }
  bool incomputable(const Ends& ends) {
    for (const End& end : ends)
      for (const auto& face : judge_.encounters().faces(end))
        if (face.subject && judge_.policy(*face.subject).incomputable()) return true;
    return false;
  }

  // What the proxy of a side makes of the request, of a flow that gets to one; else "".
  std::string fares(const Ends& from, const Ends& to, D direction, ir::Flow flow, const ir::Request& request) {
    std::string out;
    for (const End& a : from)
      for (const End& b : to)
        for (const Meeting& meeting : judge_.encounters().meet(a, b)) {
          const bool in = direction == D::Ingress;
          const auto& subject = in ? meeting.destination : meeting.source;
          const FactsId peer = in ? meeting.source_seen : meeting.destination_seen;
          if (!subject || judge_.verdict(*subject, direction, peer, flow).verdict != ir::Verdict::AllowL7) continue;
          out += std::to_string(static_cast<int>(judge_.policy(*subject).judge(direction, judge_.encounters().facts(peer), flow, request).word));
        }
    return out;
  }

  // By meeting: in order, or by the node that a host is.
  std::map<std::string, Passing> passing(const Ends& from, const Ends& to, ir::Flow flow) {
    std::map<std::string, Passing> out;
    for (const End& a : from)
      for (const End& b : to)
        for (const Meeting& meeting : judge_.encounters().meet(a, b))
          out[key(a, meeting.source, meeting.source_seen) + "|" + key(b, meeting.destination, meeting.destination_seen)] = pass(meeting, flow);
    return out;
  }

 private:
  std::string key(const End& end, const std::optional<SubjectId>& subject, FactsId seen) {
    if (end.kind == EndKind::Endpoint) return "";
    std::string out;
    for (const auto& label : judge_.encounters().facts(seen).labels) out += label.to_string() + ",";
    if (subject)
      for (const auto& label : judge_.encounters().subject(*subject).labels) out += label.to_string() + ";";
    return out;
  }
  Passing pass(const Meeting& meeting, ir::Flow flow) {
    std::set<std::string> proxies;
    std::string auth;
    const auto asks = [&](const std::optional<SubjectId>& subject, D direction, FactsId peer) {
      if (!subject) return true;
      const ir::SideVerdict verdict = judge_.verdict(*subject, direction, peer, flow);
      if (verdict.verdict == ir::Verdict::Deny || verdict.verdict == ir::Verdict::DefaultDeny) return false;
      if (verdict.verdict == ir::Verdict::AllowL7) proxies.insert(std::to_string(static_cast<int>(verdict.l7)));
      if (verdict.auth == ir::AuthMode::Required) auth = std::max<std::string>(auth, "required");
      if (verdict.auth == ir::AuthMode::AlwaysFail) auth = "test-always-fail";
      return true;
    };
    if (!asks(meeting.source, D::Egress, meeting.destination_seen) || !asks(meeting.destination, D::Ingress, meeting.source_seen)) return std::nullopt;
    std::string all;
    for (const std::string& one : proxies) all += one + ",";
    return std::pair{all, auth};
  }

  ir::Resolutions resolutions_;
  ir::eval::World world_;
  Judge judge_;
};

// An end of the comparison, in both sets, and what it is called there.
struct Place {
  std::string name;
  Ends before, after;
  bool replicated = false;  // its own peer
  bool sends = true;
};

// The narrowest of the comparison's prefixes.
std::string name_of(const IpAddress& address, const Diff& diff) {
  std::optional<IpPrefix> best;
  std::string name;
  for (const DiffEnd& end : diff.ends) {
    if (end.kind == DiffEnd::Kind::World && (end.name == "entity:world" || end.name.ends_with(address.v6 ? "6" : "4")) && !best) name = end.name;
    if (end.kind != DiffEnd::Kind::Outside) continue;
    const std::string text = end.name.substr(end.name.find(':') + 1);
    const IpPrefix prefix = end.name.starts_with("ip:") ? IpPrefix::host(*IpAddress::parse(text)) : *IpPrefix::parse(text);
    if (!prefix.contains(address) || (best && best->length >= prefix.length)) continue;
    best = prefix;
    name = end.name;
  }
  return name;
}

void add_names(const ir::PolicySet& set, std::set<ir::FqdnPeer>& out) {
  for (const auto& policy : set.policies)
    for (const auto& rule : policy.rules)
      for (const auto& peer : rule.peers)
        if (const auto* name = std::get_if<ir::FqdnPeer>(&peer)) out.insert(*name);
}

// `names`: of either set.
std::vector<Place> places(Forced& before, Forced& after, const Diff& diff, const std::set<ir::FqdnPeer>& names) {
  std::vector<Place> out;
  const auto both = [&](const std::string& reference, const std::string& name, bool replicated, bool sends) {
    const auto a = before.directory().resolve(reference, std::nullopt), b = after.directory().resolve(reference, std::nullopt);
    if (a && b && !before.incomputable(*a) && !after.incomputable(*b)) out.push_back({name, *a, *b, replicated, sends});
  };
  for (const ir::Endpoint& one : after.directory().cluster().endpoints) both(one.ns + "/" + one.name, one.ns + "/" + one.name, one.kind != "Pod", true);
  for (const char* entity : {"host", "remote-node", "health", "ingress", "init", "unmanaged", "kube-apiserver"}) both(std::string("entity:") + entity, std::string("entity:") + entity, false, true);
  for (const char* text : kOutside) {
    const IpAddress address = *IpAddress::parse(text);
    if (!address.v6 || after.directory().cluster().config.ipv6) both("ip:" + std::string(text), name_of(address, diff), false, true);
  }
  if (names.count({"api.example.com", ""}) != 0) both("fqdn:api.example.com", "fqdn:api.example.com", false, false);
  if (names.count({"", "*.example.com"}) != 0) both("fqdn:any.example.com", "fqdn:*.example.com", false, false);
  for (const DiffEnd& end : diff.ends) {
    if (end.kind == DiffEnd::Kind::Node && end.name.starts_with("ip:")) both(end.name, end.name, false, true);
  }
  return out;
}

std::vector<ir::Flow> flows(const Diff& diff) {
  std::set<ir::Flow> out(std::begin(kFlows), std::end(kFlows));
  const auto edges = [&](AccessId id) {
    for (const PortSpan& span : diff.sets[id])
      for (const int number : {span.first - 1, int{span.first}, int{span.last}, span.last + 1})
        if (number >= 0 && number <= last_number(span.protocol)) out.insert({span.protocol, static_cast<std::uint16_t>(number)});
  };
  for (const TrafficChange& line : diff.traffic)
    for (const DiffAccess& access : {line.before, line.after}) edges(access.allowed), edges(access.possible);
  return {out.begin(), out.end()};
}

bool has(const AccessSets& sets, AccessId id, ir::Flow flow) {
  const Access& all = sets[id];
  return std::any_of(all.begin(), all.end(), [&](const PortSpan& span) { return span.protocol == flow.protocol && span.first <= flow.number && flow.number <= span.last; });
}

bool in(const DiffEndIds& ids, const Diff& diff, const std::string& name) {
  return std::any_of(ids.begin(), ids.end(), [&](DiffEndId id) { return diff.ends[id].name == name; });
}

std::string text(const Diff& diff, AccessId id) {
  std::string out;
  for (const PortSpan& span : diff.sets[id]) {
    const Marks& marks = diff.sets.marks(span.marks);
    out += std::string(to_string(span.protocol)) + " " + std::to_string(span.first) + "-" + std::to_string(span.last) + " " + marks.l7 + " " + marks.auth + "; ";
  }
  return out;
}
std::string text(const Diff& diff, const DiffAccess& one) { return text(diff, one.allowed) + " / " + text(diff, one.possible); }

struct Seen {
  std::size_t different = 0, alike = 0, requests = 0, undecided = 0;
};

// By meeting; where one set tells hosts apart and the other doesn't, by what there is.
bool same(const std::map<std::string, Passing>& was, const std::map<std::string, Passing>& is) {
  const auto same_meeting = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (std::equal(was.begin(), was.end(), is.begin(), is.end(), same_meeting)) return was == is;
  std::set<Passing> before, after;
  for (const auto& one : was) before.insert(one.second);
  for (const auto& one : is) after.insert(one.second);
  return before == after;
}

// Whether the line says of this flow what the interpreter does.
void check_said(const Diff& diff, const DiffAccess& said, const std::map<std::string, Passing>& passing, ir::Flow flow) {
  const auto passes = [](const auto& one) { return one.second.has_value(); };
  if (has(diff.sets, said.allowed, flow) != std::all_of(passing.begin(), passing.end(), passes)) FAIL_CHECK("allowed");
  if (has(diff.sets, said.possible, flow) != std::any_of(passing.begin(), passing.end(), passes)) FAIL_CHECK("possible");
}

bool in(const RequestsChange& one, const Diff& diff, D direction, const std::string& subject, const std::string& peer, ir::Flow flow) {
  return one.direction == direction && diff.ends[one.end].name == subject && in(one.peers, diff, peer) && has(diff.sets, one.traffic, flow);
}

// Requests that pass in one set only are told of, and what is told of is so; of what passes in both on the way to a proxy.
void check_requests(const Diff& diff, Forced& before, Forced& after, const Place& from, const Place& to, Seen& seen) {
  constexpr ir::Flow flow{P::Tcp, 80};
  const auto passes = [](const auto& one) { return one.second.has_value(); };
  const auto was_passing = before.passing(from.before, to.before, flow), is_passing = after.passing(from.after, to.after, flow);
  if (std::none_of(was_passing.begin(), was_passing.end(), passes) || std::none_of(is_passing.begin(), is_passing.end(), passes)) return;
  for (const D direction : {D::Ingress, D::Egress}) {
    const std::string &subject = direction == D::Ingress ? to.name : from.name, &peer = direction == D::Ingress ? from.name : to.name;
    const auto said = std::find_if(diff.requests.begin(), diff.requests.end(), [&](const RequestsChange& one) { return in(one, diff, direction, subject, peer, flow); });
    const auto fares = [&](const ir::Request& request) { return std::pair(before.fares(from.before, to.before, direction, flow, request), after.fares(from.after, to.after, direction, flow, request)); };
    for (const ir::HttpRequest& request : kRequests) {
      const auto [was, is] = fares(request);
      if (was == is || was.size() != is.size()) continue;
      ++seen.requests;
      INFO(request.method << " " << request.path << " at " << subject << ": " << was << " and " << is);
      REQUIRE(said != diff.requests.end());
      if (said->kind == RequestsChange::Kind::Undecided) ++seen.undecided;
      else CHECK((was < is ? said->closed : said->opened).has_value());  // allowed is 0, denied 1
    }
    if (said == diff.requests.end()) continue;
    if (said->opened) CHECK(fares(said->opened->request).first > fares(said->opened->request).second);
    if (said->closed) CHECK(fares(said->closed->request).first < fares(said->closed->request).second);
  }
}

void check_pair(const Diff& diff, Forced& before, Forced& after, const Place& from, const Place& to, const std::vector<ir::Flow>& flows, Seen& seen) {
  INFO(from.name << " → " << to.name);
  std::vector<const TrafficChange*> lines;
  for (const TrafficChange& line : diff.traffic)
    if (in(line.from, diff, from.name) && in(line.to, diff, to.name)) lines.push_back(&line);
  REQUIRE(lines.size() <= 1);
  const std::string said = lines.empty() ? "no line" : text(diff, lines.front()->before) + "\n → " + text(diff, lines.front()->after);
  INFO(said);
  bool differ = false;
  for (const ir::Flow flow : flows) {
    const auto was = before.passing(from.before, to.before, flow), is = after.passing(from.after, to.after, flow);
    differ |= !same(was, is);
    if (lines.empty()) {
      if (!same(was, is)) FAIL_CHECK(to_string(flow.protocol), " ", flow.number);
    } else if (!lines.front()->in_cases) {
      INFO(std::string(to_string(flow.protocol)) << " " << flow.number);
      check_said(diff, lines.front()->before, was, flow);
      check_said(diff, lines.front()->after, is, flow);
    }
  }
  CHECK(differ == !lines.empty());
  ++(differ ? seen.different : seen.alike);
  check_requests(diff, before, after, from, to, seen);
}

void check(const Manifests& before, const Manifests& after, Seen& seen) {
  const Diff found = diff(before.world(), after.world());
  ir::Resolutions names = {{"api.example.com", {*IpAddress::parse("198.18.0.1")}}, {"any.example.com", {*IpAddress::parse("198.18.0.2")}}};
  Forced first(before, names), second(after, names);
  std::set<ir::FqdnPeer> mentioned;
  add_names(before.policies, mentioned);
  add_names(after.policies, mentioned);
  const std::vector<ir::Flow> all_flows = flows(found);
  const std::vector<Place> all = places(first, second, found, mentioned);
  for (const Place& from : all)
    for (const Place& to : all) {
      if (!from.sends || (from.name == to.name && !(from.replicated && &from == &to))) continue;
      check_pair(found, first, second, from, to, all_flows, seen);
    }
}

void try_seed(std::uint32_t seed, Seen& seen) {
  Random random(seed);
  const Manifests before = random_manifests(random);
  for (int i = 0; i < 4; ++i) {
    Manifests after = before;
    if (i == 1) after.policies = reworded(random, before.policies);
    if (i >= 2) after.policies = changed(random, before.policies);
    if (i == 0 || i == 3) change_cluster(random, after);
    for (ir::Policy& one : after.policies.policies) one.subject_is_node &= one.ns.empty();  // others can't select nodes
    INFO("seed " << seed << ", change " << i << ", versions " << before.cluster.config.version << " and " << after.cluster.config.version);
    check(before, after, seen);
    if (i == 1) CHECK_FALSE(diff(before.world(), after.world()).differs());
  }
}

}  // namespace

TEST_CASE("lines are exactly the pairs that the interpreter judges otherwise, and say what it says") {
  Seen seen;
  std::uint32_t from = 0, count = kTried;
  if (const char* some = std::getenv("NETPOLC_DIFF_SEEDS")) {
    char* rest = nullptr;
    from = static_cast<std::uint32_t>(std::strtoul(some, &rest, 10));
    count = *rest == ',' ? static_cast<std::uint32_t>(std::strtoul(rest + 1, nullptr, 10)) : 1;
  }
  for (std::uint32_t seed = from; seed < from + count; ++seed) try_seed(seed, seen);
  if (count < kSeeds) return;
  MESSAGE(seen.different, " pairs differ, ", seen.alike, " are alike, ", seen.requests, " requests fare otherwise, of ", seen.undecided, " nobody knows");
  CHECK(seen.different > 20 * kSeeds);
  CHECK(seen.alike > 300 * kSeeds);
  CHECK(seen.requests > seen.undecided);
}

// ---- what is rare ----------------------------------------------------------------------------------------------

namespace {

ir::Policy of_host(const std::string& label, std::uint16_t port) {
  ir::Policy out;
  out.kind = ir::PolicyKind::CiliumClusterwideNetworkPolicy;
  out.name = "host-" + label;
  out.subject.requirements = {{"any", "a", ir::Operator::In, {label}}};
  out.subject_is_node = true;
  out.default_deny_egress = true;
  ir::Rule rule;
  rule.direction = D::Egress;
  rule.any_l4 = false;
  rule.ports = {{{{P::Tcp, port, port, ""}}, {}, {}}};
  out.rules = {rule};
  return out;
}

Manifests two_hosts(std::uint16_t first, std::uint16_t second) {
  Manifests out;
  Random random(1);
  out.cluster = cluster(random);
  out.cluster.config = {};
  out.cluster.config.host_firewall = true;
  out.policies.policies = {of_host("x", first), of_host("other", second)};
  return out;
}

}  // namespace

TEST_CASE("what two nodes swap is a difference, though all nodes together look alike") {
  const Manifests before = two_hosts(80, 443), after = two_hosts(443, 80);
  const Diff found = diff(before.world(), after.world());
  CHECK_FALSE(diff(before.world(), before.world()).differs());
  const auto line = std::find_if(found.traffic.begin(), found.traffic.end(), [&](const TrafficChange& one) { return in(one.to, found, "entity:world-ipv4"); });
  REQUIRE(line != found.traffic.end());
  CHECK(line->in_cases);  // of the one node; the other's is the reverse
  CHECK(line->opens);
  CHECK(line->closes);
}

TEST_CASE("enforcement that stops no traffic that is there is still said") {
  Manifests before = two_hosts(80, 443), after = before;
  before.policies.policies.clear();
  before.cluster.config.host_firewall = after.cluster.config.host_firewall = false;
  ir::Policy everything_passes;
  everything_passes.kind = ir::PolicyKind::CiliumClusterwideNetworkPolicy;
  everything_passes.name = "all";
  everything_passes.default_deny_egress = true;
  ir::Rule rule;
  rule.direction = D::Egress;
  rule.peer_kind = ir::PeerKind::Listed;
  rule.peers = {ir::EntityPeer{ir::Entity::All}};
  everything_passes.rules = {rule};
  after.policies.policies = {everything_passes};
  const Diff found = diff(before.world(), after.world());
  CHECK(found.traffic.empty());
  CHECK(found.enforcement.size() == after.cluster.endpoints.size());
  CHECK(found.differs());
}
