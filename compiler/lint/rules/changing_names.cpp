// Rules about names whose addresses are others at every look-up, or everybody's (semantics reference, section 7.4).
#include <algorithm>
#include <array>

#include "compiler/lint/rule.h"

namespace netpolc::lint {
namespace {

struct Service {
  std::string name;     // "S3 of AWS"
  bool shared = false;  // its addresses are those of other people's names, too
};

// Services of AWS that were reported to Cilium's project, again and again, for connections that are dropped now and then: each answer
// has a few of thousands of addresses, good for some seconds.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kOfAws{{{"s3", "S3"}, {"sns", "SNS"}, {"sqs", "SQS"}, {"sts", "STS"}, {"iam", "IAM"}}};

// Domains as a whole. Google publishes ranges for its interfaces, and changes them all the time (goog.json); so does AWS for
// CloudFront (ip-ranges.json). The others are content networks of the same kind.
struct Domain {
  std::string_view domain, owner;
  bool shared = false;
};
constexpr std::array<Domain, 6> kDomains{{{"googleapis.com", "the interfaces of Google", false},
                                          {"cloudfront.net", "CloudFront of AWS", true},
                                          {"akamaized.net", "Akamai", true},
                                          {"akamaihd.net", "Akamai", true},
                                          {"azureedge.net", "the CDN of Azure", true},
                                          {"fastly.net", "Fastly", true}}};

bool is_stars(std::string_view label) { return !label.empty() && label.find_first_not_of('*') == std::string_view::npos; }

// "eu-west-1"
bool is_region(std::string_view label) { return std::count(label.begin(), label.end(), '-') >= 2 && label.back() >= '0' && label.back() <= '9'; }

std::vector<std::string_view> labels_of(std::string_view name) {
  std::vector<std::string_view> out;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out.push_back(label);
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return out;
}

// What stands before a domain, without the dot; none for names of others.
std::optional<std::string_view> before(std::string_view name, std::string_view domain) {
  if (name.size() <= domain.size() + 1 || name.substr(name.size() - domain.size()) != domain || name[name.size() - domain.size() - 1] != '.') return std::nullopt;
  return name.substr(0, name.size() - domain.size() - 1);
}

// `bucket.s3.eu-west-1.amazonaws.com`, `s3-eu-west-1.amazonaws.com`, `*.amazonaws.com`. An endpoint in a network of one's own (`vpce`)
// has addresses that stay, and so have databases and load balancers.
std::optional<Service> of_aws(std::string_view name) {
  auto rest = before(name, "amazonaws.com");
  if (!rest) rest = before(name, "amazonaws.com.cn");
  if (!rest) return std::nullopt;
  const auto labels = labels_of(*rest);
  const auto has = [&](std::string_view label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); };
  if (has("vpce")) return std::nullopt;
  for (const auto& [label, service] : kOfAws)
    if (has(label)) return Service{std::string(service) + " of AWS", false};
  if (std::any_of(labels.begin(), labels.end(), [](std::string_view label) { return label.rfind("s3-", 0) == 0; })) return Service{"S3 of AWS", false};
  const bool every_service = is_stars(labels.front()) && (labels.size() == 1 || (labels.size() == 2 && (is_stars(labels[1]) || is_region(labels[1]))));
  return every_service ? std::optional(Service{"every service of AWS, such as S3 and STS", false}) : std::nullopt;
}

std::string lower(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

std::optional<Service> changing(const ir::FqdnPeer& peer) {
  const std::string name = lower(peer.match_name + peer.match_pattern);
  for (const Domain& one : kDomains)
    if (before(name, one.domain)) return Service{std::string(one.owner), one.shared};
  return of_aws(name);
}

// One finding for an entry: what there is to do is the same for all its names.
void check(const Facts& facts, const ir::Rule& rule, Findings& out) {
  std::optional<Diagnostic> first;
  std::size_t more = 0;
  for (const ir::Peer& peer : rule.peers) {
    const auto* names = std::get_if<ir::FqdnPeer>(&peer);
    const auto service = names != nullptr ? changing(*names) : std::nullopt;
    if (!service) continue;
    if (first && ++more != 0) continue;
    const std::string text = names->match_name + names->match_pattern;
    first = Diagnostic{.kind = DiagKind::ChangingAddresses,
                       .where = facts.places().value_of(rule.where, names->match_name.empty() ? "matchPattern" : "matchName", text),
                       .message = "`" + text + "` is " + service->name + (service->shared ? ", whose addresses change, and are those of other sites as well" : ", with other addresses at every look-up"),
                       .label = service->shared ? "whoever has one of these addresses is let through: `serverNames` holds TLS to the name" : "what connects later than it asked may be dropped: see `tofqdns-min-ttl`",
                       .notes = {{std::nullopt, "an endpoint keeps `tofqdns-endpoint-max-ip-per-hostname` addresses of a name, 1000 by default, and drops the oldest"}},
                       .severity = Severity::Note};
  }
  if (!first) return;
  if (more != 0) first->notes.push_back({std::nullopt, std::to_string(more) + (more == 1 ? " more name" : " more names") + " of this entry are of this kind"});
  out.push_back(std::move(*first));
}

void find_changing(const Facts& facts, Findings& out) {
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules) check(facts, rule, out);
}

}  // namespace

std::vector<Rule> changing_name_rules() {
  return {{DiagKind::ChangingAddresses, Severity::Note, Needs::Policies, find_changing,
           "`toFQDNs` allows addresses, those of the answers that the DNS proxy has seen, for as long as these are good. S3, SNS, SQS, STS "
           "and IAM of AWS and the interfaces of Google have thousands of addresses and answer with a few of them, for seconds: a client that "
           "keeps an address for longer than that, or asks around the proxy, is dropped now and then. Let answers live longer with the "
           "agent's option `tofqdns-min-ttl` (seconds, default 0), watch that a name has no more than "
           "`tofqdns-endpoint-max-ip-per-hostname` addresses (default 1000, in old agents 50), or go through an endpoint of your own "
           "network, whose addresses stay. The addresses of a CDN are those of very many sites, and all of these are allowed: "
           "`serverNames` beside `toFQDNs` holds TLS to the name. A note, since it works most of the time.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backup, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: backup}}
  egress:
  - toFQDNs: [{matchName: shop-backups.s3.eu-west-1.amazonaws.com}]
    toPorts:
    - ports: [{port: "443", protocol: TCP}]
  - toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}]
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules:
        dns: [{matchPattern: "*"}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: backup, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: backup}}
  egress:
  - toFQDNs: [{matchName: bucket.vpce-0a1b2c3d.s3.eu-west-1.vpce.amazonaws.com}]
    toPorts:
    - ports: [{port: "443", protocol: TCP}]
  - toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: kube-system, k8s-app: kube-dns}}]
    toPorts:
    - ports: [{port: "53", protocol: ANY}]
      rules:
        dns: [{matchPattern: "*"}]
)"}};
}

}  // namespace netpolc::lint
