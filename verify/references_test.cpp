// Endpoint references and the answers that are drawn from their ends.
#include <doctest/doctest.h>

#include "verify/judge.h"

using namespace netpolc;
using namespace netpolc::verify;

namespace {

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

ir::Endpoint pod(const char* ns, const char* name, const char* app, const char* address, const char* node) {
  ir::Endpoint e;
  e.ns = ns;
  e.name = name;
  e.kind = "Pod";
  e.labels = {{"k8s", "app", app}, {"k8s", "io.kubernetes.pod.namespace", ns}};
  e.named_ports = {{"web", 8080, ir::Protocol::Tcp}};
  e.pods = {{std::string(name) + "-0", node, {ip(address)}}};
  return e;
}

// Two namespaces, two nodes, one service; `a/server` lets the clients of its namespace in on 80.
struct Fixture {
  ir::PolicySet policies;
  ir::Cluster cluster;
  ir::Resolutions resolutions{{"api.example.com", {ip("192.0.2.11")}}};
  ir::IdentityLock lock;

  Fixture() {
    cluster.endpoints = {pod("a", "client", "client", "10.0.0.1", "n1"), pod("a", "server", "server", "10.0.0.2", "n1"), pod("b", "client", "client", "10.0.0.3", "n2")};
    cluster.nodes.resize(2);
    cluster.nodes[0].name = "n1";
    cluster.nodes[0].addresses = {ip("172.16.0.1")};
    cluster.nodes[1].name = "n2";
    cluster.nodes[1].addresses = {ip("172.16.0.2")};
    ir::Service service;
    service.ns = "a";
    service.name = "web";
    service.selector = {{"app", "server"}};
    service.cluster_ips = {ip("10.96.0.1")};
    ir::Service::Port port;
    port.name = "http";
    port.port = 8000;
    port.target_port = 80;
    service.ports = {port};
    cluster.services = {service};

    ir::Rule rule;
    rule.peer_kind = ir::PeerKind::Listed;
    rule.peers = {ir::LabelPeer{{{{"k8s", "app", ir::Operator::In, {"client"}}, {"k8s", "io.kubernetes.pod.namespace", ir::Operator::In, {"a"}}}}}};
    rule.any_l4 = false;
    rule.ports = {{{{ir::Protocol::Tcp, 80, 80, ""}}, {}, {}}};
    rule.path = "ingress[0]";
    ir::Policy policy;
    policy.ns = "a";
    policy.name = "server";
    policy.subject = {{{"k8s", "app", ir::Operator::In, {"server"}}}};
    policy.default_deny_ingress = true;
    policy.rules = {rule};
    policies.policies = {policy};
  }

  tl::expected<Answer, RefError> ask(const std::string& from, const std::string& to, std::optional<ir::Flow> flow = ir::Flow{ir::Protocol::Tcp, 80}) {
    Judge judge({policies, cluster, resolutions}, lock);
    return judge.ask({from, to, flow});
  }
  Word word(const std::string& from, const std::string& to, std::optional<ir::Flow> flow = ir::Flow{ir::Protocol::Tcp, 80}) {
    const auto answer = ask(from, to, flow);
    REQUIRE_MESSAGE(answer.has_value(), from << " to " << to);
    return answer->word;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a workload, a pod, labels, an address and a number stand for the same endpoint") {
  for (const char* from : {"a/client", "a/client-0", "a/[app=client]", "ip:10.0.0.1", "id:256"}) CHECK(word(from, "a/server") == Word::Allowed);
  for (const char* from : {"b/client", "b/client-0", "b/[app=client]", "ip:10.0.0.3"}) CHECK(word(from, "a/server") == Word::Denied);
  CHECK(word("a/client", "a/server", ir::Flow{ir::Protocol::Tcp, 81}) == Word::Denied);
  CHECK(word("a/client", "b/client") == Word::Allowed);
}

TEST_CASE_FIXTURE(Fixture, "what holds for some of many is mixed, and every pair is shown") {
  const auto answer = ask("any", "a/server");
  REQUIRE(answer.has_value());
  CHECK(answer->word == Word::Mixed);
  std::size_t allowed = 0;
  for (const auto& pair : answer->pairs) allowed += pair.word == Word::Allowed;
  CHECK(allowed == 2);  // the client and the own node
}

TEST_CASE_FIXTURE(Fixture, "a node is the host to its own pods and a remote node to others") {
  CHECK(word("ip:172.16.0.1", "a/server") == Word::Allowed);
  CHECK(word("ip:172.16.0.2", "a/server") == Word::Denied);
  CHECK(word("entity:host", "a/server") == Word::Allowed);
  CHECK(word("entity:remote-node", "a/server") == Word::Denied);
  cluster.endpoints[1].pods.push_back({"server-1", "n2", {ip("10.0.0.4")}});  // now a replica runs on each
  CHECK(word("ip:172.16.0.1", "a/server") == Word::Mixed);
}

TEST_CASE_FIXTURE(Fixture, "outside is the world, whatever way it is called") {
  for (const char* from : {"entity:world", "ip:192.0.2.1", "cidr:192.0.2.0/24", "fqdn:api.example.com"}) CHECK(word(from, "a/server") == Word::Denied);
  CHECK(word("a/server", "fqdn:API.example.com.") == Word::Allowed);
  CHECK(word("cidr:10.0.0.0/30", "a/server") == Word::Mixed);  // pods among its addresses
}

TEST_CASE_FIXTURE(Fixture, "a service is translated before policy: its port is not the pod's") {
  CHECK(word("a/client", "svc:a/web", ir::Flow{ir::Protocol::Tcp, 8000}) == Word::Allowed);
  CHECK(word("a/client", "svc:a/web", std::nullopt) == Word::Allowed);
  CHECK(word("a/client", "svc:a/web:http", std::nullopt) == Word::Allowed);
  CHECK(word("b/client", "svc:a/web:8000", std::nullopt) == Word::Denied);
  CHECK(word("a/client", "ip:10.96.0.1", ir::Flow{ir::Protocol::Tcp, 8000}) == Word::Allowed);
  CHECK_FALSE(ask("a/client", "svc:a/web", ir::Flow{ir::Protocol::Tcp, 80}).has_value());
}

TEST_CASE_FIXTURE(Fixture, "a service's address on a port that it lacks is outside, and says so; without backends nothing is said") {
  const auto answer = ask("a/client", "ip:10.96.0.1", ir::Flow{ir::Protocol::Tcp, 81});
  REQUIRE(answer.has_value());
  REQUIRE(answer->pairs.size() == 1);
  CHECK(answer->pairs[0].via.find("service a/web has no such port") != std::string::npos);
  cluster.services[0].selector = {{"app", "nobody"}};
  CHECK(word("a/client", "ip:10.96.0.1", ir::Flow{ir::Protocol::Tcp, 8000}) == Word::Undecided);
}

TEST_CASE_FIXTURE(Fixture, "only nodes send to the overlay's port of a node") {
  const ir::Flow overlay{ir::Protocol::Udp, 8472};
  Judge judge({policies, cluster, resolutions}, lock);  // has the verdict
  const auto dropped = judge.ask({"a/client", "entity:remote-node", overlay});
  REQUIRE(dropped.has_value());
  CHECK(dropped->word == Word::Denied);
  CHECK(dropped->pairs.at(0).egress->verdict->encapsulation);
  CHECK(word("a/client", "entity:host", overlay) == Word::Denied);
  CHECK(word("a/client", "entity:host", ir::Flow{ir::Protocol::Tcp, 8472}) == Word::Allowed);
  CHECK(word("a/client", "entity:remote-node", ir::Flow{ir::Protocol::Udp, 8473}) == Word::Allowed);
  CHECK(word("a/client", "ip:198.51.100.7", overlay) == Word::Allowed);
  cluster.config.tunnel_port = 6081;
  CHECK(word("a/client", "entity:remote-node", ir::Flow{ir::Protocol::Udp, 6081}) == Word::Denied);
  CHECK(word("a/client", "entity:remote-node", overlay) == Word::Allowed);
  cluster.config.tunnel_port = 0;
  CHECK(word("a/client", "entity:remote-node", ir::Flow{ir::Protocol::Udp, 6081}) == Word::Allowed);
}

TEST_CASE_FIXTURE(Fixture, "a reference that means nothing says so, and what was perhaps meant") {
  const auto refused = [&](const std::string& reference) {
    const auto answer = ask(reference, "a/server");
    REQUIRE_FALSE(answer.has_value());
    return answer.error().message;
  };
  CHECK(refused("a/cleint").find("did you mean `a/client`?") != std::string::npos);
  CHECK(refused("client").find("no endpoint reference") != std::string::npos);
  CHECK(refused("entity:moon").find("unknown entity `moon`") != std::string::npos);
  CHECK(refused("ip:10.0.0.256").find("is no IP address") != std::string::npos);
  CHECK(refused("cidr:10.0.0.0/33").find("is no prefix") != std::string::npos);
  CHECK(refused("id:99999").find("no identity 99999") != std::string::npos);
  CHECK(refused("a/[app]").find("expected key=value") != std::string::npos);
  CHECK(refused("svc:a/nosuch").find("no service `a/nosuch`") != std::string::npos);
  CHECK_FALSE(ask("a/client", "a/server", std::nullopt).has_value());  // no port
  for (const auto& [reference, meant] : {std::pair{"b/server", "a/server"}, {"client", "a/client"}, {"wrold", "world"}, {"entity:hots", "host"}, {"scv:a/server", "svc"},
                                         {"a/[ap=client]", "app"}, {"a/[app=cleint]", "client"}, {"k8s/[app=client]", ""}, {"a/[app=moon]", ""}, {"moon", ""}, {"x/moon", ""}}) {
    const std::string said = refused(reference), expected = std::string("did you mean `") + meant + "`?";
    CHECK_MESSAGE((*meant == '\0' ? said.find("did you mean") == std::string::npos : said.find(expected) != std::string::npos), said);
  }
  CHECK(refused("x/moon").find("there is no namespace `x`") != std::string::npos);
  CHECK(refused("x/[app=client]").find("there is no namespace `x`") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a name without a known address is undecided, not denied") {
  const auto answer = ask("a/client", "fqdn:unknown.example.com");
  REQUIRE(answer.has_value());
  CHECK(answer->word == Word::Undecided);
  CHECK(answer->reason.find("--resolutions") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "what is no name is no end, and a pattern is many") {
  for (const char* reference : {"fqdn:*.example.com", "fqdn:https://api.example.com"}) {
    const auto answer = ask("a/client", reference);
    REQUIRE_FALSE(answer.has_value());
    CHECK_FALSE(answer.error().undecided);
    CHECK(answer.error().message.find("is no name") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(Fixture, "what a local redirect takes is undecided, by its name, and nothing else") {
  ir::LocalRedirect redirect;
  redirect.ns = "a";
  redirect.name = "cache";
  redirect.service = "web";
  cluster.redirects = {redirect};
  const auto taken = [&](const char* to) {
    const auto answer = ask("a/client", to, ir::Flow{ir::Protocol::Tcp, 8000});
    REQUIRE(answer.has_value());
    return answer->reason.find("CiliumLocalRedirectPolicy a/cache") != std::string::npos;
  };
  CHECK(taken("svc:a/web"));
  cluster.redirects[0].ports = {{"", ir::Protocol::Udp, 8000, 0, ""}};
  CHECK_FALSE(taken("svc:a/web"));
  cluster.redirects[0].ports = {{"", ir::Protocol::Tcp, 8000, 0, ""}};
  CHECK(taken("svc:a/web"));
  cluster.redirects[0].ns = "b";
  CHECK_FALSE(taken("svc:a/web"));
  cluster.redirects[0].ns = "a";
  cluster.redirects[0].service = "";
  cluster.redirects[0].address = ip("192.0.2.80");
  CHECK(taken("ip:192.0.2.80"));
  CHECK_FALSE(taken("ip:192.0.2.81"));
}

TEST_CASE_FIXTURE(Fixture, "an endpoint whose rules conflict is undecided, with the reason") {
  ir::Rule dns = policies.policies[0].rules[0];
  dns.ports[0].l7.parser = ir::L7Parser::Dns;
  dns.ports[0].l7.dns = {{"a.example.com", ""}};
  ir::Rule http = dns;
  http.ports[0].l7 = {};
  http.ports[0].l7.parser = ir::L7Parser::Http;
  http.ports[0].l7.http = {{"/", "GET", "", {}, {}}};
  policies.policies[0].rules = {dns, http};
  const auto answer = ask("a/client", "a/server");
  REQUIRE(answer.has_value());
  CHECK(answer->word == Word::Undecided);
  CHECK_FALSE(answer->reason.empty());
}

TEST_CASE("a reference may say the kind") {
  Fixture f;
  ir::Endpoint both = pod("a", "client-0", "other", "10.0.0.9", "n1");  // a Deployment that is called as a pod is
  both.kind = "Deployment";
  ir::Endpoint proxy = pod("a", "proxy", "proxy", "172.16.0.1", "n1");
  proxy.kind = "DaemonSet";
  proxy.host_network = true;
  f.cluster.endpoints.push_back(both);
  f.cluster.endpoints.push_back(proxy);
  const Directory directory(f.policies, f.cluster, f.resolutions, f.lock);
  const auto index = [&](const char* reference) { return directory.resolve(reference, std::nullopt)->front().index; };
  const auto refused = [&](const char* reference) { return !directory.resolve(reference, std::nullopt).has_value(); };
  CHECK(index("a/client-0") == 3);
  CHECK(index("a/deploy/client-0") == 3);
  CHECK(index("a/Deployments/client-0") == 3);
  CHECK(index("a/pod/client-0") == 0);
  CHECK(index("a/po/client") == 0);
  CHECK(refused("a/sts/client-0"));
  CHECK(refused("a/pod/proxy"));
  CHECK(refused("a/ds/proxy-0"));
  CHECK(refused("a/ds/"));
  CHECK(directory.resolve("a/ds/proxy", std::nullopt).has_value());
  CHECK(directory.resolve("a/pod/proxy-0", std::nullopt).has_value());
}
