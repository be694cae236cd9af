// What no vector shows: rules of one sentence each, from the semantics reference, sections 1, 2,
// 6, 10 and 11.
#include "frontend/policy/test_data.h"

using namespace netpolc;
using namespace netpolc::frontend;
using namespace netpolc::frontend::testing;

namespace {

bool accepted(const std::string& yaml, int version = 18) { return Read(yaml, version).sink.errors() == 0; }

std::string egress_port(const std::string& port) {
  return cnp("  egress:\n  - toPorts:\n    - ports: [{port: " + port + ", protocol: TCP}]\n");
}
ir::PortMatch port_of(const std::string& port) {
  Read read(egress_port(port));
  REQUIRE_MESSAGE(read.sink.errors() == 0, read.said());
  return read.loaded.policies.policies.at(0).rules.at(0).ports.at(0).ports.at(0);
}

std::string rules(const std::string& l7, const std::string& ports = "{port: \"80\", protocol: TCP}") {
  return cnp("  egress:\n  - toPorts:\n    - ports: [" + ports + "]\n      rules: " + l7 + "\n");
}
std::string icmp(const std::string& field) { return cnp("  ingress:\n  - icmps: [{fields: [" + field + "]}]\n"); }
std::string peer(const std::string& selector) { return cnp("  ingress:\n  - fromEndpoints: [" + selector + "]\n"); }
const ir::Selector& peer_of(const Read& read) {
  return std::get<ir::LabelPeer>(read.loaded.policies.policies.at(0).rules.at(0).peers.at(0)).selector;
}

}  // namespace

TEST_CASE("numbers of ports are read as Go does") {
  for (const auto& [text, number] : {std::pair{"\"010\"", 8}, {"\"0_7\"", 7}, {"\"1_0\"", 10}, {"\"0x_1F\"", 31}, {"\"0x0000000000000010\"", 16},
                                     {"\"0b_1111\"", 15}, {"\"0o_17\"", 15}, {"\"0\"", 0}, {"\"00\"", 0}, {"\"65535\"", 65535}}) {
    const auto match = port_of(text);
    CHECK_MESSAGE(match.first == number, text);
    CHECK(match.name.empty());
  }
  for (const auto& [text, name] : {std::pair{"\"0x10\"", "0x10"}, {"\"0x\"", "0x"}, {"\"0b11\"", "0b11"}, {"HTTP", "http"}, {"a-b", "a-b"}})
    CHECK(port_of(text).name == name);
  for (const char* text : {"\"08\"", "\"1__0\"", "\"_1\"", "\"1_\"", "\"0x_\"", "\"0_\"", "\"65536\"", "\"0xFFFF_F\"", "\" 80\"", "\"+80\"",
                           "\"a--b\"", "\"-a\"", "\"0x_1G\"", "\"18446744073709551617\""})
    CHECK_FALSE_MESSAGE(accepted(egress_port(text)), std::string(text));
}

TEST_CASE("a port with a leading zero is warned of with the number that it is") {
  Read read(egress_port("\"080\""));
  CHECK(read.sink.errors() == 1);  // 8 is no octal digit
  Read octal(egress_port("\"010\""));
  CHECK(octal.under(DiagKind::OctalPort) == "\"010\"");
}

TEST_CASE("endPort makes a range only above its port") {
  const auto range = [](const std::string& port, const std::string& end, int version) {
    Read read(cnp("  egress:\n  - toPorts:\n    - ports: [{port: " + port + ", endPort: " + end + "}]\n"), version);
    REQUIRE(read.sink.errors() == 0);
    const auto match = read.loaded.policies.policies[0].rules[0].ports[0].ports[0];
    return std::pair{int(match.first), int(match.last)};
  };
  CHECK(range("\"80\"", "90", 18) == std::pair{80, 90});
  CHECK(range("\"80\"", "70", 18) == std::pair{80, 80});
  CHECK(range("\"80\"", "0", 18) == std::pair{80, 80});
  CHECK(range("\"0\"", "90", 18) == std::pair{0, 90});
  CHECK(range("\"0\"", "90", 20) == std::pair{0, 0});
}

TEST_CASE("what excludes L7 rules goes with `l7proto` alone") {
  CHECK(accepted(rules("{l7proto: x}", "{port: \"53\", protocol: UDP}")));
  CHECK(accepted(rules("{l7proto: x}", "{port: \"0\"}")));
  CHECK_FALSE(accepted(rules("{l7proto: x, l7: [{a: b}]}", "{port: \"53\", protocol: UDP}")));
  CHECK_FALSE(accepted(rules("{l7proto: \"\", l7: [{a: b}]}")));
  CHECK_FALSE(accepted(rules("{http: [{}], l7: []}")));
  CHECK(accepted(rules("{http: [], l7: []}")));
  CHECK(accepted(cnp("  egress:\n  - toPorts:\n    - ports: [{port: \"443\", protocol: TCP}]\n      serverNames: [a.b]\n      rules: {l7proto: x}\n")));
}

TEST_CASE("without the L7 proxy only rules are refused") {
  const std::string off = config("  enable-l7-proxy: \"false\"\n");
  CHECK(Read({off, rules("{http: [{}]}")}, {}).sink.errors() == 1);
  CHECK(Read({off, rules("{http: []}")}, {}).sink.errors() == 0);
}

TEST_CASE("regular expressions are RE2's, with Go's spelling of named groups") {
  CHECK(accepted(rules("{http: [{path: \"/(?P<x>a)\"}]}")));
  CHECK(accepted(rules("{http: [{path: \"/(?<x>a)\"}]}")));
  CHECK(accepted(rules("{http: [{path: '/\\(?<x'}]}")));
  CHECK_FALSE(accepted(rules("{http: [{path: \"/(?<=a)\"}]}")));
  CHECK_FALSE(accepted(rules("{http: [{method: \"(?!a)\"}]}")));
  CHECK(accepted(rules("{http: [{host: \"(\"}]}")));
}

TEST_CASE("Kafka versions are 16 bits, and may have a sign and zeros in front") {
  for (const char* version : {"\"0\"", "\"+1\"", "\"32767\"", "\"0000000001\""}) CHECK_MESSAGE(accepted(rules(std::string("{kafka: [{apiVersion: ") + version + "}]}")), std::string(version));
  for (const char* version : {"\"32768\"", "\"-1\"", "\"1.0\"", "\"99999999999999999999\""})
    CHECK_FALSE_MESSAGE(accepted(rules(std::string("{kafka: [{apiVersion: ") + version + "}]}")), std::string(version));
}

TEST_CASE("ICMP types are integers of 32 bits, digits without zeros in front, or names") {
  for (const char* type : {"8", "256", "-1", "2147483647", "\"8\"", "\"255\"", "EchoRequest", "8.0"}) CHECK_MESSAGE(accepted(icmp(std::string("{type: ") + type + "}")), std::string(type));
  for (const char* type : {"2147483648", "\"08\"", "\"256\"", "\"-1\"", "\"\"", "8.5", "true", "[8]"})
    CHECK_FALSE_MESSAGE(accepted(icmp(std::string("{type: ") + type + "}")), std::string(type));
  CHECK(Read(icmp("{type: 0}")).says(DiagKind::IcmpEveryType));
  CHECK(Read(icmp("{type: EchoReply}")).under(DiagKind::IcmpEveryType) == "EchoReply");
  CHECK_FALSE(Read(icmp("{type: 8}")).says(DiagKind::IcmpEveryType));
  CHECK(Read(icmp("{family: IPv5, type: PacketTooBig}")).sink.errors() == 1);  // no error that follows from another
}

TEST_CASE("keys of selectors are read as Cilium extends them") {
  const auto requirement = [](const std::string& key) {
    Read read(peer("{matchLabels: {\"" + key + "\": v}}"));
    REQUIRE_MESSAGE(read.sink.errors() == 0, read.said());
    for (const auto& r : peer_of(read).requirements)
      if (r.values == std::vector<std::string>{"v"}) return r.source + ":" + r.key;
    return std::string("none");
  };
  CHECK(requirement("app") == "any:app");
  CHECK(requirement(":app") == "any:app");
  CHECK(requirement("k8s:app") == "k8s:app");
  CHECK(requirement("$x") == "reserved:x");
  CHECK(requirement("reserved.x") == "reserved:x");
  CHECK(requirement("app=web") == "any:app");
  CHECK(requirement("a.b:c") == "a:b.c");
  CHECK_FALSE(accepted(peer("{matchLabels: {\"k8s:a:b\": v}}")));
  CHECK_FALSE(accepted(peer("{matchLabels: {\"App.io/x\": v}}")));
  CHECK_FALSE(accepted(peer("{matchLabels: {\"/x\": v}}")));
  CHECK(Read(peer("{matchLabels: {\"a b\": v}}")).under(DiagKind::LabelKey) == "\"a b\"");
}

TEST_CASE("prefixes count in the length of keys before 1.20") {
  const std::string key(28, 'x'), longer(29, 'x');
  const auto policy = [](const std::string& name) { return knp("  podSelector: {}\n  ingress:\n  - from: [{namespaceSelector: {matchLabels: {" + name + ": v}}}]\n"); };
  CHECK(accepted(policy(key)));
  CHECK_FALSE(accepted(policy(longer)));
  CHECK(accepted(policy(longer), 20));
  CHECK(accepted(policy("example.com/" + longer)));
  const auto group = [](const std::string& name) { return cnp("  ingress:\n  - fromCIDRSet: [{cidrGroupSelector: {matchLabels: {\"" + name + "\": v}}}]\n"); };
  CHECK(accepted(group(std::string(53, 'x'))));
  CHECK_FALSE(accepted(group(std::string(54, 'x'))));
  CHECK_FALSE(accepted(group("k8s:x")));
  CHECK_FALSE(accepted(knp("  podSelector: {matchLabels: {\"k8s:x\": v}}\n")));
}

TEST_CASE("a subject's namespace is overwritten in matchLabels only") {
  const std::string head = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: a}\nspec:\n  ingress: [{}]\n  endpointSelector: ";
  const std::string ns = "io.kubernetes.pod.namespace";
  const auto subject = [&](const std::string& selector) {
    Read read(head + selector + "\n");
    REQUIRE_MESSAGE(read.sink.errors() == 0, read.said());
    return to_string(read.loaded.policies.policies.at(0).subject);
  };
  const std::string own = "k8s:" + ns + " in (a)";
  CHECK(subject("{}") == own);
  CHECK(subject("{matchLabels: {\"k8s:" + ns + "\": b}}") == own);
  CHECK(subject("{matchLabels: {" + ns + ": b}}") == "any:" + ns + " in (b), " + own);
  CHECK(subject("{matchExpressions: [{key: \"k8s:" + ns + "\", operator: In, values: [b]}]}") == own + ", k8s:" + ns + " in (b)");
  CHECK(Read(head + "{matchLabels: {\"k8s:" + ns + "\": b}}\n").under(DiagKind::ForeignNamespace) == "b");
  CHECK_FALSE(Read(head + "{matchLabels: {\"k8s:" + ns + "\": a}}\n").says(DiagKind::ForeignNamespace));
}

TEST_CASE("nodes need their option only where a list names some") {
  CHECK(accepted(cnp("  ingress:\n  - fromNodes: []\n")));
  CHECK_FALSE(accepted(cnp("  ingress:\n  - fromNodes: [{}]\n")));
}

TEST_CASE("what versions refuse") {
  const auto services = cnp("  egress:\n  - toServices: [{k8sService: {serviceName: s}}]\n    toPorts: [{ports: [{port: \"80\"}]}]\n");
  CHECK_FALSE(accepted(services, 16));
  CHECK(accepted(services, 17));
  const auto groups = cnp("  ingress:\n  - fromCIDRSet: [{cidrGroupSelector: {matchLabels: {a: b}}}]\n");
  CHECK_FALSE(accepted(groups, 16));
  CHECK(accepted(groups, 17));
  const auto needed = cnp("  ingress:\n  - fromEndpoints: [{}]\n    fromRequires: [{matchLabels: {a: b}}]\n");
  CHECK(accepted(needed, 18));
  CHECK_FALSE(accepted(needed, 19));
  CHECK(accepted(cnp("  ingress:\n  - fromEndpoints: [{}]\n    fromRequires: []\n"), 19));
  CHECK(accepted(cnp("  ingress: []\n"), 16));
  CHECK_FALSE(accepted(cnp("  ingress: []\n"), 17));
  CHECK_FALSE(accepted(cnp("  ingress: [{}]\n  log: {value: x}\n"), 17));
  CHECK(accepted(cnp("  ingress: [{}]\n  log: {value: x}\n"), 19));
  CHECK_FALSE(accepted(cnp("  ingress: [{}]\n  log: {value: \"" + std::string(33, 'x') + "\"}\n"), 19));
  CHECK_FALSE(accepted(cnp("  ingress: [{}]\n  log: {value: \"a\\nb\"}\n"), 19));
}

TEST_CASE("a rule's labels have keys") {
  CHECK(accepted(cnp("  labels: [{key: a}]\n  ingress: [{}]\n")));
  CHECK_FALSE(accepted(cnp("  labels: [{key: \"\"}]\n  ingress: [{}]\n")));
}

TEST_CASE("unknown fields of metadata count") {
  Read read("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namspace: a}\nspec: {endpointSelector: {}, ingress: [{}]}\n");
  CHECK(read.under(DiagKind::UnknownField) == "namspace");
}

TEST_CASE("all faults of a file are told in one run") {
  Read read(cnp("  ingress:\n  - fromEntities: [wrold]\n    toPorts:\n    - ports: [{port: \"80443\"}, {port: 80}]\n  - fromCIDR: [1.2.3.4]\n  ingres: []\n") + "---\n" +
            knp("  podSelector: {}\n  ingress: [{ports: [{protocol: QUIC}]}]\n"));
  for (const auto kind : {DiagKind::UnknownEntity, DiagKind::PortOutOfRange, DiagKind::WrongType, DiagKind::CidrSyntax, DiagKind::UnknownField, DiagKind::NetworkPolicyPort})
    CHECK_MESSAGE(read.says(kind), diag_name(kind));
  CHECK(read.sink.errors() == 6);
}

TEST_CASE("a hundred faults of one object are enough") {
  std::string ports;
  for (int i = 0; i < 1000; ++i) ports += "    - {ports: [{port: \"x_y\"}]}\n";
  Read read(cnp("  egress:\n  - toPorts:\n" + ports));
  CHECK(read.sink.all().size() == 100);
  CHECK(read.said().find("more about this object is not shown") != std::string::npos);
}
