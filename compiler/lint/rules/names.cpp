// Rules about toFQDNs: names have addresses only once the DNS proxy has seen them looked up (semantics reference, section 7.3).
#include <algorithm>
#include <map>

#include "compiler/lint/edits.h"
#include "compiler/lint/rule.h"
#include "ir/eval/fqdn.h"

namespace netpolc::lint {
namespace {

bool has_dns(const ir::Rule& rule) {
  return rule.direction == ir::Direction::Egress && rule.action == ir::Action::Allow &&
         std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) { return !item.l7.dns.empty(); });
}
bool has_dns(const ir::Policy& policy) {
  return std::any_of(policy.rules.begin(), policy.rules.end(), [](const ir::Rule& rule) { return has_dns(rule); });
}
bool has_names(const ir::Rule& rule) {
  return std::any_of(rule.peers.begin(), rule.peers.end(), [](const ir::Peer& peer) { return std::holds_alternative<ir::FqdnPeer>(peer); });
}

// Without workloads: some policy that may select the same endpoints.
bool may_meet(const ir::Policy& a, const ir::Policy& b) { return a.subject_is_node == b.subject_is_node && (a.ns.empty() || b.ns.empty() || a.ns == b.ns); }

void report_without_dns(const Facts& facts, const ir::Rule& rule, std::string label, const std::optional<FixIt>& fix, Severity severity, Findings& out) {
  Diagnostic found{.kind = DiagKind::NamesWithoutDns,
                   .where = facts.places().key(rule.where, "toFQDNs"),
                   .message = "`toFQDNs` has no effect without a DNS rule",
                   .label = std::move(label),
                   .fix = fix,
                   .severity = severity};
  if (fix) found.notes.push_back({std::nullopt, "the fix adds the rule for kube-dns, for every name: see `netpolc explain NP040`"});
  out.push_back(std::move(found));
}

// As the documentation of Cilium writes it.
constexpr const char* kDnsRule = R"(toEndpoints:
- matchLabels:
    k8s:io.kubernetes.pod.namespace: kube-system
    k8s-app: kube-dns
toPorts:
- ports:
  - port: "53"
    protocol: ANY
  rules:
    dns:
    - matchPattern: "*"
)";

// Not where the workloads of its namespace are known and it is not among them: this cluster has another.
bool may_have_kube_dns(const Facts& facts) {
  if (!facts.namespace_has_workloads("kube-system")) return true;
  ir::Selector server{{{"k8s", std::string(namespace_key), ir::Operator::In, {"kube-system"}}, {"k8s", "k8s-app", ir::Operator::In, {"kube-dns"}}}};
  ir::normalise(server);
  return any(both(facts.select(server), facts.managed()));
}

// For all entries of a policy the same.
std::optional<FixIt> with_dns_rule(const Facts& facts, const ir::Policy& policy) {
  const frontend::Node* spec = facts.places().node_at(policy.where);
  if (policy.subject_is_node || spec == nullptr || !spec->is_mapping() || !may_have_kube_dns(facts)) return std::nullopt;
  return item_at_end(facts, *spec, "egress", kDnsRule);
}

void find_without_dns(const Facts& facts, Findings& out) {
  const auto& policies = facts.policies();
  Bits covered = facts.nobody();
  std::vector<const ir::Policy*> with_dns;
  for (std::size_t p = 0; p < policies.size(); ++p) {
    if (!has_dns(policies[p])) continue;
    covered |= facts.subjects(p);
    with_dns.push_back(&policies[p]);
  }
  for (std::size_t p = 0; p < policies.size(); ++p) {
    if (std::none_of(policies[p].rules.begin(), policies[p].rules.end(), has_names)) continue;
    const bool anywhere = std::any_of(with_dns.begin(), with_dns.end(), [&](const ir::Policy* other) { return may_meet(policies[p], *other); });
    const Bits uncovered = without(facts.subjects(p), covered);
    if (anywhere && !any(uncovered)) continue;
    const bool certain = any(uncovered);
    const std::string label = certain ? "no policy sends DNS of `" + facts.example(uncovered) + "` through the proxy"
                                      : "no policy that could select the same endpoints has `rules.dns`";
    const auto fix = with_dns_rule(facts, policies[p]);
    for (const ir::Rule& rule : policies[p].rules)
      if (has_names(rule)) report_without_dns(facts, rule, label, fix, certain ? Severity::Error : Severity::Warning, out);
  }
}

// What each entry of a DNS list lets be looked up, by whom; and who is held to such lists at all.
struct LookUps {
  std::map<std::pair<std::string, std::string>, Bits> lists;  // by matchName and matchPattern
  Bits held;
};

LookUps look_ups(const Facts& facts) {
  LookUps out{{}, facts.nobody()};
  for (std::size_t p = 0; p < facts.policies().size(); ++p)
    for (const ir::Rule& rule : facts.policies()[p].rules) {
      if (!has_dns(rule)) continue;
      out.held |= facts.subjects(p);
      for (const ir::PortRule& item : rule.ports)
        for (const ir::DnsRule& dns : item.l7.dns) out.lists.try_emplace({dns.match_name, dns.match_pattern}, facts.nobody()).first->second |= facts.subjects(p);
    }
  return out;
}

// Those of `endpoints` that no list lets look up the name.
Bits refused(const LookUps& dns, Bits endpoints, const std::string& name, ir::CiliumVersion version) {
  for (const auto& [list, others] : dns.lists)
    if (any(both(endpoints, others)) && ir::eval::name_matches({list.first, list.second}, name, version)) endpoints = without(endpoints, others);
  return endpoints;
}

// Plain rules for the DNS port let nothing be looked up that the lists leave out: the proxy goes by its lists.
void find_not_looked_up(const Facts& facts, Findings& out) {
  const LookUps dns = look_ups(facts);
  for (std::size_t p = 0; p < facts.policies().size(); ++p) {
    const Bits held = both(facts.subjects(p), dns.held);
    if (!any(held)) continue;
    for (const ir::Rule& rule : facts.policies()[p].rules)
      for (const ir::Peer& peer : rule.peers) {
        const auto* names = std::get_if<ir::FqdnPeer>(&peer);
        if (names == nullptr || names->match_name.empty()) continue;
        const Bits concerned = refused(dns, held, names->match_name, facts.cluster().config.version);
        if (!any(concerned)) continue;
        out.push_back({.kind = DiagKind::NameNotLookedUp,
                       .where = facts.places().value_of(rule.where, "matchName", names->match_name),
                       .message = "`" + names->match_name + "` is allowed, but no DNS rule lets it be looked up",
                       .label = "the DNS proxy refuses it for `" + facts.example(concerned) + "`",
                       .severity = Severity::Warning});
      }
  }
}

struct Reading {
  std::string message, label;
};

std::optional<Reading> misread(const std::string& pattern, ir::CiliumVersion version) {
  const std::size_t stars = std::min(pattern.find_first_not_of('*'), pattern.size());
  if (stars == 0 || stars == pattern.size()) return std::nullopt;
  const std::string rest = pattern.substr(stars);
  if (stars > 1 && rest[0] == '.' && version < 20)
    return Reading{"`" + pattern + "` means one label before `" + rest + "` in this version, as `*" + rest + "` does", "any number of labels only from Cilium 1.20 on"};
  if (rest[0] != '.' && rest[0] != '-' && rest.find('.') != std::string::npos && rest.find('*') == std::string::npos)
    return Reading{"`" + pattern + "` takes in `not" + rest + "`, and no `www." + rest + "`", "write `" + rest + "` and `*." + rest + "`"};
  return std::nullopt;
}

void find_depth(const Facts& facts, Findings& out) {
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Peer& peer : rule.peers) {
        const auto* names = std::get_if<ir::FqdnPeer>(&peer);
        const auto reading = names != nullptr ? misread(names->match_pattern, facts.cluster().config.version) : std::nullopt;
        if (reading)
          out.push_back({.kind = DiagKind::PatternDepth,
                         .where = facts.places().value_of(rule.where, "matchPattern", names->match_pattern),
                         .message = reading->message,
                         .label = reading->label,
                         .severity = Severity::Warning});
      }
}

// ---- names of the cluster -----------------------------------------------------------------------
// A service is `name.namespace.svc.cluster.local`, a pod of a headless one has a label more; with search domains the end may be
// missing. Fewer labels are nobody's name.
std::string deeper(const std::string& pattern) {
  for (const char* domain : {"svc.cluster.local", "cluster.local"}) {
    std::string written = pattern;
    if (!written.empty() && written.back() == '.') written.pop_back();
    if (written == std::string("*.") + domain || written == std::string("**.") + domain) return "*.*.svc.cluster.local" + pattern.substr(written.size());
  }
  return "";
}

void find_cluster_depth(const Facts& facts, Findings& out) {
  const ir::CiliumVersion version = facts.cluster().config.version;
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::PortRule& item : rule.ports)
        for (const ir::DnsRule& dns : item.l7.dns) {
          const std::string better = deeper(dns.match_pattern);
          if (better.empty() || ir::eval::name_matches({"", dns.match_pattern}, "name.namespace.svc.cluster.local", version)) continue;
          Diagnostic found{.kind = DiagKind::ClusterNameDepth,
                           .where = facts.places().value_of(item.where, "matchPattern", dns.match_pattern),
                           .message = "`" + dns.match_pattern + "` is no name of a service: these are `NAME.NAMESPACE.svc.cluster.local`",
                           .label = "a star stands for one label: write `" + better + "`",
                           .severity = Severity::Warning};
          if (const auto text = written_as(facts, *found.where, dns.match_pattern, better)) found.fix = FixIt{*found.where, *text};
          out.push_back(std::move(found));
        }
}

// ---- a cache on every node ---------------------------------------------------------------------
// Whether a DNS rule can be for the pods of the cache: by their labels, or because it names no peers by labels.
bool reaches(const Facts& facts, const ir::Rule& rule, const Bits& cache) {
  if (rule.peer_kind != ir::PeerKind::Listed) return true;
  return std::any_of(rule.peers.begin(), rule.peers.end(), [&](const ir::Peer& peer) {
    const auto* labels = std::get_if<ir::LabelPeer>(&peer);
    return labels == nullptr || any(both(facts.select(labels->selector), cache));
  });
}

// Who answers on every node. Pods that are not of the host network get queries through a local redirect policy; those that are, at an
// address of the node, from pods that ask there.
struct Cache {
  Bits pods;
  std::string name;
  bool is_node = false;
  std::string advice = {};
};

// Pods to which queries for the cluster's DNS are redirected on every node.
std::optional<Cache> redirected(const Facts& facts) {
  for (const ir::LocalRedirect& one : facts.cluster().redirects) {
    const bool of_dns = one.service == "kube-dns" || std::any_of(one.ports.begin(), one.ports.end(), [](const ir::Service::Port& port) { return port.port == 53; });
    const Bits pods = of_dns ? both(facts.select(one.pods), facts.managed()) : facts.nobody();
    if (any(pods)) return Cache{pods, facts.example(pods), false, "CiliumLocalRedirectPolicy `" + one.ns + "/" + one.name + "` sends them there: select its pods, too"};
  }
  return std::nullopt;
}

std::optional<Cache> node_local(const Facts& facts) {
  if (auto cache = redirected(facts)) return cache;
  const ir::Selector server{{{"k8s", "k8s-app", ir::Operator::In, {"node-local-dns"}}}};
  const Bits pods = both(facts.select(server), facts.managed());
  if (any(pods)) return Cache{pods, facts.example(pods), false, "select `k8s-app: node-local-dns`, too"};
  const auto of_nodes = facts.host_network_pods(server);
  if (of_nodes.empty()) return std::nullopt;
  return Cache{facts.nobody(), facts.endpoint_name(of_nodes.front()), true, ""};
}

Diagnostic not_for(const Cache& cache, const std::string& whose, Span where) {
  return {.kind = DiagKind::NodeLocalDns,
          .where = where,
          .message = "queries of `" + whose + "` " + (cache.is_node ? "may go to the cache of its node, `" : "go to the cache `") + cache.name + "`, which no DNS rule is for",
          .label = cache.is_node ? "where they do, the peer is the entity `host`" : cache.advice,
          .severity = cache.is_node ? Severity::Note : Severity::Warning};
}

void find_node_local(const Facts& facts, Findings& out) {
  const auto cache = node_local(facts);
  if (!cache) return;
  Bits reached = facts.nobody();
  for (std::size_t p = 0; p < facts.policies().size(); ++p)
    for (const ir::Rule& rule : facts.policies()[p].rules)
      if (has_dns(rule) && reaches(facts, rule, cache->pods)) reached |= facts.subjects(p);
  for (std::size_t p = 0; p < facts.policies().size(); ++p) {
    const Bits concerned = without(without(facts.subjects(p), reached), cache->pods);
    if (!any(concerned)) continue;
    for (const ir::Rule& rule : facts.policies()[p].rules)
      if (has_dns(rule)) out.push_back(not_for(*cache, facts.example(concerned), facts.places().key(rule.where, "toEndpoints")));
  }
}

}  // namespace

std::vector<Rule> name_rules() {
  return {
          {DiagKind::NamesWithoutDns, Severity::Error, Needs::Policies, find_without_dns,
           "`toFQDNs` allows the addresses that Cilium's DNS proxy has seen in answers to the endpoint's own queries. Without a "
           "rule that sends its DNS through the proxy (`toPorts` with `rules.dns`, towards the DNS server), no address is ever "
           "learnt and the rule allows nothing. Add such a rule to a policy of the same endpoints. An error where the workloads "
           "are known, a warning where no policy that could select the same endpoints has one. The fix adds the rule for kube-dns "
           "and every name; as it lets them ask for all names where they may ask for none, it waits for `--unsafe-fixes`. List the names "
           "instead of `*` to keep DNS from carrying anything else.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api-client
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toFQDNs: [{matchName: api.example.com}]
    toPorts:
    - ports: [{port: "443"}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api-client
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toFQDNs: [{matchName: api.example.com}]
    toPorts:
    - ports: [{port: "443"}]
  - toEndpoints:
    - matchLabels:
        k8s:io.kubernetes.pod.namespace: kube-system
        k8s-app: kube-dns
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules:
        dns: [{matchPattern: "*"}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {containers: []}
)"},
          {DiagKind::ClusterNameDepth, Severity::Warning, Needs::Policies, find_cluster_depth,
           "A `*` never stands for a dot: `*.cluster.local` and `*.svc.cluster.local` have too few labels to be the name of a "
           "service, and the DNS proxy refuses every query for one. Write `*.*.svc.cluster.local`, or `*` for all names.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: dns
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}]
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules:
        dns: [{matchPattern: "*.svc.cluster.local"}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: dns
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}]
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules:
        dns: [{matchPattern: "*.*.svc.cluster.local"}]
)"},
          {DiagKind::PatternDepth, Severity::Warning, Needs::Policies, find_depth,
           "A `*` in `matchPattern` stands for characters of one label and never for a dot. `*example.com` so takes in "
           "notexample.com, and not www.example.com; `**.example.com` means more than one label only from Cilium 1.20 on. To mean "
           "a domain and what is directly below it, write both: `matchName: example.com` and `matchPattern: \"*.example.com\"`.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api-client
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toFQDNs: [{matchPattern: "*example.com"}]
    toPorts:
    - ports: [{port: "443"}]
  - toEndpoints:
    - matchLabels:
        k8s:io.kubernetes.pod.namespace: kube-system
        k8s-app: kube-dns
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules:
        dns: [{matchPattern: "*"}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api-client
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toFQDNs: [{matchPattern: "*.example.com"}]
    toPorts:
    - ports: [{port: "443"}]
  - toEndpoints:
    - matchLabels:
        k8s:io.kubernetes.pod.namespace: kube-system
        k8s-app: kube-dns
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules:
        dns: [{matchPattern: "*"}]
)"},
          {DiagKind::NameNotLookedUp, Severity::Warning, Needs::Workloads, find_not_looked_up,
           "The DNS proxy answers queries that some DNS rule of the endpoint lists, and refuses all others. A name in `toFQDNs` "
           "that no list has can't be looked up, so that its addresses are never learnt. Add it to `rules.dns`, or let `*` be "
           "looked up.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api-client
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toFQDNs: [{matchName: api.example.com}]
    toPorts:
    - ports: [{port: "443"}]
  - toEndpoints:
    - matchLabels:
        k8s:io.kubernetes.pod.namespace: kube-system
        k8s-app: kube-dns
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules:
        dns: [{matchPattern: "*.example.org"}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {containers: []}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api-client
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toFQDNs: [{matchName: api.example.com}]
    toPorts:
    - ports: [{port: "443"}]
  - toEndpoints:
    - matchLabels:
        k8s:io.kubernetes.pod.namespace: kube-system
        k8s-app: kube-dns
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules:
        dns: [{matchPattern: "*.example.com"}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {containers: []}
)"},
          {DiagKind::NodeLocalDns, Severity::Warning, Needs::Workloads, find_node_local,
           "With NodeLocal DNSCache pods ask a cache on their node, and only that asks the DNS servers. A DNS rule that names the "
           "servers sees no query: names are refused or never learnt. Have the rule select `k8s-app: node-local-dns`, too. A cache on "
           "the host network is the entity `host`, and a note: pods may ask it, or the servers as before.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: dns
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toEndpoints:
    - matchExpressions:
      - {key: k8s:io.kubernetes.pod.namespace, operator: In, values: [kube-system]}
      - {key: k8s-app, operator: In, values: [kube-dns]}
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules:
        dns: [{matchPattern: "*"}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {containers: []}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: node-local-dns, namespace: kube-system}
spec: {template: {metadata: {labels: {k8s-app: node-local-dns}}, spec: {containers: []}}}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: dns
  namespace: shop
spec:
  endpointSelector:
    matchLabels:
      app: cart
  egress:
  - toEndpoints:
    - matchExpressions:
      - {key: k8s:io.kubernetes.pod.namespace, operator: In, values: [kube-system]}
      - {key: k8s-app, operator: In, values: [kube-dns, node-local-dns]}
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules:
        dns: [{matchPattern: "*"}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {containers: []}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: node-local-dns, namespace: kube-system}
spec: {template: {metadata: {labels: {k8s-app: node-local-dns}}, spec: {containers: []}}}
)"}};
}

}  // namespace netpolc::lint
