#include "tools/agreement/parts.h"

namespace netpolc::agreement {
namespace {

struct Key {
  const char* key;
  std::vector<std::string> values;
};

const Key& random_key(Random& random) {
  static const std::vector<Key> own{
      {"app", {"web", "db", "api"}},        {"app", {"web", "db", "api"}},        {"tier", {"one", "two"}},
      {"tier", {"one", "two"}},             {"k8s:app", {"web", "db"}},           {"any:tier", {"one", "two"}},
      {"app.kubernetes.io/name", {"web", "db"}},
  };
  static const std::vector<Key> others{
      {"k8s:io.kubernetes.pod.namespace", {"a", "b", "c"}},
      {"k8s:io.kubernetes.pod.namespace", {"a", "b"}},
      {"io.kubernetes.pod.namespace", {"a", "b"}},
      {"k8s:io.cilium.k8s.namespace.labels.team", {"red", "blue"}},
      {"io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name", {"a", "b"}},
      {"io.cilium.k8s.policy.serviceaccount", {"default", "robot"}},
      {"io.cilium.k8s.policy.cluster", {"default", "mine", "other"}},
      {"pod-template-hash", {"x1"}},
      {"container:app", {"web"}},
      {"reserved:host", {""}},
      {"reserved:remote-node", {""}},
      {"reserved:world", {""}},
      {"reserved:health", {""}},
  };
  return random.of(random.one_in(4) ? others : own);
}

std::string random_entity(Random& random) {
  return random.text({"all", "world", "world", "cluster", "cluster", "host", "init", "ingress", "unmanaged", "remote-node", "health", "none", "kube-apiserver"});
}

// A name's own part of the address space in the other's: of these the later lie within the earlier.
constexpr const char* kBlocks4[] = {"0.0.0.0/0", "192.0.2.0/24", "192.0.2.128/25", "192.0.2.130/32", "198.51.100.0/24", "10.0.0.0/8", "172.16.0.0/12", "203.0.113.4/31", "198.18.0.0/15"};
constexpr const char* kBlocks6[] = {"::/0", "2001:db8::/32", "2001:db8:1::/48", "2001:db8::1/128", "2001:db9::/32"};

bool six(Random& random, const Agent& agent) { return !agent.ipv4 || (agent.ipv6 && random.one_in(3)); }

Json selectors(Random& random) {
  Json out = Json::array();
  for (std::uint32_t n = 1 + random.below(2); n > 0; --n) out.push_back(random_selector(random, false));
  return out;
}

Json node_selector(Random& random) {
  if (random.one_in(4)) return Json::object();
  if (random.one_in(2)) return {{"matchLabels", {{"zone", random.text({"east", "west"})}}}};
  return {{"matchExpressions", {{{"key", "role"}, {"operator", random.text({"Exists", "DoesNotExist"})}}}}};
}

Json block_or_group(Random& random, const Agent& agent) {
  Json out;
  if (random.one_in(4)) {
    out["cidrGroupRef"] = random.text({"near", "far", "unknown"});
  } else if (agent.version >= 17 && random.one_in(5)) {
    out["cidrGroupSelector"] = {{"matchLabels", {{"kind", random.text({"partner", "own"})}}}};
  } else {
    return random_block(random, agent);
  }
  if (agent.ipv4 && random.one_in(4)) out["except"] = {random.text({"192.0.2.128/25", "203.0.113.5/32"})};
  return out;
}

Json service(Random& random) {
  Json out;
  if (random.one_in(2)) {
    out["k8sService"] = {{"serviceName", random.text({"front", "outside", "unknown"})}};
    if (random.one_in(2)) out["k8sService"]["namespace"] = random.text({"a", "b"});
  } else {
    out["k8sServiceSelector"] = {{"selector", {{"matchLabels", {{"tier", random.text({"one", "two"})}}}}}};
    if (random.one_in(2)) out["k8sServiceSelector"]["namespace"] = random.text({"a", "b"});
  }
  return out;
}

Json name(Random& random) {
  if (random.one_in(2)) return {{"matchName", random.text({"api.example.com", "WWW.example.com", "six.example.org", "unknown.example.com"})}};
  return {{"matchPattern", random.text({"*.example.com", "**.example.com", "*", "a*.example.com", "*.www.example.com"})}};
}

}  // namespace

std::string random_prefix(Random& random, const Agent& agent) {
  return six(random, agent) ? kBlocks6[random.below(std::size(kBlocks6))] : kBlocks4[random.below(std::size(kBlocks4))];
}

Json random_block(Random& random, const Agent& agent) {
  if (random.one_in(2)) return {{"cidr", random_prefix(random, agent)}};
  if (six(random, agent)) return {{"cidr", random.text({"::/0", "2001:db8::/32"})}, {"except", {random.text({"2001:db8:1::/48", "2001:db8::1/128"})}}};
  Json out{{"cidr", random.text({"0.0.0.0/0", "192.0.2.0/24", "192.0.2.0/24"})}, {"except", Json::array({random.text({"192.0.2.128/25", "192.0.2.130/32", "192.0.2.8/29"})})}};
  if (out["cidr"] == "0.0.0.0/0" && random.one_in(2)) out["except"].push_back(random.text({"10.0.0.0/8", "198.51.100.0/24"}));
  return out;
}

// Peers, and with `subject` whom a policy is for.
Json random_selector(Random& random, bool subject) {
  Json labels = Json::object(), expressions = Json::array();
  for (std::uint32_t n = random.below(subject && random.one_in(2) ? 2 : 3); n > 0; --n) {
    const Key& key = random_key(random);
    if (subject && std::string_view(key.key).starts_with("reserved:")) continue;
    if (random.one_in(2)) {
      labels[key.key] = random.of(key.values);
      continue;
    }
    Json expression{{"key", key.key}, {"operator", random.text({"In", "In", "NotIn", "Exists", "DoesNotExist"})}};
    if (expression["operator"] == "In" || expression["operator"] == "NotIn") {
      expression["values"] = {random.of(key.values)};
      if (random.one_in(3)) expression["values"].push_back(key.values.back() == expression["values"][0] ? "other" : key.values.back());
    }
    expressions.push_back(std::move(expression));
  }
  Json out = Json::object();
  if (!labels.empty()) out["matchLabels"] = std::move(labels);
  if (!expressions.empty()) out["matchExpressions"] = std::move(expressions);
  return out;
}

void add_peers(Random& random, const Agent& agent, const Element& at, Json& rule) {
  const std::string side = at.from_or_to();
  switch (random.below(14)) {
    case 0:
    case 1: break;
    case 2:
    case 3:
    case 4:
    case 5: rule[side + "Endpoints"] = selectors(random); break;
    case 6:
    case 7:
      rule[side + "Entities"] = {random_entity(random)};
      if (random.one_in(4)) rule[side + "Entities"].push_back(random_entity(random));
      break;
    case 8: rule[side + "CIDR"] = {random_prefix(random, agent)}; break;
    case 9:
    case 10:
      rule[side + "CIDRSet"] = Json::array({block_or_group(random, agent)});
      if (random.one_in(3)) rule[side + "CIDRSet"].push_back(block_or_group(random, agent));
      break;
    case 11:
      if (agent.node_selectors) rule[side + "Nodes"] = Json::array({node_selector(random)});
      else rule[side + "Endpoints"] = selectors(random);
      break;
    case 12:
      if (at.ingress) rule[side + "Entities"] = {random_entity(random)};
      else rule["toServices"] = Json::array({service(random)});
      break;
    case 13:
      if (at.ingress || at.deny) rule[side + "CIDR"] = {random_prefix(random, agent)};
      else rule["toFQDNs"] = Json::array({name(random)});
      break;
  }
  if (random.one_in(40)) rule[side + random.text({"Endpoints", "CIDR", "CIDRSet", "Entities"})] = Json::array();
  if (agent.version <= 18 && random.one_in(10) && (rule.empty() || rule.contains(side + "Endpoints"))) rule[side + "Requires"] = Json::array({random_selector(random, false)});
}

}  // namespace netpolc::agreement
