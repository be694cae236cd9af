// Rules about what policies cost: entries of an endpoint's policy map (semantics reference, sections 1.6 and 5.4), and identities.
#include <algorithm>
#include <set>
#include <unordered_set>

#include "compiler/lint/map_entries.h"
#include "compiler/lint/selectors.h"
#include "ir/eval/resolve.h"

namespace netpolc::lint {
namespace {

// ---- entries -------------------------------------------------------------------------------------
// One row of the map: whom, and which ports. Prefixes of ports as the map has them.
using Key = std::uint64_t;
constexpr std::uint64_t kEveryone = 0;

std::uint64_t key_of_ports(ir::Protocol protocol, std::uint16_t from, int free_bits) {
  return (static_cast<std::uint64_t>(protocol) << 24U) | (static_cast<std::uint64_t>(from) << 8U) | static_cast<std::uint64_t>(free_bits);
}

// Largest blocks first that begin where the last one ended.
void add_range(ir::Protocol protocol, std::uint32_t first, std::uint32_t last, std::vector<std::uint64_t>& out) {
  while (first <= last) {
    int bits = 0;
    while (bits < 16 && (first & ((2U << bits) - 1)) == 0 && first + (2U << bits) - 1 <= last) ++bits;
    out.push_back(key_of_ports(protocol, static_cast<std::uint16_t>(first), bits));
    first += 1U << bits;
  }
}

std::vector<std::uint64_t> ports_of(const std::vector<ir::eval::ResolvedPort>& ports) {
  std::vector<std::uint64_t> out;
  for (const ir::eval::ResolvedPort& port : ports) {
    if (port.any_protocol) out.push_back(0);
    else if (port.first == 0 && port.last == 0) out.push_back(key_of_ports(port.protocol, 0, 16));
    else add_range(port.protocol, port.first, port.last, out);
  }
  return out;
}

// Identities that a rule gives entries; position + 1, or everyone.
class Peers {
 public:
  explicit Peers(const Facts& facts) : facts_(facts) {}

  std::size_t count(const ir::eval::ResolvedPeer& peer) const {
    if (const auto* selector = std::get_if<ir::Selector>(&peer.matcher)) return size(facts_.select(*selector));
    if (const auto* cidr = std::get_if<ir::CidrPeer>(&peer.matcher)) return size(of(*cidr));
    if (const auto* group = std::get_if<ir::eval::GroupByName>(&peer.matcher)) return group->prefixes.size();
    return 1;
  }
  // Of groups and names only how many is known here.
  template <typename Visit>
  void each(const ir::eval::ResolvedPeer& peer, const Visit& visit) const {
    if (const auto* selector = std::get_if<ir::Selector>(&peer.matcher)) facts_.select(*selector).each([&](std::size_t i) { visit(i + 1); });
    else if (const auto* cidr = std::get_if<ir::CidrPeer>(&peer.matcher)) of(*cidr).each([&](std::size_t i) { visit(i + 1); });
    else if (const auto* group = std::get_if<ir::eval::GroupByName>(&peer.matcher))
      for (const IpPrefix& prefix : group->prefixes) facts_.inside(prefix).each([&](std::size_t i) { visit(i + 1); });
    else visit(kEveryone);
  }

 private:
  Bits of(const ir::CidrPeer& cidr) const {
    Bits out = facts_.inside(cidr.prefix);
    for (const IpPrefix& except : cidr.except) out = without(out, facts_.inside(except));
    return out;
  }
  const Facts& facts_;
};


class Maps {
 public:
  explicit Maps(const Facts& facts) : facts_(facts), peers_(facts) {
    for (const ir::Endpoint& endpoint : facts.cluster().endpoints) names_.add(endpoint.named_ports);
  }

  std::size_t most(const ir::Policy& policy) const {
    std::size_t out = 0;
    for (const ir::Rule& rule : policy.rules) out += at_most(rule);
    return out;
  }

  // Exactly, for one endpoint; and what each rule adds.
  std::size_t entries(std::size_t position, std::vector<std::pair<std::size_t, ir::RuleRef>>& added) const {
    std::unordered_set<Key> all;
    for (std::uint32_t p = 0; p < facts_.policies().size(); ++p) {
      if (!facts_.subjects(p).test(position)) continue;
      for (std::uint32_t r = 0; r < facts_.policies()[p].rules.size(); ++r) {
        const std::size_t before = all.size();
        add(facts_.policies()[p].rules[r], all);
        if (all.size() != before) added.emplace_back(all.size() - before, ir::RuleRef{p, r});
      }
    }
    return all.size();
  }

 private:
  std::size_t at_most(const ir::Rule& rule) const {
    const std::vector<ir::Requirement> none;
    const std::size_t ports = ports_of(ir::eval::resolve_ports(rule, {facts_.world(), none, names_})).size();
    std::size_t peers = 0;
    for (const auto& peer : ir::eval::resolve_peers(rule, {facts_.world(), none, names_})) peers += peers_.count(peer);
    return ports * peers;
  }
  void add(const ir::Rule& rule, std::unordered_set<Key>& to) const {
    const std::vector<ir::Requirement> none;
    const auto ports = ports_of(ir::eval::resolve_ports(rule, {facts_.world(), none, names_}));
    const std::uint64_t direction = rule.direction == ir::Direction::Egress ? 1 : 0;
    for (const auto& peer : ir::eval::resolve_peers(rule, {facts_.world(), none, names_}))
      peers_.each(peer, [&](std::uint64_t who) {
        for (const std::uint64_t port : ports) to.insert((who << 33U) | (direction << 32U) | port);
      });
  }

  const Facts& facts_;
  const Peers peers_;
  ir::eval::NamedPorts names_;
};

void report_map(const Facts& facts, std::size_t position, std::size_t entries, std::vector<std::pair<std::size_t, ir::RuleRef>> added, Findings& out) {
  constexpr std::size_t kShown = 3;
  std::sort(added.begin(), added.end(), [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  const ir::RuleRef dearest = added.front().second;
  const ir::Rule& rule = facts.policies()[dearest.policy].rules[dearest.rule];
  Diagnostic found{.kind = DiagKind::PolicyMapFull,
                   .where = rule.where,
                   .message = "the policies of `" + facts.endpoint_name(facts.endpoints_at(position).front()) + "` need " + std::to_string(entries) + " entries of its policy map, which holds " +
                              std::to_string(facts.cluster().config.policy_map_max),
                   .label = std::to_string(added.front().first) + " of them are for this entry",
                   .severity = Severity::Warning};
  for (std::size_t i = 1; i < added.size() && i < kShown; ++i)
    found.notes.push_back({facts.policies()[added[i].second.policy].rules[added[i].second.rule].where, std::to_string(added[i].first) + " more are for this one"});
  out.push_back(std::move(found));
}

// By position: the sum over policies, which is cheap, and mostly far from the limit.
std::vector<std::size_t> at_most(const Maps& maps, const Facts& facts) {
  std::vector<std::size_t> most(facts.identities(), 0);
  for (std::size_t p = 0; p < facts.policies().size(); ++p) {
    if (!any(facts.subjects(p))) continue;
    const std::size_t added = maps.most(facts.policies()[p]);
    facts.subjects(p).each([&](std::size_t position) { most[position] += added; });
  }
  return most;
}

void find_full_maps(const Facts& facts, Findings& out) {
  const Maps maps(facts);
  const std::vector<std::size_t> most = at_most(maps, facts);
  std::set<Span> reported;
  for (std::size_t position = 0; position < most.size(); ++position) {
    if (most[position] <= facts.cluster().config.policy_map_max || facts.endpoints_at(position).empty()) continue;
    std::vector<std::pair<std::size_t, ir::RuleRef>> added;
    const std::size_t entries = maps.entries(position, added);
    if (entries <= facts.cluster().config.policy_map_max) continue;
    Findings one;
    report_map(facts, position, entries, std::move(added), one);
    if (reported.insert(*one.front().where).second) out.push_back(std::move(one.front()));
  }
}

// ---- identities ----------------------------------------------------------------------------------
constexpr std::size_t kManyValues = 16, kManyIdentities = 256;

// What selectors ask for, of policies and of services.
std::set<std::string> keys_in_use(const Facts& facts) {
  std::set<std::string> out;
  const auto add = [&](const ir::Selector& selector) {
    for (const ir::Requirement& one : selector.requirements) out.insert(one.key);
  };
  each_selector(facts, [&](const SelectorUse& use) { add(use.selector); });
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Selector& selector : rule.requires_all) add(selector);
  for (const ir::Service& service : facts.cluster().services)
    for (const auto& [key, value] : service.selector) out.insert(key);
  return out;
}

bool is_of_cilium(const std::string& key) { return key == namespace_key || key.rfind("io.cilium.k8s.", 0) == 0; }

std::set<std::string> unused_with_many_values(const Facts& facts) {
  const std::set<std::string> used = keys_in_use(facts);
  std::set<std::string> out;
  for (const auto& [key, values] : facts.values())
    if (values.size() >= kManyValues && !is_of_cilium(key) && used.count(key) == 0) out.insert(key);
  return out;
}

void find_multiplying(const Facts& facts, Findings& out) {
  const std::set<std::string> keys = unused_with_many_values(facts);
  if (keys.empty()) return;
  std::set<ir::LabelSet> rest;
  std::size_t all = 0;
  std::optional<std::uint32_t> first;
  facts.managed().each([&](std::size_t position) {
    ++all;
    ir::LabelSet labels = facts.identity(position).labels;
    const std::size_t before = labels.size();
    std::erase_if(labels, [&](const ir::Label& label) { return keys.count(label.key) != 0; });
    if (labels.size() != before && !facts.endpoints_at(position).empty() && (!first || facts.endpoints_at(position).front() < *first)) first = facts.endpoints_at(position).front();
    rest.insert(std::move(labels));
  });
  if (!first || rest.size() * 2 > all) return;
  std::string names;
  for (const std::string& key : keys) names += (names.empty() ? "`" : ", `") + key + "`";
  out.push_back({.kind = DiagKind::LabelMultiplies,
                 .where = facts.cluster().endpoints[*first].where,
                 .message = "no selector asks for " + names + ": there are " + std::to_string(all) + " identities with these labels, and " + std::to_string(rest.size()) + " would be without",
                 .label = "`labels` of cilium-config can leave labels out of identities",
                 .severity = all - rest.size() >= kManyIdentities ? Severity::Warning : Severity::Note});
}

// A Job for each run.
std::string runs(std::size_t count) {
  std::string out = "apiVersion: v1\nkind: List\nitems:\n";
  for (std::size_t i = 1; i <= count; ++i)
    out += "- {apiVersion: batch/v1, kind: Job, metadata: {name: report-" + std::to_string(i) + ", namespace: shop}, spec: {template: {metadata: {labels: {app: report}}, spec: {containers: []}}}}\n";
  return out;
}

constexpr std::string_view kPolicyOfReports = R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: report, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: report}}
  ingress: [{}]
---
)";

}  // namespace

std::vector<Rule> cost_rules() {
  static const std::string many = std::string(kPolicyOfReports) + runs(kManyValues), few = std::string(kPolicyOfReports) + runs(2);
  return {
          {DiagKind::PolicyMapFull, Severity::Warning, Needs::Workloads, find_full_maps,
           "An endpoint's policy map has an entry for every identity that a rule lets in, times its ports, and a range of ports is "
           "up to 30 of them. It holds `bpf-policy-map-max` entries, 16384 unless cilium-config says otherwise; what does not fit is "
           "missing, and which entries these are is chance. Name fewer ports or peers, or raise the limit. The entries that cost most are "
           "named.",
           R"(apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {bpf-policy-map-max: "256"}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toCIDR: [192.0.2.1/32, 192.0.2.2/32, 192.0.2.3/32, 192.0.2.4/32, 192.0.2.5/32]
    toPorts:
    - ports: [{port: "1", endPort: 65534}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)",
           R"(apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {bpf-policy-map-max: "256"}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cart, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toCIDR: [192.0.2.1/32, 192.0.2.2/32, 192.0.2.3/32, 192.0.2.4/32, 192.0.2.5/32]
    toPorts:
    - ports: [{port: "1024", endPort: 65535}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)"},
          {DiagKind::LabelMultiplies, Severity::Warning, Needs::Workloads, find_multiplying,
           "Pods with other labels have another identity, and there are 65,000 of these at most; each new one is work for all nodes. "
           "Labels that differ from pod to pod or from run to run (`job-name`) and that no selector asks for cost identities and are "
           "good for nothing. Leave them out: `labels` of cilium-config. Said where half of the identities would be enough; a "
           "warning from 256 superfluous ones on, else a note.",
           many, few}};
}

LargestMap largest_map(const Facts& facts) {
  const Maps maps(facts);
  const std::vector<std::size_t> most = at_most(maps, facts);
  std::vector<std::size_t> positions;
  for (std::size_t position = 0; position < most.size(); ++position)
    if (most[position] != 0 && !facts.endpoints_at(position).empty()) positions.push_back(position);
  std::stable_sort(positions.begin(), positions.end(), [&](std::size_t a, std::size_t b) { return most[a] > most[b]; });
  LargestMap out;
  std::uint32_t first = 0;
  for (const std::size_t position : positions) {
    if (most[position] < out.entries) break;
    std::vector<std::pair<std::size_t, ir::RuleRef>> added;
    const std::size_t entries = maps.entries(position, added);
    const std::uint32_t endpoint = facts.endpoints_at(position).front();
    if (entries == 0 || entries < out.entries || (entries == out.entries && endpoint > first)) continue;
    first = endpoint;
    out = {entries, facts.endpoint_name(endpoint)};
  }
  return out;
}

}  // namespace netpolc::lint
