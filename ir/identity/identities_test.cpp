#include "ir/identity/identities.h"

#include <doctest/doctest.h>

#include "ir/identity/cidr_label.h"
#include "ir/identity/fqdn.h"

namespace netpolc::ir {
namespace {

IpPrefix prefix(const char* text) { return *IpPrefix::parse(text); }
IpAddress address(const char* text) { return *IpAddress::parse(text); }

std::string labels_of(const Identities& identities, const char* text) {
  std::string out;
  for (const Label& label : identities.find(identities.of_address(address(text)))->labels)
    out += (out.empty() ? "" : " ") + label.to_string();
  return out;
}

PolicySet with_peers(std::vector<Peer> peers) {
  Rule rule;
  rule.direction = Direction::Egress;
  rule.peer_kind = PeerKind::Listed;
  rule.peers = std::move(peers);
  Policy policy;
  policy.rules.push_back(rule);
  return {{policy}};
}

TEST_CASE("prefixes as label keys") {
  CHECK(cidr_key(prefix("10.0.0.0/8")) == "10.0.0.0/8");
  CHECK(cidr_key(prefix("::1/128")) == "0--1/128");
  CHECK(cidr_key(prefix("2001:db8::/32")) == "2001-db8--0/32");
  for (const char* text : {"10.0.0.0/8", "::1/128", "2001:db8::/32", "::/1"}) CHECK(parse_cidr_key(cidr_key(prefix(text))) == prefix(text));
  CHECK_FALSE(parse_cidr_key("nonsense"));
}

TEST_CASE("names that toFQDNs selectors select") {
  const auto name = [](const char* n, const char* asked) { return fqdn_selects({n, ""}, asked, 18); };
  const auto pattern = [](const char* p, const char* asked, int version = 18) { return fqdn_selects({"", p}, asked, version); };
  CHECK(name("Example.COM", "example.com."));
  CHECK_FALSE(name("example.com", "www.example.com"));
  CHECK(pattern("*.cilium.io", "www.cilium.io"));
  CHECK_FALSE(pattern("*.cilium.io", "cilium.io"));
  CHECK_FALSE(pattern("*.cilium.io", "a.b.cilium.io"));
  CHECK(pattern("*cilium.io", "sub-cilium.io"));
  CHECK_FALSE(pattern("*cilium.io", "sub.cilium.io"));
  CHECK(pattern("sub*.cilium.io", "subdomain.cilium.io"));
  CHECK(pattern("*.*.io", "a.b.io"));
  CHECK_FALSE(pattern("*.*.io", "b.io"));
  CHECK(pattern("*", "any.name"));
  CHECK(pattern("**.cilium.io", "a.b.cilium.io", 20));
  CHECK_FALSE(pattern("**.cilium.io", "a.b.cilium.io", 18));
  CHECK_FALSE(pattern("**.cilium.io", "cilium.io", 20));
  CHECK_FALSE(pattern("*a.b", "caab.b.b"));
}

TEST_CASE("external prefixes inherit what is around them") {
  Cluster cluster;
  cluster.cidr_groups.push_back({"partners", {{"kind", "partner"}}, {prefix("192.0.2.0/24")}, {}});
  const PolicySet policies = with_peers({CidrPeer{prefix("192.0.0.0/16"), {prefix("192.0.2.0/28")}}, FqdnPeer{"www.example.com", ""}});
  const Resolutions names{{"www.example.com", {address("192.0.2.10"), address("203.0.113.1")}}};
  const Identities identities = Identities::build(policies, cluster, names);
  CHECK(labels_of(identities, "192.0.2.10") ==
        "cidr:192.0.2.0/28 cidrgroup:io.cilium.policy.cidrgroupname/partners cidrgroup:kind=partner fqdn:www.example.com "
        "reserved:world-ipv4");
  CHECK(labels_of(identities, "192.0.2.200") ==
        "cidr:192.0.0.0/16 cidrgroup:io.cilium.policy.cidrgroupname/partners cidrgroup:kind=partner reserved:world-ipv4");
  CHECK(labels_of(identities, "203.0.113.1") == "fqdn:www.example.com reserved:world-ipv4");
  CHECK(identities.of_address(address("8.8.8.8")) == 9);
  CHECK(identities.of_address(address("2001:db8::1")) == 10);
}

TEST_CASE("what is in the cluster carries no address labels, unless CIDRs match nodes") {
  Cluster cluster;
  cluster.nodes = {{"n1", {{"role", "infra"}}, {address("172.16.0.2")}, false, {}}, {"n2", {}, {address("172.16.0.3")}, false, {}}};
  cluster.kube_apiservers = {address("172.16.0.3"), address("198.18.0.1")};
  Endpoint pod;
  pod.labels = {{"k8s", "app", "web"}};
  pod.pods = {{"web-0", "n1", {address("10.0.1.10")}}};
  cluster.endpoints = {pod};
  const PolicySet policies = with_peers({CidrPeer{prefix("10.0.1.10/32"), {}}, CidrPeer{prefix("172.16.0.0/16"), {}}});

  const Identities plain = Identities::build(policies, cluster, {});
  CHECK(labels_of(plain, "10.0.1.10") == "k8s:app=web");
  CHECK(plain.of_endpoint(0) == 256);
  CHECK(plain.of_node(0) == 6);
  CHECK(plain.of_node(1) == 7);
  CHECK(labels_of(plain, "198.18.0.1") == "reserved:kube-apiserver reserved:world-ipv4");
  CHECK(labels_of(plain, "172.16.9.9") == "cidr:172.16.0.0/16 reserved:world-ipv4");

  cluster.config.cidr_matches_nodes = cluster.config.node_selector_labels = true;
  const Identities labelled = Identities::build(policies, cluster, {});
  CHECK(labels_of(labelled, "172.16.0.2") == "cidr:172.16.0.2/32 node:role=infra reserved:remote-node");
  CHECK(labels_of(labelled, "172.16.0.3") == "cidr:172.16.0.3/32 reserved:kube-apiserver reserved:remote-node");
  CHECK((labelled.of_node(0) >> 24) == 2);
}

TEST_CASE("numbers are kept") {
  Cluster cluster;
  for (const char* app : {"b", "a", "c"}) {
    Endpoint endpoint;
    endpoint.labels = {{"k8s", "app", app}};
    cluster.endpoints.push_back(endpoint);
  }
  cluster.identities.push_back({300, {{"k8s", "app", "b"}}});
  const Identities identities = Identities::build({}, cluster, {}, {{"k8s:app=c", 256}});
  CHECK(identities.of_endpoint(0) == 300);
  CHECK(identities.of_endpoint(1) == 257);
  CHECK(identities.of_endpoint(2) == 256);
  CHECK(Identities::build({}, cluster, {}, identities.lock()).of_endpoint(1) == 257);
}

}  // namespace
}  // namespace netpolc::ir
