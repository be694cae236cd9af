// What is said of every request, held against all requests of a small universe, judged one by one by the interpreter,
// which matches with RE2 and knows nothing of automata.
#include <doctest/doctest.h>

#include <algorithm>

#include "verify/claims.h"
#include "verify/dead.h"
#include "verify/random_for_tests.h"

using namespace netpolc;
using namespace netpolc::verify;

namespace {

using P = ir::Protocol;

#ifdef NETPOLC_SANITIZED
constexpr std::uint32_t kSeeds = 40;
#else
constexpr std::uint32_t kSeeds = 400;
#endif

std::string path(Random& random) { return random.of<std::string>({"", "/a", "/a.*", "/[ab]", "/.*b", "(/a|/b)/?", "(?i)/A", "/[^a].*", "a.*", "\\/a/b?"}); }

ir::HttpRule http(Random& random) {
  ir::HttpRule out;
  out.path = path(random);
  if (random.one_in(2)) out.method = random.of<std::string>({"GET", "GET|POST", "[^G]+", "P.*"});
  if (random.one_in(4)) out.host = random.of<std::string>({"x", "x|y", ".*"});
  if (random.one_in(4)) out.headers = {random.of<std::string>({"T", "T: 1", "t: 2"})};
  if (random.one_in(6)) out.header_matches = {{"T", random.of<std::string>({"1", ""}), "", "", random.of<std::string>({"", "", "LOG"})}};
  if (random.one_in(80)) out.header_matches = {{"T", "", "n", "secret", ""}};
  return out;
}

ir::DnsRule dns(Random& random) {
  if (random.one_in(3)) return {random.of<std::string>({"a.b", "A.a", "b"}), ""};
  return {"", random.of<std::string>({"*", "*.a", "a*.a", "**.a", "**.b.a", "*.*", "b.*"})};
}

std::vector<std::string> server_names(Random& random, ir::CiliumVersion version) {
  std::vector<std::string> out;
  if (random.one_in(60)) out.push_back("A.b");
  for (std::uint32_t n = 1 + random.below(2); n > 0; --n)
    out.push_back(version < 20 || random.one_in(2) ? random.of<std::string>({"a.b", "b", "*.a", "**.a", "**.b.a"}) : random.of<std::string>({"*", "a*.a", "b.**", "*.*", "b*"}));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

ir::PortRule port_rule(Random& random, bool egress, bool lists, ir::CiliumVersion version) {
  ir::PortRule out;
  const bool names = egress && random.one_in(2);
  const std::uint16_t number = names != random.one_in(8) ? 53 : random.of<std::uint16_t>({80, 80, 85});
  out.ports = {{names && random.one_in(2) ? P::Udp : P::Tcp, number, number, ""}};
  if (random.one_in(6)) out.ports[0].last = static_cast<std::uint16_t>(number + 10);
  if (random.one_in(8)) out.ports[0].first = out.ports[0].last = 0;
  if (!lists || random.one_in(3)) return out;
  if (random.one_in(3)) {
    out.l7.server_names = server_names(random, version);
    if (random.one_in(20)) out.l7.terminating_tls = ir::TlsContext{"n", "s", "", "", ""};
    return out;
  }
  out.l7.parser = names ? ir::L7Parser::Dns : ir::L7Parser::Http;
  for (std::uint32_t n = 1 + random.below(2); n > 0; --n) names ? out.l7.dns.push_back(dns(random)) : out.l7.http.push_back(http(random));
  return out;
}

ir::Selector role(const char* value) { return {{{"k8s", "role", ir::Operator::In, {value}}}}; }

ir::Policy policy(Random& random, ir::CiliumVersion version) {
  ir::Policy out;
  const bool tiered = version >= 20 && random.one_in(3);
  out.kind = tiered ? ir::PolicyKind::ClusterNetworkPolicy : ir::PolicyKind::CiliumNetworkPolicy;
  if (!tiered) out.ns = "n";
  out.name = "p";
  if (random.one_in(2)) out.subject = role(random.of({"x", "y"}));
  out.default_deny_ingress = !random.one_in(4);
  out.default_deny_egress = !random.one_in(4);
  if (tiered) out.tier = random.of({ir::Tier::Admin, ir::Tier::Baseline});
  for (std::uint32_t n = 1 + random.below(3); n > 0; --n) {
    ir::Rule rule;
    rule.direction = random.of({ir::Direction::Ingress, ir::Direction::Egress});
    rule.action = random.one_in(6) ? ir::Action::Deny : tiered && random.one_in(3) ? ir::Action::Pass : ir::Action::Allow;
    rule.peer_kind = ir::PeerKind::Listed;
    ir::LabelPeer peer;
    if (random.one_in(2)) peer.selector = role(random.of({"x", "y"}));
    rule.peers = {peer};
    if (random.one_in(4)) rule.peer_kind = ir::PeerKind::Unspecified, rule.peers.clear();
    rule.any_l4 = random.one_in(6);
    if (tiered) rule.order = static_cast<std::uint16_t>(random.below(2));
    if (!rule.any_l4)
      for (std::uint32_t p = 1 + random.below(2); p > 0; --p) rule.ports.push_back(port_rule(random, rule.direction == ir::Direction::Egress, !tiered && rule.action == ir::Action::Allow, version));
    out.rules.push_back(std::move(rule));
  }
  return out;
}

struct World {
  ir::PolicySet policies;
  ir::Cluster cluster;
  ir::Resolutions resolutions;
  ir::IdentityLock lock;
  ir::eval::World world() const { return {policies, cluster, resolutions}; }
};

World random_world(Random& random) {
  World out;
  out.cluster.config.version = 16 + static_cast<int>(random.below(5));
  ir::Namespace n;
  n.name = "n";
  out.cluster.namespaces = {n};
  for (std::uint32_t p = 1 + random.below(4); p > 0; --p) out.policies.policies.push_back(policy(random, out.cluster.config.version));
  return out;
}

std::vector<ir::Subject> pods() {
  std::vector<ir::Subject> out;
  for (const char* value : {"x", "y", "other", ""}) {
    ir::Subject pod;
    pod.ns = "n";
    pod.labels = {{"k8s", "io.kubernetes.pod.namespace", "n"}, {"k8s", "io.cilium.k8s.policy.cluster", "default"}, {"k8s", "io.cilium.k8s.policy.serviceaccount", "default"}};
    if (*value != 0) pod.labels.push_back({"k8s", "role", value});
    ir::normalise(pod.labels);
    out.push_back(std::move(pod));
  }
  return out;
}

void words(std::vector<std::string>& out, const std::string& begin, const char* letters, std::size_t most) {
  for (const char* c = letters; *c != 0; ++c) {
    out.push_back(begin + *c);
    if (most > 1) words(out, begin + *c, letters, most - 1);
  }
}

// All that the expressions above can tell apart.
std::vector<ir::Request> requests(const RequestRange& range) {
  std::vector<ir::Request> out;
  std::vector<std::string> texts;
  if (range.kind != RequestRange::Kind::Http) {
    words(texts, "", "ab", 2);
    std::vector<std::string> names = texts;
    for (const std::string& first : texts)
      for (const std::string& second : texts) {
        names.push_back(first + "." + second);
        for (const char* third : {"a", "b"}) names.push_back(first + "." + second + "." + third);
      }
    for (std::string& name : names)
      if (range.kind == RequestRange::Kind::Dns) out.push_back(ir::DnsQuery{std::move(name)});
      else out.push_back(ir::TlsHello{std::move(name)});
    return out;
  }
  words(texts, "", "/abA", 3);
  std::erase_if(texts, [](const std::string& one) { return !one.starts_with('/'); });
  for (const char* more : {"/a/b", "/bab", "/cab", "*"}) texts.push_back(more);
  for (const std::string& text : texts)
    for (const char* method : {"GET", "POST", "M"})
      for (const char* host : {"x", "y", "z"})
        for (const char* header : {"", "1", "2", "3"}) {
          ir::HttpRequest one{method, text, host, {}};
          if (*header != 0) one.headers = {{"t", header}};
          out.push_back(one);
        }
  return out;
}

// One of each kind that the ports above make.
std::vector<ir::Flow> flows() {
  std::vector<ir::Flow> out;
  for (const P protocol : {P::Tcp, P::Udp})
    for (const std::uint16_t number : {1, 53, 60, 80, 82, 85, 88, 93}) out.push_back({protocol, number});
  return out;
}
bool is_sent(const ir::Request& request, ir::Flow flow) { return flow.protocol == P::Tcp || std::holds_alternative<ir::DnsQuery>(request); }

enum class Said { No, Yes, Unknown };

// Of one connection and request: do both sides let it pass?
Said passes(const ir::eval::SubjectPolicy& from, const ir::eval::SubjectPolicy& to, const ir::Subject& source, const ir::Subject& destination, ir::Flow flow,
            const ir::Request& request) {
  const auto facts = [](const ir::Subject& pod) { return ir::PeerFacts{.labels = pod.labels, .address = {}, .named_ports = pod.named_ports}; };
  const auto out = from.judge(ir::Direction::Egress, facts(destination), flow, request), in = to.judge(ir::Direction::Ingress, facts(source), flow, request);
  using Word = ir::RequestVerdict::Word;
  if (out.word == Word::Denied || in.word == Word::Denied) return Said::No;
  return out.word == Word::Unknown || in.word == Word::Unknown ? Said::Unknown : Said::Yes;
}

// `asked`'s own range: with requests that are in it, by the interpreter's own matching.
bool in_range(const RequestRange& range, const ir::Request& request, ir::CiliumVersion version) {
  static const auto judge = [](const ir::L7& l7, const ir::Request& one, ir::CiliumVersion v) {
    World world;
    world.cluster.config.version = v;
    ir::Policy p;
    p.ns = "n";
    p.default_deny_egress = true;
    ir::Rule rule;
    rule.direction = ir::Direction::Egress;
    rule.peer_kind = ir::PeerKind::Unspecified;
    rule.any_l4 = false;
    rule.ports = {{{{P::Tcp, 53, 53, ""}}, l7, {}}};
    p.rules = {rule};
    world.policies.policies = {p};
    const ir::eval::SubjectPolicy policy(world.world(), pods()[0]);
    return policy.judge(ir::Direction::Egress, ir::PeerFacts{.labels = pods()[0].labels, .address = {}, .named_ports = std::nullopt}, {P::Tcp, 53}, one).word == ir::RequestVerdict::Word::Allowed;
  };
  ir::L7 l7;
  if (range.kind != RequestRange::Kind::Http && range.name.empty()) return true;
  if (range.kind == RequestRange::Kind::Tls) {
    l7.server_names = {range.name};
    version = 20;  // its patterns, whatever the version
  } else if (range.kind == RequestRange::Kind::Dns) {
    l7.parser = ir::L7Parser::Dns;
    l7.dns = {{"", range.name}};
  } else {
    l7.parser = ir::L7Parser::Http;
    ir::HttpRule rule;
    rule.method = range.method;
    rule.path = range.path;
    rule.host = range.host;
    rule.headers = range.headers;
    l7.http = {rule};
  }
  return judge(l7, request, version);
}

RequestRange range(Random& random) {
  RequestRange out;
  if (random.one_in(2)) {
    out.kind = random.of({RequestRange::Kind::Dns, RequestRange::Kind::Tls});
    out.name = random.of<std::string>({"", "", "*.a", "a.b", "b*", "**.a"});
    return out;
  }
  out.path = path(random);
  out.method = random.of<std::string>({"", "GET", "POST"});
  if (random.one_in(5)) out.headers = {"T: 1"};
  return out;
}

struct Sides {
  explicit Sides(const World& world, const std::vector<ir::Subject>& subjects = pods()) {
    for (const ir::Subject& subject : subjects) policies.emplace_back(world.world(), subject);
  }
  bool computable() const {
    return std::all_of(policies.begin(), policies.end(), [](const auto& p) { return !p.incomputable(); });
  }
  std::vector<ir::eval::SubjectPolicy> policies;
};

// Is there one as wanted? None: it may turn on what is not known.
std::optional<bool> by_force(const Inquiry& asked, const Sides& here, const Sides* there, ir::CiliumVersion version) {
  const auto all = pods();
  bool unknown = false;
  std::vector<ir::Request> requests;
  for (const ir::Request& one : ::requests(*asked.request))
    if (in_range(*asked.request, one, version) != asked.other_requests) requests.push_back(one);
  for (std::size_t a = 0; a < all.size(); ++a)
    for (std::size_t b = 0; b < all.size(); ++b)
      for (const ir::Flow flow : flows())
        for (const ir::Request& request : requests) {
          if (!is_sent(request, flow)) continue;
          const Said said = passes(here.policies[a], here.policies[b], all[a], all[b], flow, request);
          const Said other = there == nullptr ? Said::No : passes(there->policies[a], there->policies[b], all[a], all[b], flow, request);
          if (asked.wanted == Wanted::Denied ? said == Said::No : said == Said::Yes && other == Said::No) return true;
          unknown |= asked.wanted == Wanted::Denied ? said == Said::Unknown : said != Said::No && other != Said::Yes;
        }
  return unknown ? std::nullopt : std::optional(false);
}

struct Seen {
  std::size_t found = 0, none = 0, unknown = 0;
};

void compare(std::uint32_t seed, Seen& seen) {
  Random random(seed);
  World world = random_world(random), other = world;
  const auto version = world.cluster.config.version;
  Inquiry asked;
  asked.name = "requests";
  asked.without = {"host", "init"};
  asked.from.pods = asked.to.pods = {{"n/[]", "n", {}}};
  asked.request = range(random);
  asked.wanted = random.one_in(3) ? Wanted::Denied : Wanted::Allowed;
  const bool two = random.one_in(2);
  if (two) {
    asked.wanted = Wanted::Allowed;
    asked.compare = Inquiry::Compare::FirstAllows;
    other.policies.policies[random.below(static_cast<std::uint32_t>(other.policies.policies.size()))] = policy(random, version);
  }
  asked.other_requests = random.one_in(6);
  const Sides here(world), there(other);
  if (!here.computable() || !there.computable()) return;
  const auto forced = by_force(asked, here, two ? &there : nullptr, version);
  const ir::eval::World first = world.world(), second = other.world();
  Judge judge(first, world.lock);
  Claims claims(first, judge, [](const std::string&) { return true; }, {}, two ? &second : nullptr);
  const Finding answer = claims.look_for(asked);
  std::string said = "none";
  if (const auto* it = std::get_if<NotKnown>(&answer)) said = it->why;
  if (const auto* it = std::get_if<Found>(&answer)) said = it->witness.from + " to " + it->witness.to + " " + ir::to_string(it->witness.flow.protocol) + "/" + std::to_string(it->witness.flow.number);
  INFO("seed " << seed << ", version " << version << ", " << to_string(*asked.request) << ": " << said);
  if (std::holds_alternative<NotKnown>(answer)) {
    ++seen.unknown;
    // what is not modelled may hide a witness, but only where something is not modelled
    const bool said_why = said.find("known") != std::string::npos;
    CHECK(said_why);
    return;
  }
  if (!forced) {
    CHECK(std::holds_alternative<Found>(answer));  // nothing of the universe is one for sure, but what is beside it may be
    return;
  }
  CHECK(std::holds_alternative<Found>(answer) == *forced);
  (*forced ? seen.found : seen.none) += 1;
}

}  // namespace

TEST_CASE("what is found, or not, among all requests is what is among those of a small universe") {
  Seen seen;
  for (std::uint32_t seed = 0; seed < kSeeds; ++seed) compare(seed, seen);
  MESSAGE(seen.found << " found, " << seen.none << " none, " << seen.unknown << " not known");
  CHECK(seen.found > kSeeds / 8);
  CHECK(seen.none > kSeeds / 16);
  CHECK(seen.unknown < kSeeds / 4);
}

// ---- rules that never decide -------------------------------------------------------------------------

namespace {

enum class Decides { No, Yes, Perhaps };

// A label `init` turns on default deny, also a node's.
std::vector<ir::Subject> hosts() {
  std::vector<ir::Subject> out;
  for (const bool init : {false, true})
    for (const char* value : {"x", "y", "other", ""}) {
      ir::Subject host{.labels = {{"reserved", "host", ""}}, .ns = "", .named_ports = {}, .is_host = true};
      if (*value != 0) host.labels.push_back({"k8s", "role", value});
      if (init) host.labels.push_back({"k8s", "init", ""});
      ir::normalise(host.labels);
      out.push_back(std::move(host));
    }
  return out;
}

// Some policies become those of nodes, some of which select none.
void give_to_nodes(World& world, Random& random) {
  world.cluster.config.host_firewall = random.one_in(6) ? false : true;
  for (ir::Policy& policy : world.policies.policies) {
    if (policy.tier != ir::Tier::Normal || random.one_in(2)) continue;
    policy.kind = ir::PolicyKind::CiliumClusterwideNetworkPolicy;
    policy.ns = "";
    policy.subject_is_node = true;
    if (random.one_in(4)) policy.subject.requirements.push_back({"reserved", "host", random.of({ir::Operator::Exists, ir::Operator::DoesNotExist}), {}});
  }
}

// Is any verdict of a side of anybody, or what becomes of any request, another one when the rule says nothing?
Decides decides(const World& world, ir::RuleRef ref, const std::vector<ir::Request>& requests) {
  World without = world;
  ir::Rule& rule = without.policies.policies[ref.policy].rules[ref.rule];
  rule.peers.clear();
  rule.peer_kind = ir::PeerKind::Nobody;
  rule.action = ir::Action::Allow;
  const auto all = world.policies.policies[ref.policy].subject_is_node ? hosts() : pods();
  const Sides here(world, all), there(without, all);
  std::vector<ir::PeerFacts> peers{{.labels = {{"reserved", "host", ""}}, .address = {}, .named_ports = std::nullopt}};  // comes in whatever policy says
  for (const ir::Subject& pod : pods()) peers.push_back({.labels = pod.labels, .address = {}, .named_ports = std::nullopt});
  bool unknown = false;
  for (std::size_t a = 0; a < all.size(); ++a)
    for (const ir::PeerFacts& facts : peers)
      for (const ir::Flow flow : flows()) {
        const auto one = here.policies[a].judge(rule.direction, facts, flow), other = there.policies[a].judge(rule.direction, facts, flow);
        const auto word = [](const ir::SideVerdict& v) { return v.verdict == ir::Verdict::Allow ? 1 : v.verdict == ir::Verdict::AllowL7 ? 2 : 3; };
        if (word(one) != word(other)) return Decides::Yes;
        if (word(one) != 2) continue;
        for (const ir::Request& request : requests) {
          if (!is_sent(request, flow)) continue;
          const auto now = here.policies[a].judge(rule.direction, facts, flow, request).word, then = there.policies[a].judge(rule.direction, facts, flow, request).word;
          if (now == ir::RequestVerdict::Word::Unknown || then == ir::RequestVerdict::Word::Unknown) unknown = true;
          else if (now != then) return Decides::Yes;
        }
      }
  return unknown ? Decides::Perhaps : Decides::No;
}

}  // namespace

TEST_CASE("rules without which no request fares otherwise are those that never decide") {
  std::vector<ir::Request> all;
  for (const auto kind : {RequestRange::Kind::Http, RequestRange::Kind::Dns, RequestRange::Kind::Tls})
    for (ir::Request& one : requests({.kind = kind})) all.push_back(std::move(one));
  std::size_t dead = 0, alive = 0, of_nodes = 0;
  for (std::uint32_t seed = 9000; seed < 9000 + kSeeds / 4; ++seed) {
    Random random(seed);
    World world = random_world(random);
    if (seed % 2 == 0) give_to_nodes(world, random);
    if (!Sides(world).computable() || !Sides(world, hosts()).computable()) continue;
    const ir::eval::World judged = world.world();
    Judge judge(judged, world.lock);
    std::uint64_t steps = 0;
    const auto found = find_dead(judged, judge, [](const std::string& key) { return key != "host" && key != "init"; }, {}, steps);
    for (std::uint32_t p = 0; p < world.policies.policies.size(); ++p)
      for (std::uint32_t r = 0; r < world.policies.policies[p].rules.size(); ++r) {
        const ir::Rule& rule = world.policies.policies[p].rules[r];
        if (rule.peer_kind == ir::PeerKind::Unspecified && rule.any_l4) continue;  // written to say nothing
        const auto it = std::find_if(found.begin(), found.end(), [&](const DeadPolicy& d) { return d.rule == ir::RuleRef{p, r}; });
        if (it != found.end() && it->why == DeadPolicy::Why::NotKnown) continue;
        if (std::any_of(found.begin(), found.end(), [&](const DeadPolicy& d) { return d.rule.policy == p && d.why == DeadPolicy::Why::SelectsNobodyEver; })) {
          CHECK(decides(world, {p, r}, {}) == Decides::No);
          continue;
        }
        const Decides forced = decides(world, {p, r}, all);
        INFO("seed " << seed << ", version " << world.cluster.config.version << ", rule " << p << " " << r);
        if (it != found.end()) CHECK(forced != Decides::Yes);
        else CHECK(forced != Decides::No);
        (it != found.end() ? dead : alive) += 1;
        of_nodes += world.policies.policies[p].subject_is_node;
      }
  }
  MESSAGE(dead << " never decide, " << alive << " do; " << of_nodes << " are of nodes");
  CHECK(of_nodes > kSeeds / 20);
  CHECK(dead > kSeeds / 20);
  CHECK(alive > kSeeds / 20);
}
