// Rules about CIDRs that can match nothing: of pods and nodes (section 3.4), and of services (section 9).
#include <algorithm>
#include <functional>
#include <tuple>

#include "compiler/lint/rule.h"

namespace netpolc::lint {
namespace {

void each_cidr(const Facts& facts, const std::function<void(const ir::Rule&, const IpPrefix&)>& visit) {
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Peer& peer : rule.peers)
        if (const auto* cidr = std::get_if<ir::CidrPeer>(&peer)) visit(rule, cidr->prefix);
}

bool is_one_address(const IpPrefix& prefix) { return prefix.length == prefix.address.bits(); }

std::uint64_t size_of(const IpPrefix& prefix) {
  const int free_bits = prefix.address.bits() - prefix.length;
  return free_bits > 32 ? 1ULL << 32 : 1ULL << free_bits;
}

std::string name_of(const Facts& facts, const Owner& owner) {
  switch (owner.kind) {
    case Owner::Kind::Pod: return "pod `" + facts.endpoint_name(owner.index) + "`";
    case Owner::Kind::Node: return "node `" + facts.cluster().nodes[owner.index].name + "`";
    case Owner::Kind::Service: return "service `" + facts.cluster().services[owner.index].ns + "/" + facts.cluster().services[owner.index].name + "`";
  }
  return "";
}

Span place_of(const Facts& facts, const ir::Rule& rule, const IpPrefix& prefix) {
  const Span found = facts.places().value(rule.where, prefix.to_string());
  return found == rule.where ? facts.places().value(rule.where, prefix.address.to_string()) : found;
}

std::string consequence(const ir::Rule& rule, bool all) {
  const std::string verb = rule.action == ir::Action::Deny ? "denies" : "allows";
  return all ? "so this " + verb + " nothing" : "so this " + verb + " none of these";
}

std::string instead(const Facts& facts, const Owner& owner) {
  if (facts.is_apiserver(owner.address)) return "use the entity `kube-apiserver`";
  if (owner.kind == Owner::Kind::Pod) return "select the pod by its labels";
  return "use the entities `host` and `remote-node`, or set `policy-cidr-match-mode: nodes`";
}

// A prefix that holds all pods that have an address, and nothing else that is known, is their range, if it is no wider than such
// ranges are. Where nodes are in it, too, or none are known, what is outside of the cluster may be.
bool is_range_of_pods(const Facts& facts, const IpPrefix& prefix) {
  const int widest = prefix.address.v6 ? 48 : 14;
  if (prefix.length < widest || facts.cluster().nodes.empty()) return false;
  std::size_t inside = 0;
  for (const Owner& owner : facts.owners()) {
    if (owner.address.v6 != prefix.address.v6) continue;
    const bool contained = prefix.contains(owner.address);
    if (contained != (owner.kind == Owner::Kind::Pod)) return false;
    inside += contained;
  }
  return inside > 1;
}

void report_range_of_pods(const Facts& facts, const ir::Rule& rule, const IpPrefix& prefix, Findings& out) {
  out.push_back({.kind = DiagKind::CidrOfPodsOrNodes,
                 .where = place_of(facts, rule, prefix),
                 .message = prefix.to_string() + " holds all pods that are known; CIDR rules match no pods and no nodes",
                 .label = consequence(rule, false) + ": select the pods by their labels",
                 .severity = Severity::Warning});
}

// Says it of prefixes that are mostly pods and nodes, and of the pods' range: the rest of a wider one may well be outside of the cluster.
void find_inside(const Facts& facts, Findings& out) {
  each_cidr(facts, [&](const ir::Rule& rule, const IpPrefix& prefix) {
    auto owners = facts.owners_inside(prefix);
    std::erase_if(owners, [&](const Owner& owner) {
      return owner.kind == Owner::Kind::Service || (owner.kind == Owner::Kind::Node && facts.cluster().config.cidr_matches_nodes);
    });
    owners.erase(std::unique(owners.begin(), owners.end(), [](const Owner& a, const Owner& b) { return a.address == b.address; }), owners.end());
    if (is_range_of_pods(facts, prefix) && owners.size() * 2 < size_of(prefix)) return report_range_of_pods(facts, rule, prefix, out);
    if (owners.empty() || owners.size() * 2 < size_of(prefix)) return;
    const std::string more = owners.size() == 1 ? "" : " and " + std::to_string(owners.size() - 1) + " more";
    out.push_back({.kind = DiagKind::CidrOfPodsOrNodes,
                   .where = place_of(facts, rule, prefix),
                   .message = prefix.to_string() + (is_one_address(prefix) ? " is " : " is mostly in the cluster, such as ") +
                              name_of(facts, owners.front()) + more + "; CIDR rules match no pods and no nodes",
                   .label = consequence(rule, is_one_address(prefix)) + ": " + instead(facts, owners.front()),
                   .severity = Severity::Warning});
  });
}

// The smallest prefix around all addresses of services of one family: their range has it inside.
std::optional<IpPrefix> services_of_family(const Facts& facts, bool v6) {
  std::optional<IpPrefix> out;
  for (const Owner& owner : facts.owners()) {
    if (owner.kind != Owner::Kind::Service || owner.address.v6 != v6) continue;
    if (!out) out = IpPrefix::host(owner.address);
    while (!out->contains(owner.address)) {
      const auto wider = static_cast<std::uint8_t>(out->length - 1);
      out = IpPrefix::parse(out->address.to_string() + "/" + std::to_string(wider));
    }
  }
  return out;
}

// A prefix that holds all services and nothing else that is known is their range, if it is no wider than such ranges are.
bool is_range_of(const Facts& facts, const IpPrefix& prefix, const IpPrefix& services) {
  const int widest = prefix.address.v6 ? 64 : 12;
  if (prefix.length < widest || !prefix.contains(services)) return false;
  const auto inside = facts.owners_inside(prefix);
  return inside.size() > 1 && std::all_of(inside.begin(), inside.end(), [](const Owner& owner) { return owner.kind == Owner::Kind::Service; });
}

std::string instead_of_service(const Facts& facts, const Owner& owner) {
  const ir::Service& service = facts.cluster().services[owner.index];
  return service.ns == "default" && service.name == "kubernetes" ? "use the entity `kube-apiserver`" : "select the pods, or use `toServices`";
}

void find_services(const Facts& facts, Findings& out) {
  const std::optional<IpPrefix> ranges[] = {services_of_family(facts, false), services_of_family(facts, true)};
  each_cidr(facts, [&](const ir::Rule& rule, const IpPrefix& prefix) {
    const auto& services = ranges[prefix.address.v6];
    if (!services || !(services->contains(prefix) || is_range_of(facts, prefix, *services))) return;
    const auto owners = facts.owners_inside(prefix);
    if (std::any_of(owners.begin(), owners.end(), [](const Owner& owner) { return owner.kind != Owner::Kind::Service; })) return;
    const bool one = owners.size() == 1 && is_one_address(prefix);
    out.push_back({.kind = DiagKind::CidrOfServices,
                   .where = place_of(facts, rule, prefix),
                   .message = prefix.to_string() + (one ? " is the address of " + name_of(facts, owners.front()) : " lies in the range of service addresses") +
                              "; policy sees the pods behind services",
                   .label = consequence(rule, true) + (one ? ": " + instead_of_service(facts, owners.front()) : ": select the pods, or use `toServices`"),
                   .severity = Severity::Warning});
  });
}

// Its lower or upper half. Precondition: it is no single address.
IpPrefix half(const IpPrefix& prefix, bool upper) {
  IpPrefix out = prefix;
  if (upper) out.address.bytes[prefix.length / 8] |= static_cast<std::uint8_t>(0x80U >> (prefix.length % 8));
  ++out.length;
  return out;
}

bool all_excepted(const IpPrefix& prefix, const std::vector<IpPrefix>& exceptions) {
  const auto covers = [&](const IpPrefix& one) { return one.contains(prefix); };
  if (std::any_of(exceptions.begin(), exceptions.end(), covers)) return true;
  std::vector<IpPrefix> inside;
  std::copy_if(exceptions.begin(), exceptions.end(), std::back_inserter(inside), [&](const IpPrefix& one) { return prefix.contains(one); });
  return inside.size() > 1 && all_excepted(half(prefix, false), inside) && all_excepted(half(prefix, true), inside);
}

void find_nothing_left(const Facts& facts, Findings& out) {
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Peer& peer : rule.peers) {
        const auto* cidr = std::get_if<ir::CidrPeer>(&peer);
        if (cidr == nullptr || !all_excepted(cidr->prefix, cidr->except)) continue;
        out.push_back({.kind = DiagKind::NothingLeft,
                       .where = place_of(facts, rule, cidr->prefix),
                       .message = "`except` leaves nothing of " + cidr->prefix.to_string(),
                       .label = consequence(rule, true),
                       .severity = Severity::Warning});
      }
}

// ---- groups that share addresses -----------------------------------------------------------------
struct GroupPrefix {
  IpPrefix prefix;
  const ir::CidrGroup* group;
};

// Sorted so that what contains a prefix comes before it.
std::vector<GroupPrefix> prefixes_of_groups(const ir::Cluster& cluster, const std::string& key) {
  std::vector<GroupPrefix> out;
  for (const ir::CidrGroup& group : cluster.cidr_groups)
    if (group.labels.count(key) != 0)
      for (const IpPrefix& prefix : group.cidrs) out.push_back({prefix, &group});
  std::sort(out.begin(), out.end(), [](const GroupPrefix& a, const GroupPrefix& b) {
    return std::tie(a.prefix.address, a.prefix.length, a.group->name) < std::tie(b.prefix.address, b.prefix.length, b.group->name);
  });
  return out;
}

// The first two of which one contains the other and that have different values.
std::optional<std::pair<GroupPrefix, GroupPrefix>> colliding(const ir::Cluster& cluster, const std::string& key) {
  std::vector<GroupPrefix> around;
  for (const GroupPrefix& one : prefixes_of_groups(cluster, key)) {
    while (!around.empty() && !around.back().prefix.contains(one.prefix)) around.pop_back();
    for (const GroupPrefix& outer : around)
      if (outer.group->labels.at(key) != one.group->labels.at(key)) return std::pair{outer, one};
    around.push_back(one);
  }
  return std::nullopt;
}

void find_collisions(const Facts& facts, Findings& out) {
  const ir::CiliumVersion version = facts.cluster().config.version;
  if (version < 17 || version >= 20) return;
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Peer& peer : rule.peers) {
        const auto* group = std::get_if<ir::CidrGroupPeer>(&peer);
        if (group == nullptr || !group->selector) continue;
        for (const ir::Requirement& one : group->selector->requirements) {
          const auto two = colliding(facts.cluster(), one.key);
          if (!two) continue;
          out.push_back({.kind = DiagKind::GroupsCollide,
                         .where = facts.places().label_key(rule.where, one.key),
                         .message = two->second.prefix.to_string() + " is in CIDR groups `" + two->first.group->name + "` and `" + two->second.group->name + "`, with different values of `" + one.key + "`",
                         .label = "before Cilium 1.20 such an address keeps one of the values, and this may match or not",
                         .notes = {{two->second.group->where, "the second group"}},
                         .severity = Severity::Warning});
        }
      }
}

}  // namespace

std::vector<Rule> address_rules() {
  return {
          {DiagKind::GroupsCollide, Severity::Warning, Needs::Policies, find_collisions,
           "`cidrGroupSelector` asks for labels of CIDR groups. From 1.17 to 1.19 an address that is in two groups which give one "
           "label different values keeps one of them, and nothing says which: a selector for the other does not match it. Use a "
           "label for each purpose, or name groups with `cidrGroupRef`. From 1.20 on both values count.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: partners
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromCIDRSet: [{cidrGroupSelector: {matchLabels: {use: partners}}}]
---
apiVersion: cilium.io/v2
kind: CiliumCIDRGroup
metadata: {name: office, labels: {use: office}}
spec: {externalCIDRs: [192.0.2.0/24]}
---
apiVersion: cilium.io/v2
kind: CiliumCIDRGroup
metadata: {name: partners, labels: {use: partners}}
spec: {externalCIDRs: [192.0.2.8/32]}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: partners
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromCIDRSet: [{cidrGroupSelector: {matchLabels: {use: partners}}}]
---
apiVersion: cilium.io/v2
kind: CiliumCIDRGroup
metadata: {name: office, labels: {use: office}}
spec: {externalCIDRs: [198.51.100.0/24]}
---
apiVersion: cilium.io/v2
kind: CiliumCIDRGroup
metadata: {name: partners, labels: {use: partners}}
spec: {externalCIDRs: [192.0.2.8/32]}
)"},
          {DiagKind::CidrOfPodsOrNodes, Severity::Warning, Needs::Policies, find_inside,
           "CIDR rules and `ipBlock` match addresses outside of the cluster. Pods have identities from their labels and nodes are "
           "the entities `host` and `remote-node`, so a CIDR that names one of these matches nothing; this is how most rules for "
           "the API server fail. Select pods by labels, use `toEntities`, or have CIDRs match nodes with `policy-cidr-match-mode: "
           "nodes` in cilium-config. Said of prefixes of which at least half are addresses of pods and nodes, and of one that holds all "
           "pods and nothing else that is known.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-node
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toCIDR: [10.0.64.1/32]
---
apiVersion: v1
kind: Node
metadata: {name: node-a}
status: {addresses: [{type: InternalIP, address: 10.0.64.1}]}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-node
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toCIDR: [10.0.64.2/32]
---
apiVersion: v1
kind: Node
metadata: {name: node-a}
status: {addresses: [{type: InternalIP, address: 10.0.64.1}]}
)"},
          {DiagKind::CidrOfServices, Severity::Warning, Needs::Services, find_services,
           "A connection to a service is turned into one to a pod before policy is asked, so rules never see a service's address: "
           "a CIDR of these matches nothing. Select the pods behind the service, or use `toServices`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-checkout
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toCIDR: [10.96.0.40/32]
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec:
  clusterIP: 10.96.0.40
  selector: {app: checkout}
  ports: [{port: 80, targetPort: 8080}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-checkout
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toCIDR: [192.0.2.40/32]
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec:
  clusterIP: 10.96.0.40
  selector: {app: checkout}
  ports: [{port: 80, targetPort: 8080}]
)"},
          {DiagKind::NothingLeft, Severity::Warning, Needs::Policies, find_nothing_left,
           "The exceptions of a CIDR cover all of it, so that the entry matches nothing. Most often a prefix was meant to be "
           "wider, or an exception narrower.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: partners
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toCIDRSet:
    - cidr: 192.0.2.0/24
      except: [192.0.2.0/25, 192.0.2.128/25]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: partners
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toCIDRSet:
    - cidr: 192.0.2.0/24
      except: [192.0.2.0/25, 192.0.2.128/26]
)"}};
}

}  // namespace netpolc::lint
