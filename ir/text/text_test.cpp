#include "ir/text/text.h"

#include <doctest/doctest.h>

#include <random>

using namespace netpolc;
using namespace netpolc::ir;

namespace {

// Every field but places, told one by one: the description that reads and writes must not be what
// says that nothing is lost.
bool same(const PortRule& a, const PortRule& b) { return a.ports == b.ports && a.l7 == b.l7; }
bool same(const Rule& a, const Rule& b) {
  return a.direction == b.direction && a.action == b.action && a.peer_kind == b.peer_kind && a.peers == b.peers && a.requires_all == b.requires_all &&
         a.any_l4 == b.any_l4 && a.auth == b.auth && a.order == b.order && a.path == b.path &&
         std::equal(a.ports.begin(), a.ports.end(), b.ports.begin(), b.ports.end(), [](const auto& x, const auto& y) { return same(x, y); });
}
bool same(const Policy& a, const Policy& b) {
  return a.kind == b.kind && a.ns == b.ns && a.name == b.name && a.subject == b.subject && a.subject_is_node == b.subject_is_node &&
         a.default_deny_ingress == b.default_deny_ingress && a.default_deny_egress == b.default_deny_egress && a.tier == b.tier && a.priority == b.priority &&
         std::equal(a.rules.begin(), a.rules.end(), b.rules.begin(), b.rules.end(), [](const auto& x, const auto& y) { return same(x, y); });
}
bool same(const PolicySet& a, const PolicySet& b) {
  return std::equal(a.policies.begin(), a.policies.end(), b.policies.begin(), b.policies.end(), [](const auto& x, const auto& y) { return same(x, y); });
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return engine_() % n; }
  bool coin() { return below(2) == 0; }
  std::uint16_t number() { return coin() ? 0 : static_cast<std::uint16_t>(engine_()); }
  std::string name() {
    static const char* words[] = {"", "a", "app.kubernetes.io/name", "*.example.com", "with space", "quo\"te\\", "named", "8080", "{", "\n\x01\x7f", "\xff\xfe", "ü"};
    return words[below(std::size(words))];
  }
  template <class T>
  T one(std::size_t count) {
    return static_cast<T>(below(count));
  }
  template <class T, class F>
  void some(std::vector<T>& out, const F& make) {
    for (std::size_t n = below(3); n > 0; --n) out.push_back(make());
  }
  IpPrefix prefix() { return *IpPrefix::parse(coin() ? "10.0.0.0/8" : "2001:db8::/33"); }
  Selector selector() {
    Selector out;
    some(out.requirements, [&] {
      Requirement r{name(), name(), one<Operator>(4), {}};
      some(r.values, [&] { return name(); });
      return r;
    });
    return out;
  }
  Peer peer() {
    switch (below(6)) {
      case 0: return LabelPeer{selector(), coin()};
      case 1: return EntityPeer{one<Entity>(11)};
      case 2: {
        CidrPeer out{prefix(), {}, coin()};
        some(out.except, [&] { return prefix(); });
        return out;
      }
      case 3: {
        CidrGroupPeer out{name(), coin() ? std::optional(selector()) : std::nullopt, {}};
        some(out.except, [&] { return prefix(); });
        return out;
      }
      case 4: return FqdnPeer{name(), name()};
      default: return ServicePeer{name(), coin() ? std::optional(selector()) : std::nullopt, name()};
    }
  }
  L7 l7() {
    L7 out;
    if (coin()) return out;
    out.parser = one<L7Parser>(7);
    out.generic_name = name();
    some(out.http, [&] {
      HttpRule rule{name(), name(), name(), {}, {}};
      some(rule.headers, [&] { return name(); });
      some(rule.header_matches, [&] { return HeaderMatch{name(), name(), name(), name(), name()}; });
      return rule;
    });
    some(out.dns, [&] { return DnsRule{name(), name()}; });
    some(out.kafka, [&] { return KafkaRule{name(), name(), name(), name(), name()}; });
    some(out.generic, [&] { return GenericRule{{name(), name()}, {name(), name()}}; });
    some(out.server_names, [&] { return name(); });
    if (coin()) out.terminating_tls = TlsContext{name(), name(), name(), name(), name()};
    if (coin()) out.originating_tls = TlsContext{};
    if (coin()) out.listener = Listener{name(), name(), name(), name(), number(), coin()};
    return out;
  }
  PortRule ports() {
    PortRule out;
    some(out.ports, [&] { return PortMatch{one<Protocol>(13), number(), number(), coin() ? "" : name()}; });
    out.l7 = l7();
    return out;
  }
  Rule rule() {
    Rule out;
    out.direction = one<Direction>(2);
    out.action = one<Action>(3);
    out.peer_kind = one<PeerKind>(3);
    some(out.peers, [&] { return peer(); });
    some(out.requires_all, [&] { return selector(); });
    out.any_l4 = coin();
    some(out.ports, [&] { return ports(); });
    out.auth = one<AuthMode>(4);
    out.order = number();
    out.path = name();
    return out;
  }
  PolicySet set() {
    PolicySet out;
    some(out.policies, [&] {
      Policy policy;
      policy.kind = one<PolicyKind>(4);
      policy.ns = name();
      policy.name = name();
      policy.subject = selector();
      policy.subject_is_node = coin();
      policy.default_deny_ingress = coin();
      policy.default_deny_egress = coin();
      policy.tier = one<Tier>(4);
      policy.priority = number();
      some(policy.rules, [&] { return rule(); });
      return policy;
    });
    return out;
  }

 private:
  std::mt19937 engine_;
};

}  // namespace

TEST_CASE("what is printed is read back, whatever it is") {
  for (unsigned seed = 0; seed < 10000; ++seed) {
    const PolicySet set = Random(seed).set();
    const std::string text = print(set);
    const auto read = parse(text);
    REQUIRE_MESSAGE(read.has_value(), text << (read ? "" : read.error().message));
    REQUIRE_MESSAGE(same(*read, set), text);
    REQUIRE(print(*read) == text);
  }
}

TEST_CASE("the text is for people") {
  Policy policy;
  policy.ns = "shop";
  policy.name = "web";
  policy.subject = {{{"any", "app", Operator::In, {"web"}}}};
  policy.default_deny_ingress = true;
  Rule rule;
  rule.path = "ingress[0]";
  rule.peer_kind = PeerKind::Listed;
  rule.peers = {LabelPeer{{{{"any", "app", Operator::NotIn, {"a", "b"}}}}, true}, EntityPeer{Entity::Host}};
  rule.any_l4 = false;
  rule.ports = {{{{Protocol::Tcp, 80, 90, ""}, {Protocol::Udp, 0, 0, "dns"}}, {}, {}}};
  policy.rules = {rule};
  CHECK(print({{policy}}) == R"(policy {
  kind CiliumNetworkPolicy
  namespace shop
  name web
  subject {
    any:app in (web)
  }
  default-deny-ingress
  rule {
    path "ingress[0]"
    direction ingress
    action allow
    peers listed
    labels {
      match {
        any:app not-in (a, b)
      }
    }
    entity {
      name host
    }
    ports-listed
    ports {
      port TCP 80 90
      port UDP named dns 0
    }
  }
}
)");
}

TEST_CASE("comments and spacing are free, and fields come in any order") {
  const auto read = parse("# two words\npolicy{name web kind NetworkPolicy subject{any:\"app\" exists}}");
  REQUIRE(read.has_value());
  CHECK(read->policies[0].name == "web");
  CHECK(read->policies[0].subject == Selector{{{"any", "app", Operator::Exists, {}}}});
}

TEST_CASE("what does not fit is said with its place") {
  const auto refused = [](std::string_view text) {
    const auto read = parse(text);
    REQUIRE_FALSE_MESSAGE(read.has_value(), text);
    return std::to_string(read.error().line) + ":" + std::to_string(read.error().column) + " " + read.error().message;
  };
  CHECK(refused("policy {\n  colour red\n}") == "2:3 there is no field `colour` here");
  CHECK(refused("policy {\n  name a\n  name b\n}") == "3:3 `name` is said twice");
  CHECK(refused("policy { kind Policy }").starts_with("1:15 expected one of CiliumNetworkPolicy, "));
  CHECK(refused("policy { priority 65536 }") == "1:19 expected a number to 65535");
  CHECK(refused("policy { name \"a\n\" }") == "1:17 a quoted word does not end on its line");
  CHECK(refused("policy { name \"\\q\" }") == "1:16 unknown escape: expected \\\", \\\\ or \\xHH");
  CHECK(refused("policy { rule { cidr { prefix x } } }") == "1:31 expected a prefix, ADDRESS/LENGTH");
  CHECK(refused("policy {") == "1:9 expected `}`");
  CHECK(refused("}") == "1:1 expected the end");
  CHECK(refused("policy { subject { any app } }") == "1:24 expected `:`");
  CHECK(refused("policy { ; }") == "1:10 unexpected byte");
}

TEST_CASE("no prefix of a text makes the parser stumble") {
  const std::string text = print(Random(7).set());
  for (std::size_t length = 0; length <= text.size(); ++length) (void)parse(std::string_view(text).substr(0, length));
}
