// Rules about what another version of Cilium means by the same words (semantics reference, section 10).
#include <algorithm>

#include "compiler/lint/rule.h"
#include "ir/eval/requests.h"
#include "ir/eval/resolve.h"
#include "ir/eval/server_names.h"

namespace netpolc::lint {
namespace {

using ir::Direction;

std::string called(ir::CiliumVersion version) { return "Cilium 1." + std::to_string(version); }

// ---- services before 1.17 ------------------------------------------------------------------------
void find_services(const Facts& facts, Findings& out) {
  if (facts.cluster().config.version >= 17) return;
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Peer& peer : rule.peers) {
        const auto* meant = std::get_if<ir::ServicePeer>(&peer);
        if (meant == nullptr || rule.action != ir::Action::Allow) continue;
        const auto& services = facts.cluster().services;
        const auto found = std::find_if(services.begin(), services.end(), [&](const ir::Service& one) { return !one.selector.empty() && ir::eval::service_matches(*meant, one); });
        if (found == services.end()) continue;
        out.push_back({.kind = DiagKind::ServicesBefore17,
                       .where = facts.places().key(rule.where, "toServices"),
                       .message = called(facts.cluster().config.version) + " ignores service `" + found->ns + "/" + found->name + "` here, as it has a selector",
                       .label = "select its pods with `toEndpoints`; from 1.17 on these pods are meant",
                       .notes = {{found->where, "the service"}},
                       .severity = Severity::Warning});
      }
}

// ---- lists without default deny ------------------------------------------------------------------
const ir::Request kOddHttp = ir::HttpRequest{"NETPOLC-LINT", "/netpolc/lint/\x7f", "lint.netpolc.invalid", {}};
const ir::Request kOddName = ir::DnsQuery{"netpolc-lint.invalid"};

// Whether the list leaves anything out.
bool leaves_out(const ir::PortRule& item, const ir::Request& odd, ir::L7Parser parser, ir::CiliumVersion version) {
  const bool empty = parser == ir::L7Parser::Dns ? item.l7.dns.empty() : item.l7.http.empty();
  return !empty && ir::eval::in_list(item.l7, odd, parser, version) == ir::eval::InList::No;
}

bool denies_by_default(const ir::Policy& policy, Direction direction) {
  const bool wanted = direction == Direction::Ingress ? policy.default_deny_ingress : policy.default_deny_egress;
  return wanted && std::any_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& rule) { return rule.direction == direction; });
}

Bits denied_by_default(const Facts& facts, Direction direction) {
  Bits out = facts.nobody();
  for (std::size_t p = 0; p < facts.policies().size(); ++p)
    if (denies_by_default(facts.policies()[p], direction)) out |= facts.subjects(p);
  return out;
}

void report_list(const Facts& facts, const ir::PortRule& item, bool dns, const std::string& whose, Findings& out) {
  // Up to 1.16 the DNS proxy goes by its lists nevertheless.
  const bool refuses = dns && facts.cluster().config.version < 17;
  out.push_back({.kind = DiagKind::ListsWithoutDefaultDeny,
                 .where = facts.places().key(item.where, dns ? "dns" : "http"),
                 .message = "default deny is off for `" + whose + "`: " + (refuses ? "in this version the proxy refuses other names nevertheless, from Cilium 1.17 on it does not" : "this list keeps nothing out"),
                 .label = refuses ? "the meaning changes with the version" : "it makes requests visible, and no more",
                 .severity = Severity::Warning});
}

void find_lists(const Facts& facts, Findings& out) {
  if (facts.cluster().config.mode != ir::PolicyMode::Default) return;
  const ir::CiliumVersion version = facts.cluster().config.version;
  for (const Direction direction : {Direction::Ingress, Direction::Egress}) {
    const Bits denied = denied_by_default(facts, direction);
    for (std::size_t p = 0; p < facts.policies().size(); ++p) {
      const ir::Policy& policy = facts.policies()[p];
      if (denies_by_default(policy, direction) || policy.tier != ir::Tier::Normal) continue;
      const Bits open = without(facts.subjects(p), denied);
      if (!any(open)) continue;
      for (const ir::Rule& rule : policy.rules) {
        if (rule.direction != direction || rule.action != ir::Action::Allow) continue;
        for (const ir::PortRule& item : rule.ports) {
          if (leaves_out(item, kOddHttp, ir::L7Parser::Http, version)) report_list(facts, item, false, facts.example(open), out);
          if (leaves_out(item, kOddName, ir::L7Parser::Dns, version)) report_list(facts, item, true, facts.example(open), out);
        }
      }
    }
  }
}

// ---- stars in server names -----------------------------------------------------------------------
// With words for stars: a name that the author hardly means to leave out.
std::string with_words(const std::string& pattern) {
  std::string out;
  for (const char c : pattern)
    if (c != '*') out += c;
    else if (out.empty() || out.back() != 'x') out += 'x';
  return ir::eval::canonical_server_name(out);
}

void find_stars(const Facts& facts, Findings& out) {
  const ir::CiliumVersion version = facts.cluster().config.version;
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::PortRule& item : rule.ports)
        for (const std::string& pattern : item.l7.server_names) {
          if (pattern.find('*') == std::string::npos) continue;
          if (ir::eval::server_name_pattern_is_known(pattern, version) && ir::eval::server_name_matches(pattern, with_words(pattern), version)) continue;
          out.push_back({.kind = DiagKind::ServerNameStar,
                         .where = facts.places().value_of(item.where, "serverNames", pattern),
                         .message = "`" + pattern + "` does not match `" + with_words(pattern) + "` in " + called(version),
                         .label = version < 18 ? "names are compared as they stand before 1.18" : "before 1.20 a star counts as a first label alone: `*.`, `**.`",
                         .severity = Severity::Warning});
        }
}

}  // namespace

std::vector<Rule> version_rules() {
  return {
          {DiagKind::ServicesBefore17, Severity::Warning, Needs::Services, find_services,
           "In Cilium 1.16 `toServices` is for services without a selector alone, whose endpoints somebody writes by hand; others are "
           "ignored. From 1.17 on the pods that a service selects are meant, and the same policy lets more pass.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-checkout
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toServices: [{k8sService: {serviceName: checkout, namespace: shop}}]
---
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec: {selector: {app: checkout}, ports: [{port: 80}]}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: to-checkout
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toServices: [{k8sService: {serviceName: outside, namespace: shop}}]
---
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: outside, namespace: shop}
subsets: [{addresses: [{ip: 192.0.2.10}], ports: [{port: 80}]}]
)",
           {.version = 16}},
          {DiagKind::ListsWithoutDefaultDeny, Severity::Warning, Needs::Workloads, find_lists,
           "Where no policy turns on default deny for an endpoint, lists of HTTP requests and names only make visible what passes: "
           "from 1.17 on Cilium adds a rule that allows everything to each. (In 1.16 it does so for HTTP alone, and the DNS proxy "
           "refuses other names.) Leave `enableDefaultDeny` out, or set it to true.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: prices
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  enableDefaultDeny: {ingress: false}
  ingress:
  - toPorts:
    - ports: [{port: "8080", protocol: TCP}]
      rules: {http: [{method: GET, path: /prices}]}
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: prices
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - toPorts:
    - ports: [{port: "8080", protocol: TCP}]
      rules: {http: [{method: GET, path: /prices}]}
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {containers: []}
)"},
          {DiagKind::ServerNameStar, Severity::Warning, Needs::Policies, find_stars,
           "Up to 1.17 names in `serverNames` are compared as they stand, and one with a star matches nothing. In 1.18 and 1.19 a "
           "star counts as the first label (`*.example.com`), from 1.20 on anywhere.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toEntities: [world]
    toPorts:
    - ports: [{port: "443", protocol: TCP}]
      serverNames: ["*.example.com"]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: api
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  egress:
  - toEntities: [world]
    toPorts:
    - ports: [{port: "443", protocol: TCP}]
      serverNames: [www.example.com]
)",
           {.version = 17}}};
}

}  // namespace netpolc::lint
