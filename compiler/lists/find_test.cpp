#include "compiler/lists/find.h"

#include <doctest/doctest.h>

using namespace netpolc;
using namespace netpolc::compiler::lists;

namespace {

ir::Endpoint workload(const char* name, const char* app, const char* address) {
  ir::Endpoint out;
  out.ns = "shop";
  out.name = name;
  out.kind = "Deployment";
  out.labels = {{"k8s", "app", app}};
  out.pods = {{std::string(name) + "-1", "n1", {*IpAddress::parse(address)}}};
  return out;
}

struct Here {
  ir::PolicySet policies;
  ir::Cluster cluster;
  ir::Resolutions resolutions;
  ir::IdentityLock lock;
  Here() {
    cluster.endpoints = {workload("cart", "cart", "10.0.1.1"), workload("far", "far", "10.9.1.1"), workload("net", "net", "10.0.0.7"), workload("web", "web", "10.0.1.2")};
    cluster.endpoints[1].remote = true;
    cluster.endpoints[2].host_network = true;
    cluster.nodes = {{.name = "n1", .labels = {}, .addresses = {*IpAddress::parse("10.0.0.7")}, .remote_cluster = false, .where = {}}};
  }
  ir::Identities identities() const { return ir::Identities::build(policies, cluster, resolutions, lock); }
  verify::Directory directory() const { return {policies, cluster, resolutions, lock}; }
  Found identities_of(const std::string& asked) const { return find_identities(asked, identities(), directory()); }
  Found endpoints_of(const std::string& asked) const { return find_endpoints(asked, directory()); }
};

using Numbers = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("identities by number, by labels and by whose they are") {
  const Here here;
  const auto cart = here.identities().of_endpoint(0), web = here.identities().of_endpoint(3);
  CHECK(*here.identities_of(std::to_string(cart)) == Numbers{cart});
  CHECK(*here.identities_of("id:" + std::to_string(cart)) == Numbers{cart});
  CHECK(*here.identities_of("k8s:app=cart") == Numbers{cart});
  CHECK(*here.identities_of("app=web") == Numbers{web});
  CHECK(*here.identities_of("shop/cart") == Numbers{cart});
  CHECK(*here.identities_of("shop/cart-1") == Numbers{cart});
  CHECK(*here.identities_of("shop/[app=web]") == Numbers{web});
  CHECK(*here.identities_of("ip:10.0.1.2") == Numbers{web});
  CHECK(*here.identities_of("host") == Numbers{1});
  CHECK(*here.identities_of("entity:remote-node") == Numbers{6});
  CHECK(*here.identities_of("kube-apiserver") == Numbers{7});
  CHECK(*here.identities_of("world") == Numbers{9, 10});
  CHECK(*here.identities_of("ip:203.0.113.7") == Numbers{9});
  CHECK(*here.identities_of("shop/net") == Numbers{6});
}

TEST_CASE("identities that are not there") {
  const Here here;
  CHECK(here.identities_of("99999").error() == "no identity 99999; `netpolc identity list` shows all");
  CHECK(here.identities_of("99999999999999").error().starts_with("no identity 9999"));
  CHECK(here.identities_of("id:x").error() == "`x` is no identity number");
  CHECK(here.identities_of("app=nobody").error() == "no identity has the labels app=nobody");
  CHECK(here.identities_of("app=a b").error().starts_with("`app=a b` is none of"));
  CHECK(here.identities_of("shop/crat").error() == "no pod or workload `shop/crat`; did you mean `shop/cart`?");
}

TEST_CASE("endpoints, and what is none") {
  const Here here;
  CHECK(*here.endpoints_of("shop/cart") == Numbers{0});
  CHECK(*here.endpoints_of("shop/[]") == Numbers{0, 3});
  CHECK(*here.endpoints_of("ip:10.0.1.2") == Numbers{3});
  CHECK(*here.endpoints_of("any") == Numbers{0, 3});
  CHECK(here.endpoints_of("shop/far").error() == "`shop/far` is no endpoint: it is of another cluster, which has its policies");
  CHECK(here.endpoints_of("shop/net").error() == "`shop/net` is no endpoint: it is a node, or in the network of one");
  CHECK(here.endpoints_of("ip:203.0.113.7").error() == "`ip:203.0.113.7` is no endpoint: it is an address outside of the cluster");
  CHECK(here.endpoints_of("world").error() == "`world` is no endpoint: it is an identity without pods here");
  CHECK(here.endpoints_of("257x").error().starts_with("`257x` is no endpoint reference"));
}
