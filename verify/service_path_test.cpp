// Whom the backend's policy sees, for each way and each setting: the rows of section 8.6 and what section 9.4 adds.
#include <doctest/doctest.h>

#include <algorithm>

#include "verify/service_paths.h"

using namespace netpolc;
using namespace netpolc::verify;

namespace {

using Seens = std::vector<Seen>;

// As whom the backend sees a client from outside that arrives so; empty: there is no such case.
Seens seen(const std::vector<Step>& all, Arrival arrival) {
  for (const Step& step : all)
    if (step.arrival == arrival) return step.seen;
  return {};
}

const Seens kAnyone{Seen::Itself, Seen::Host, Seen::RemoteNode, Seen::World};

}  // namespace

TEST_CASE("a client from outside keeps its address where nothing forwards it, or where forwarding keeps it") {
  for (const Via via : {Via::NodePort, Via::LoadBalancer})
    for (const bool tunnel : {true, false})
      for (const bool dsr : {true, false}) {
        const auto all = steps(Client::Outside, {.via = via, .tunnel = tunnel, .dsr = dsr});
        REQUIRE(all.size() == 2);
        CHECK(seen(all, Arrival::BackendNode) == Seens{Seen::Itself});
        const Seens expected = dsr ? (tunnel ? Seens{Seen::Itself, Seen::World} : Seens{Seen::Itself}) : tunnel ? Seens{Seen::World} : Seens{Seen::RemoteNode};
        CHECK(seen(all, Arrival::OtherNode) == expected);
        const auto local = steps(Client::Outside, {.via = via, .tunnel = tunnel, .dsr = dsr, .external_local = true});
        REQUIRE(local.size() == 1);
        CHECK(seen(local, Arrival::NodeWithBackend) == Seens{Seen::Itself});
      }
}

TEST_CASE("kube-proxy replaces the address everywhere, but with externalTrafficPolicy: Local") {
  const auto all = steps(Client::Outside, {.via = Via::NodePort, .cilium = false});
  CHECK(seen(all, Arrival::BackendNode) == Seens{Seen::Host, Seen::World});
  CHECK(seen(all, Arrival::OtherNode) == Seens{Seen::RemoteNode, Seen::World});
  const auto local = steps(Client::Outside, {.via = Via::NodePort, .cilium = false, .external_local = true});
  CHECK(local == std::vector<Step>{{Arrival::NodeWithBackend, Cause::KeptByLocal, {Seen::Itself}}});
}

TEST_CASE("a ClusterIP is translated in the cluster, and closed to clients outside unless it is opened") {
  for (const Client client : {Client::Pod, Client::Node, Client::OtherCluster})
    CHECK(steps(client, {.via = Via::ClusterIp}) == std::vector<Step>{{Arrival::Any, Cause::Translated, {Seen::Itself}}});
  CHECK(steps(Client::Outside, {.via = Via::ClusterIp}) == std::vector<Step>{{Arrival::Any, Cause::ExternalClusterIp, {}}});
  const auto opened = steps(Client::Outside, {.via = Via::ClusterIp, .external_local = true, .external_cluster_ip = true});
  CHECK(seen(opened, Arrival::OtherNode) == Seens{Seen::World});
}

TEST_CASE("a pod's egress policy sees the backend where node ports are translated for it, else the node") {
  const Step translated{Arrival::Any, Cause::Translated, {Seen::Itself}};
  CHECK(steps(Client::Pod, {.via = Via::NodePort}) == std::vector<Step>{translated});
  CHECK(steps(Client::Pod, {.via = Via::NodePort, .pods_translate_node_ports = false}) ==
        std::vector<Step>{{Arrival::OwnNodeAddress, Cause::Translated, {Seen::Itself}}, {Arrival::OtherNodeAddress, Cause::NodeTranslates, kAnyone, SentTo::OtherNode}});
  CHECK(steps(Client::Pod, {.via = Via::NodePort, .cilium = false}) ==
        std::vector<Step>{{Arrival::OwnNodeAddress, Cause::KubeProxy, kAnyone, SentTo::OwnNode}, {Arrival::OtherNodeAddress, Cause::KubeProxy, kAnyone, SentTo::OtherNode}});
  CHECK(steps(Client::Pod, {.via = Via::LoadBalancer, .pods_translate_node_ports = false}) == std::vector<Step>{translated});
  CHECK(steps(Client::Pod, {.via = Via::LoadBalancer, .cilium = false}) == std::vector<Step>{{Arrival::Any, Cause::KubeProxy, kAnyone, SentTo::BalancerAddress}});
}

TEST_CASE("a load balancer that connects by itself hides the client") {
  const std::vector<Step> unknown{{Arrival::Any, Cause::BalancerConnects, {}}};
  for (const Client client : {Client::Outside, Client::Pod, Client::Node}) CHECK(steps(client, {.via = Via::LoadBalancer, .balancer_is_proxy = true}) == unknown);
  CHECK(steps(Client::Pod, {.via = Via::LoadBalancer, .balancer_unknown = true}) == unknown);
  CHECK(steps(Client::Outside, {.via = Via::LoadBalancer, .balancer_unknown = true}).size() == 2);
  CHECK(steps(Client::Outside, {.via = Via::NodePort, .balancer_is_proxy = true}).size() == 2);
}

namespace {

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

ir::Endpoint pod(const char* name, const char* node) {
  ir::Endpoint e;
  e.ns = "shop";
  e.name = name;
  e.kind = "Pod";
  e.labels = {{"k8s", "app", name}, {"k8s", "io.kubernetes.pod.namespace", "shop"}};
  e.pods = {{name, node, {}}};
  return e;
}

ir::Rule rule(std::vector<ir::Peer> peers) {
  ir::Rule out;
  out.peer_kind = ir::PeerKind::Listed;
  out.peers = std::move(peers);
  out.path = "ingress[0]";
  return out;
}

ir::LabelPeer labelled(const char* source, const char* key) { return {{{{source, key, ir::Operator::Exists, {}}}}}; }

// `web` behind one service on two nodes; who may come in, each test says.
struct Shop {
  ir::PolicySet policies;
  ir::Cluster cluster;
  ir::Resolutions resolutions;
  ir::IdentityLock lock;
  ir::Exposure exposure;
  ir::ServiceHandling handling{.config_given = true, .kube_proxy_replacement = true};

  Shop() {
    cluster.endpoints = {pod("client", "n2"), pod("web", "n1")};
    cluster.nodes.resize(2);
    cluster.nodes[0].name = "n1";
    cluster.nodes[0].addresses = {ip("192.0.2.1")};
    cluster.nodes[1].name = "n2";
    cluster.nodes[1].addresses = {ip("192.0.2.2")};
    ir::Service service;
    service.ns = "shop";
    service.name = "web";
    service.selector = {{"app", "web"}};
    ir::Service::Port port;
    port.port = 80;
    port.target_port = 8080;
    service.ports = {port};
    cluster.services = {service};
    exposure.type = ir::ServiceType::LoadBalancer;
    exposure.node_ports = {{ir::Protocol::Tcp, 80, 30080}};
    exposure.balancer_addresses = {ip("198.51.100.80")};
  }
  void allow(const char* app, std::vector<ir::Peer> peers, const char* source = "k8s") {
    ir::Policy policy;
    policy.kind = ir::PolicyKind::CiliumClusterwideNetworkPolicy;
    policy.name = app;
    if (std::string(source) == "k8s") policy.subject = {{{"k8s", "app", ir::Operator::In, {app}}}};
    else policy.subject = {{{source, app, ir::Operator::Exists, {}}}};
    policy.default_deny_ingress = true;
    policy.rules = {rule(std::move(peers))};
    policies.policies.push_back(policy);
  }
  tl::expected<PathAnswer, RefError> ask(const std::string& from, Via via, const std::string& to = "svc:shop/web") {
    judge_ = std::make_unique<Judge>(ir::eval::World{policies, cluster, resolutions}, lock);
    paths_ = std::make_unique<ServicePaths>(ir::eval::World{policies, cluster, resolutions}, lock, *judge_, PathFacts{[this](const ir::Service&) { return exposure; }, handling});
    return paths_->ask({from, to, std::nullopt}, via);
  }
  Word word(const std::string& from, Via via) {
    const auto answer = ask(from, via);
    REQUIRE_MESSAGE(answer.has_value(), from);
    return answer->word;
  }

 private:
  std::unique_ptr<Judge> judge_;
  std::unique_ptr<ServicePaths> paths_;
};

const char* const kClient = "ip:203.0.113.9";
const ir::CidrPeer kClients{*IpPrefix::parse("203.0.113.0/24"), {}};

}  // namespace

TEST_CASE_FIXTURE(Shop, "a rule for the client's addresses holds with externalTrafficPolicy: Local, and else only where nothing is replaced") {
  allow("web", {kClients});
  cluster.config.tunnel_port = 0;
  CHECK(word(kClient, Via::NodePort) == Word::Mixed);
  exposure.external_local = true;
  CHECK(word(kClient, Via::NodePort) == Word::Allowed);
  CHECK(word("ip:192.0.3.9", Via::NodePort) == Word::Denied);
  exposure.external_local = false;
  handling.mode = "dsr";
  CHECK(word(kClient, Via::NodePort) == Word::Allowed);
  handling.mode = "hybrid";
  CHECK(word(kClient, Via::NodePort) == Word::Allowed);
  cluster.config.tunnel_port = 8472;
  CHECK(word(kClient, Via::NodePort) == Word::Undecided);
  handling.mode = "snat";
  CHECK(word(kClient, Via::NodePort) == Word::Mixed);
}

TEST_CASE_FIXTURE(Shop, "world is let in through a tunnel, and not where a node's address takes its place") {
  allow("web", {labelled("reserved", "world"), labelled("reserved", "world-ipv4")});
  CHECK(word(kClient, Via::LoadBalancer) == Word::Allowed);
  cluster.config.tunnel_port = 0;
  CHECK(word(kClient, Via::LoadBalancer) == Word::Mixed);
  handling.kube_proxy_replacement = false;
  CHECK(word(kClient, Via::LoadBalancer) == Word::Undecided);
  policies.policies[0].rules[0].peers.push_back(labelled("reserved", "remote-node"));
  CHECK(word(kClient, Via::LoadBalancer) == Word::Allowed);
  cluster.config.host_firewall = true;
  CHECK(word(kClient, Via::LoadBalancer) == Word::Undecided);
}

TEST_CASE_FIXTURE(Shop, "which other node it is matters where policy tells nodes apart") {
  allow("web", {kClients, labelled("reserved", "kube-apiserver")});
  cluster.config.tunnel_port = 0;
  cluster.nodes.resize(3);
  cluster.nodes[2].name = "n3";
  cluster.nodes[2].addresses = {ip("192.0.2.3")};
  cluster.kube_apiservers = {ip("192.0.2.3")};
  const auto answer = ask(kClient, Via::NodePort);
  REQUIRE(answer.has_value());
  CHECK(answer->word == Word::Mixed);
  REQUIRE(answer->cases.size() == 3);
  CHECK(answer->cases[1].node == "n2");
  CHECK(answer->cases[1].word == Word::Denied);
  CHECK(answer->cases[2].node == "n3");
  CHECK(answer->cases[2].word == Word::Allowed);
}

TEST_CASE_FIXTURE(Shop, "a cluster of one node has no other to arrive at") {
  allow("web", {kClients});
  cluster.nodes.pop_back();
  CHECK(word(kClient, Via::NodePort) == Word::Allowed);
}

TEST_CASE_FIXTURE(Shop, "source ranges drop before policy, for load balancers and for clients outside") {
  exposure.source_ranges = {*IpPrefix::parse("203.0.113.0/24")};
  CHECK(word(kClient, Via::LoadBalancer) == Word::Allowed);
  CHECK(word("ip:192.0.3.9", Via::LoadBalancer) == Word::Denied);
  CHECK(word("ip:2001:db8::1", Via::LoadBalancer) == Word::Undecided);
  CHECK(word("entity:world", Via::LoadBalancer) == Word::Undecided);
  CHECK(word("cidr:203.0.112.0/22", Via::LoadBalancer) == Word::Undecided);
  CHECK(word("ip:192.0.3.9", Via::NodePort) == Word::Allowed);
  CHECK(word("shop/client", Via::LoadBalancer) == Word::Allowed);
  exposure.balancer_addresses.clear();
  CHECK(word("shop/client", Via::LoadBalancer) == Word::Undecided);
  handling.all_source_ranges = true;
  CHECK(word("ip:192.0.3.9", Via::NodePort) == Word::Denied);
  exposure.source_ranges_deny = true;
  CHECK(word("ip:192.0.3.9", Via::LoadBalancer) == Word::Allowed);
  CHECK(word(kClient, Via::LoadBalancer) == Word::Denied);
}

TEST_CASE_FIXTURE(Shop, "whether kube-proxy asks source ranges of clients in the cluster is not certain") {
  handling.kube_proxy_replacement = false;
  CHECK(word("shop/client", Via::LoadBalancer) == Word::Allowed);  // whoever it is seen as
  exposure.source_ranges = {*IpPrefix::parse("203.0.113.0/24")};
  CHECK(word("shop/client", Via::LoadBalancer) == Word::Undecided);
  CHECK(word("entity:remote-node", Via::LoadBalancer) == Word::Undecided);
  CHECK(word("shop/client", Via::NodePort) == Word::Allowed);
  CHECK(word("shop/client", Via::ClusterIp) == Word::Allowed);
}

TEST_CASE_FIXTURE(Shop, "a pod is seen as itself where its node translates, and its own policy is asked about the backend") {
  allow("web", {labelled("k8s", "app")});
  ir::Policy policy;
  policy.name = "client";
  policy.kind = ir::PolicyKind::CiliumClusterwideNetworkPolicy;
  policy.subject = {{{"k8s", "app", ir::Operator::In, {"client"}}}};
  policy.default_deny_egress = true;
  policy.rules = {rule({labelled("k8s", "app")})};
  policy.rules[0].direction = ir::Direction::Egress;
  policies.policies.push_back(policy);
  for (const Via via : {Via::Direct, Via::ClusterIp, Via::NodePort, Via::LoadBalancer}) CHECK(word("shop/client", via) == Word::Allowed);
  handling.socket_lb_hosts_only = true;
  CHECK(word("shop/client", Via::NodePort) == Word::Mixed);  // the own node's address, and another's
  cluster.config.version = 20;
  CHECK(word("shop/client", Via::NodePort) == Word::Allowed);
  handling.kube_proxy_replacement = false;
  CHECK(word("shop/client", Via::NodePort) == Word::Denied);
  CHECK(word("shop/client", Via::LoadBalancer) == Word::Denied);
  CHECK(word("shop/client", Via::ClusterIp) == Word::Allowed);
  policies.policies[1].rules[0].peers = {labelled("reserved", "host"), labelled("reserved", "remote-node")};
  CHECK(word("shop/client", Via::NodePort) == Word::Undecided);
  exposure.node_ports.clear();
  CHECK(word("shop/client", Via::NodePort) == Word::Undecided);
  handling.kube_proxy_replacement = true;
  exposure.internal_local = true;
  CHECK(word("shop/client", Via::ClusterIp) == Word::Denied);
}

TEST_CASE_FIXTURE(Shop, "a pod reaches itself through its service, whatever policy says, and its siblings only as policy says") {
  allow("web", {labelled("k8s", "other")});
  CHECK(word("shop/web", Via::ClusterIp) == Word::Allowed);
  cluster.endpoints[1].kind = "Deployment";
  cluster.endpoints[1].pods.push_back({"web-1", "n2", {}});
  CHECK(word("shop/web", Via::ClusterIp) == Word::Mixed);
}

TEST_CASE_FIXTURE(Shop, "both hops through the proxy have to be allowed") {
  CHECK(word(kClient, Via::Ingress) == Word::Allowed);  // nothing is enforced
  allow("web", {kClients});
  CHECK(word(kClient, Via::Ingress) == Word::Denied);  // the backend sees the proxy
  policies.policies.clear();
  allow("web", {labelled("reserved", "ingress")});
  CHECK(word(kClient, Via::Ingress) == Word::Allowed);
  allow("ingress", {kClients}, "reserved");
  const auto answer = ask(kClient, Via::Ingress);
  REQUIRE(answer.has_value());
  CHECK(answer->word == Word::Allowed);
  REQUIRE(answer->cases.size() == 1);
  REQUIRE(answer->cases[0].hops.size() == 2);
  CHECK(answer->cases[0].hops[0].pair.to == "entity:ingress");
  CHECK(answer->cases[0].hops[1].pair.from == "entity:ingress");
  CHECK(answer->cases[0].hops[1].pair.flow == ir::Flow{ir::Protocol::Tcp, 8080});
  CHECK(word("ip:192.0.3.9", Via::Ingress) == Word::Denied);
  policies.policies[1].rules[0].any_l4 = false;
  policies.policies[1].rules[0].ports = {{{{ir::Protocol::Tcp, 443, 443, ""}}, {}, {}}};
  CHECK(word(kClient, Via::Ingress) == Word::Mixed);  // port 80 of the proxy is closed
}

TEST_CASE_FIXTURE(Shop, "ways that do not lead to the service are refused") {
  const auto refused = [&](Via via, const char* to = "svc:shop/web") {
    const auto answer = ask(kClient, via, to);
    return answer.has_value() ? "" : answer.error().message;
  };
  CHECK(refused(Via::Direct, "shop/web").find("--via is the way to a service") != std::string::npos);
  CHECK(refused(Via::NodePort, "svc:shop/none").find("no service") != std::string::npos);
  CHECK(refused(Via::NodePort, "svc:shop/web:81").find("no such port") != std::string::npos);
  exposure.type = ir::ServiceType::ClusterIp;
  CHECK(refused(Via::NodePort).find("no node port leads to it") != std::string::npos);
  CHECK(refused(Via::LoadBalancer).find("not of type LoadBalancer") != std::string::npos);
  exposure.headless = true;
  CHECK(refused(Via::ClusterIp).find("clusterIP: None") != std::string::npos);
  CHECK(refused(Via::Direct).empty());
  exposure.type = ir::ServiceType::ExternalName;
  CHECK(refused(Via::Direct).find("ExternalName") != std::string::npos);
}
