#include "ir/decide/condition_tree.h"

#include <doctest/doctest.h>

#include <random>

#include "ir/decide/conditions.h"
#include "ir/identity/cidr_label.h"

namespace netpolc::ir {
namespace {

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t bound) { return random() % bound; }
template <class T>
const T& one_of(Random& random, const std::vector<T>& all) {
  return all[below(random, all.size())];
}

const std::vector<std::string> kKeys = {"app", "tier", "io.kubernetes.pod.namespace", "io.cilium.k8s.policy.cluster"};
const std::vector<std::string> kValues = {"", "a", "b", "default"};
const std::vector<std::string> kPrefixes = {"10.0.0.0/8",   "10.1.0.0/16",  "10.1.2.0/24",    "10.1.2.3/32", "0.0.0.0/0",
                                            "192.0.2.0/25", "::/0",         "2001:db8::/32", "::1/128",     "2001:db8:1::/48"};
const std::vector<Entity> kEntities = {Entity::All,       Entity::World,      Entity::Cluster, Entity::Host,         Entity::Init, Entity::Ingress,
                                       Entity::Unmanaged, Entity::RemoteNode, Entity::Health,  Entity::KubeApiserver};
const std::vector<NamedPort> kPorts = {{"http", 80, Protocol::Tcp}, {"http", 8080, Protocol::Tcp}, {"http", 80, Protocol::Udp}, {"dns", 53, Protocol::Udp}};

IpPrefix random_prefix(Random& random) { return *IpPrefix::parse(one_of(random, kPrefixes)); }

Label random_label(Random& random) {
  switch (below(random, 6)) {
    case 0: return {"reserved", one_of(random, std::vector<std::string>{"host", "world", "world-ipv4", "remote-node", "kube-apiserver", "ingress"}), ""};
    case 1: return cidr_label(random_prefix(random));
    case 2: return {"fqdn", one_of(random, std::vector<std::string>{"a.com", "*.b.org"}), ""};
    case 3: return {"cidrgroup", one_of(random, std::vector<std::string>{"io.cilium.policy.cidrgroupname/g", "app"}), ""};
    default: return {below(random, 8) ? "k8s" : "node", one_of(random, kKeys), one_of(random, kValues)};
  }
}

std::vector<Identity> random_identities(Random& random) {
  std::vector<Identity> out;
  for (std::uint32_t id = 1; id < 130; ++id) {
    Identity identity{id, {}, {}};
    for (std::size_t n = below(random, 6); n > 0; --n) identity.labels.push_back(random_label(random));
    normalise(identity.labels);
    for (std::size_t n = below(random, 3); n > 0; --n) identity.named_ports.push_back(one_of(random, kPorts));
    std::sort(identity.named_ports.begin(), identity.named_ports.end());
    identity.named_ports.erase(std::unique(identity.named_ports.begin(), identity.named_ports.end()), identity.named_ports.end());
    out.push_back(std::move(identity));
  }
  return out;
}

Selector random_selector(Random& random) {
  Selector out;
  for (std::size_t n = 1 + below(random, 3); n > 0; --n) {
    const Label label = random_label(random);
    Requirement r{below(random, 3) ? label.source : "any", label.key, static_cast<Operator>(below(random, 4)), {}};
    if (r.op == Operator::In || r.op == Operator::NotIn) r.values = {one_of(random, kValues), one_of(random, kValues)};
    out.requirements.push_back(std::move(r));
  }
  normalise(out);
  return out;
}

std::vector<IpPrefix> random_except(Random& random) {
  std::vector<IpPrefix> out;
  for (std::size_t n = below(random, 3); n > 0; --n) out.push_back(random_prefix(random));
  return out;
}

Peer random_peer(Random& random) {
  switch (below(random, 6)) {
    case 0: return EntityPeer{one_of(random, kEntities)};
    case 1: return CidrPeer{random_prefix(random), random_except(random), below(random, 2) == 0};
    case 2: return CidrGroupPeer{"g", {}, random_except(random)};
    case 3: return CidrGroupPeer{"", random_selector(random), random_except(random)};
    case 4: return below(random, 2) ? FqdnPeer{"a.com", ""} : FqdnPeer{"", "*.b.org"};
    default: return LabelPeer{random_selector(random), true};
  }
}

Cluster random_cluster(Random& random) {
  Cluster cluster;
  cluster.config.version = 16 + static_cast<int>(below(random, 5));
  cluster.config.ipv4 = below(random, 4) != 0;
  cluster.config.ipv6 = !cluster.config.ipv4 || below(random, 2) == 0;
  cluster.config.cidr_matches_nodes = below(random, 2) == 0;
  return cluster;
}

}  // namespace

TEST_CASE("a tree holds for exactly the identities that its condition holds for") {
  std::size_t held = 0, asked = 0;
  for (unsigned seed = 0; seed < 150; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const auto identities = random_identities(random);
    const Cluster cluster = random_cluster(random);
    const SelectorIndex index(identities);
    Conditions conditions(index, cluster);
    std::vector<ConditionId> all = {everyone};
    for (int n = 0; n < 40; ++n)
      for (const ConditionId id : conditions.of(random_peer(random), true)) all.push_back(id);
    for (int n = 0; n < 10; ++n) all.push_back(conditions.both(one_of(random, all), one_of(random, all)));
    for (int n = 0; n < 10; ++n) all.push_back(conditions.with_port(one_of(random, all), one_of(random, kPorts)));
    for (const ConditionId id : all) {
      const Condition& condition = conditions[id];
      CAPTURE(condition.text);
      for (std::size_t i = 0; i < identities.size(); ++i) {
        const bool expected = condition.bits.test(i);
        if (holds(*condition.tree, ConditionSubject(identities[i].labels, &identities[i].named_ports)) != expected) {
          CAPTURE(i);
          FAIL_CHECK("the tree says otherwise, where the index says " << expected);
        }
        held += expected;
        ++asked;
      }
    }
  }
  CHECK(held > asked / 20);
  CHECK(held < asked - asked / 20);
}

TEST_CASE("names and prefixes that a tree asks for") {
  Cluster cluster;
  const std::vector<Identity> identities;
  const SelectorIndex index(identities);
  Conditions conditions(index, cluster);
  const auto tree = [&](const Peer& peer) { return conditions[conditions.of(peer, true).front()].tree; };
  const ConditionPtr name = tree(FqdnPeer{"", "*.b.org"}), prefix = tree(CidrPeer{*IpPrefix::parse("10.0.0.0/8"), {}, false});
  const ConditionPtr pods = tree(LabelPeer{{{{"k8s", "app", Operator::In, {"a"}}}}, true}), group = tree(CidrGroupPeer{"g", {}, {}});
  std::vector<FqdnPeer> names;
  collect_names(*combination(Combination::Kind::All, {pods, name}), names);
  CHECK(names == std::vector<FqdnPeer>{{"", "*.b.org"}});
  CHECK(asks_for_addresses(*name));
  CHECK(asks_for_addresses(*prefix));
  CHECK(asks_for_addresses(*group));
  CHECK_FALSE(asks_for_addresses(*pods));
  CHECK_FALSE(asks_for_addresses(*tree(EntityPeer{Entity::World})));
}

}  // namespace netpolc::ir
