// The tests of the bundle that is shipped, in the order in which one looks for what is wrong: the network without
// policy first, then what policies say of it.
#include <algorithm>

#include "runtime-loader/connectivity/scene.h"

namespace netpolc::loader::connectivity {
namespace {

using enum Speech;

struct Pair {
  const char *v4, *v6;
  Address of(bool is_v6) const { return *Address::parse(is_v6 ? v6 : v4); }
};
// Outside the cluster. The policies allow the first where they speak of prefixes; the second is in an `except`.
constexpr Pair kPartner{"203.0.113.10", "2001:db8:113::10"}, kExcepted{"203.0.113.200", "2001:db8:113::8010"}, kBanned{"198.51.100.7", "2001:db8:100::7"},
    kApi{"198.18.0.7", "2001:db8:18::7"}, kOther{"198.18.0.8", "2001:db8:18::8"};
constexpr std::pair<const char*, Pair> kOutsiders[] = {{"partner-outside", kPartner}, {"excepted", kExcepted}, {"banned-outside", kBanned}, {"api", kApi}, {"other", kOther}};
constexpr Pair kEchoService{"10.96.0.20", "fd00:10:96::20"}, kDnsService{"10.96.0.10", "fd00:10:96::a"};
constexpr const char* kApiName = "api.example.com";

class Writer {
 public:
  explicit Writer(const std::vector<HostPlan>& hosts) : hosts_(hosts) {}

  Writer& test(std::string name, std::string about) {
    tests_.push_back({std::move(name), std::move(about), {Phase{}}});
    return *this;
  }
  Writer& then(std::string tell = {}) {
    tests_.back().phases.push_back({std::move(tell), {}});
    return *this;
  }
  // Over IPv4 and over IPv6.
  Writer& allow(const char* from, const char* to, Speech speech, std::uint16_t port = 0) { return add(from, to, speech, port, true); }
  Writer& deny(const char* from, const char* to, Speech speech, std::uint16_t port = 0) { return add(from, to, speech, port, false); }
  Writer& ask(const char* from, const char* name, std::optional<Pair> service = std::nullopt) {
    for (const Speech speech : {DnsUdp, DnsTcp}) add(from, "kube-dns", speech, 53, true, service, false, name);
    return *this;
  }
  Writer& by_service(const char* from, const char* to, Speech speech, std::uint16_t port, Pair service, bool at_node = false) {
    return add(from, to, speech, port, true, service, at_node);
  }
  std::vector<Test> take() { return std::move(tests_); }
  const std::string& missing() const { return missing_; }

 private:
  struct End {
    std::string host;
    Address address;
  };
  End end(const std::string& name, bool v6) {
    for (const auto& [outsider, addresses] : kOutsiders)
      if (name == outsider) return {kOutside, addresses.of(v6)};
    for (const HostPlan& host : hosts_) {
      if (host.name != name && host.name != "connectivity/" + name && host.name != "kube-system/" + name) continue;
      for (const Address& address : host.addresses)
        if (address.v6 == v6) return {host.name, address};
    }
    missing_ = name;
    return {};
  }
  Writer& add(const char* from, const char* to, Speech speech, std::uint16_t port, bool claim, std::optional<Pair> service = std::nullopt, bool at_node = false, const char* name = "") {
    for (const bool v6 : {false, true}) {
      const End source = end(from, v6), destination = end(to, v6);
      Action action{source.host, destination.host, source.address, destination.address, speech, port, claim, name, std::nullopt};
      if (service) action.service = Translation{service->of(v6), at_node};
      tests_.back().phases.back().actions.push_back(std::move(action));
    }
    return *this;
  }

  const std::vector<HostPlan>& hosts_;
  std::vector<Test> tests_;
  std::string missing_;
};

void without_policy(Writer& w) {
  w.test("pod-to-pod", "pods on one node, under no policy");
  w.allow("client", "echo-1", Tcp, 8080).allow("client", "echo-1", Udp, 8080).allow("stranger", "echo-1", Tcp, 8081).allow("client", "echo-1", Echo);
  w.test("pod-to-pod-across-nodes", "pods on two nodes, under no policy");
  w.allow("client", "echo-2", Tcp, 8080).allow("client", "echo-2", Udp, 8080).allow("echo-2", "echo-1", Tcp, 8080).allow("client", "echo-2", Echo);
  w.test("pod-to-host", "a pod to its own node and to another");
  w.allow("client", "node-1", Tcp, 8080).allow("client", "node-1", Echo).allow("client", "node-2", Tcp, 8080).allow("client", "node-2", Echo);
  w.test("host-to-pod", "nodes to pods of their own and of another node, under no policy");
  w.allow("node-1", "echo-1", Tcp, 8080).allow("node-1", "echo-2", Tcp, 8080).allow("node-2", "echo-2", Echo);
  w.test("pod-to-outside", "a pod to addresses outside the cluster, under no policy");
  w.allow("client", "partner-outside", Tcp, 443).allow("client", "other", Udp, 443).allow("client", "banned-outside", Echo);
  w.test("outside-to-pod", "from outside the cluster to a pod, under no policy");
  w.allow("partner-outside", "echo-1", Tcp, 8080).allow("banned-outside", "echo-2", Tcp, 8080);
  w.test("pod-to-service", "a pod to a service's address, translated at the pod as Cilium does it");
  w.by_service("client", "echo-2", Tcp, 8080, kEchoService).by_service("worker", "echo-2", Tcp, 8080, kEchoService);
  w.test("pod-to-service-by-node", "a pod under no policy to a service's address, translated by its node");
  w.by_service("stranger", "echo-2", Tcp, 8080, kEchoService, true);
  w.test("dns", "names, by UDP and TCP, from a pod under no policy and from one that may ask");
  w.ask("client", kApiName).ask("worker", kApiName);
  w.test("dns-by-service", "names, from the name server's service address");
  w.ask("client", kApiName, kDnsService).ask("worker", kApiName, kDnsService);
}

void with_policy(Writer& w) {
  w.test("ingress-ports", "ports and protocols that a pod may be reached at, on one node and across two");
  for (const char* web : {"web-1", "web-2"}) {
    w.allow("client", web, Tcp, 8080).deny("client", web, Udp, 8080).deny("client", web, Tcp, 8081).allow("client", web, Udp, 8081);
    w.allow("client", web, Tcp, 9000).allow("client", web, Tcp, 9010).deny("client", web, Tcp, 9011);
  }
  w.test("ingress-peers", "who may reach a pod");
  w.allow("client", "web-1", Tcp, 8080).deny("stranger", "web-1", Tcp, 8080).deny("stranger", "web-2", Tcp, 8080).deny("partner-outside", "web-1", Tcp, 8080);
  w.test("ingress-deny-rule", "a deny rule beats the rule that allows");
  w.deny("banned", "web-1", Tcp, 8080).deny("banned", "web-2", Udp, 8081).deny("banned", "web-1", Echo);
  w.test("icmp-echo", "ICMP and ICMPv6 echo requests, where a rule names them and where none does");
  w.allow("client", "web-1", Echo).allow("client", "web-2", Echo).deny("stranger", "web-1", Echo).allow("worker", "echo-1", Echo).deny("worker", "partner-outside", Echo);
  w.test("ingress-entity-host", "the own node may, other nodes, pods and the outside may not");
  w.allow("node-1", "host-only", Tcp, 8080).deny("node-2", "host-only", Tcp, 8080).deny("client", "host-only", Tcp, 8080).deny("partner-outside", "host-only", Tcp, 8080);
  w.test("ingress-entity-remote-node", "other nodes may, at one port; the own node always may");
  w.allow("node-1", "nodes-only", Tcp, 8080).deny("node-1", "nodes-only", Tcp, 8081).deny("client", "nodes-only", Tcp, 8080).allow("node-2", "nodes-only", Tcp, 8081);
  w.test("ingress-deny-world", "everyone may but for the outside");
  w.allow("client", "inside-only", Tcp, 8080).allow("echo-2", "inside-only", Tcp, 8080).allow("node-1", "inside-only", Tcp, 8080);
  w.deny("partner-outside", "inside-only", Tcp, 8080).deny("other", "inside-only", Tcp, 8080);
  w.test("ingress-cidr", "one prefix outside the cluster may, at one port");
  w.allow("partner-outside", "partner", Tcp, 443).deny("partner-outside", "partner", Tcp, 8080).deny("banned-outside", "partner", Tcp, 443).deny("client", "partner", Tcp, 443);
  w.test("egress-ports", "what a pod may open");
  w.allow("worker", "echo-1", Tcp, 8080).allow("worker", "echo-2", Tcp, 8080).deny("worker", "echo-1", Tcp, 8081).deny("worker", "echo-2", Udp, 8080).deny("worker", "client", Tcp, 8080);
  w.test("egress-cidr", "prefixes outside the cluster, but for what is excepted");
  w.allow("worker", "partner-outside", Tcp, 443).deny("worker", "partner-outside", Tcp, 8080).deny("worker", "excepted", Tcp, 443).deny("worker", "banned-outside", Tcp, 443);
  w.test("egress-deny-rule", "everywhere but to a prefix, and to a port of some pods");
  w.allow("guarded", "echo-1", Tcp, 8080).deny("guarded", "echo-1", Tcp, 8081).deny("guarded", "echo-2", Udp, 8081).deny("guarded", "banned-outside", Tcp, 443).allow("guarded", "partner-outside", Tcp, 443);
  w.test("egress-entities", "the outside at one port, and the own node");
  w.allow("browser", "partner-outside", Tcp, 443).deny("browser", "partner-outside", Tcp, 8080).deny("browser", "echo-1", Tcp, 443).allow("browser", "node-1", Tcp, 8080).deny("browser", "node-2", Tcp, 8080);
  w.test("default-deny", "no rule allows anything, either way; the own node is let in");
  w.deny("client", "sealed", Tcp, 8080).deny("client", "sealed", Echo).deny("partner-outside", "sealed", Udp, 8080).deny("sealed", "echo-2", Tcp, 8080).deny("sealed", "other", Tcp, 443);
  w.allow("node-2", "sealed", Tcp, 8080);
  w.test("to-fqdns", "a name that may be spoken to: not before it was resolved, then it alone");
  w.deny("worker", "api", Tcp, 443).then().ask("worker", kApiName).then(kApiName);
  w.allow("worker", "api", Tcp, 443).deny("worker", "api", Tcp, 8080).deny("worker", "other", Tcp, 443);
}

}  // namespace

std::vector<HostPlan> hosts_of(const Bundle& bundle) {
  std::vector<HostPlan> hosts;
  for (const BundleNode& node : bundle.nodes) hosts.push_back({node.name, HostKind::Node, 0, node.addresses});
  const std::size_t nodes = hosts.size();
  for (const BundleEndpoint& endpoint : bundle.endpoints)
    for (const BundlePod& pod : endpoint.pods) {
      if (pod.addresses.empty() || endpoint.is_node) continue;
      const auto node = std::find_if(hosts.begin(), hosts.begin() + static_cast<std::ptrdiff_t>(nodes), [&](const HostPlan& it) { return it.name == pod.node; });
      const auto number = static_cast<std::size_t>(node - hosts.begin());
      hosts.push_back({endpoint.ns + "/" + pod.name, HostKind::Pod, number < nodes ? number : 0, pod.addresses});
    }
  return hosts;
}

Result<Scene> shipped_scene(const Bundle& bundle) {
  Scene scene;
  scene.hosts = hosts_of(bundle);
  HostPlan outside{kOutside, HostKind::Outside, 0, {}};
  for (const auto& [name, addresses] : kOutsiders)
    for (const bool v6 : {false, true}) outside.addresses.push_back(addresses.of(v6));
  scene.hosts.push_back(std::move(outside));
  Writer writer(scene.hosts);
  without_policy(writer);
  with_policy(writer);
  if (!writer.missing().empty()) return bad_input("this is not the bundle of the connectivity test: it has no " + writer.missing());
  scene.tests = writer.take();
  scene.names[kApiName] = {kApi.of(false), kApi.of(true)};
  return scene;
}

}  // namespace netpolc::loader::connectivity
