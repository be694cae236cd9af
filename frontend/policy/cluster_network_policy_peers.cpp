#include "frontend/policy/cluster_network_policy_peers.h"

#include <re2/re2.h>

#include <algorithm>
#include <set>
#include <utility>

#include "frontend/policy/parts.h"

namespace netpolc::frontend::policy {
namespace {

using ir::Action;
using ir::Direction;

constexpr std::size_t kMostEntries = 25;
constexpr std::size_t kLongestCidr = 43;
constexpr std::string_view kNamespaceKey = "io.kubernetes.pod.namespace";
constexpr std::string_view kClusterKey = "io.cilium.k8s.policy.cluster";

// A known operator with no value, or with needless ones, means something else than it seems to.
void check_values(Judge& judge, const Value& selector) {
  judge.each_mapping(selector, "matchExpressions", [&](const Value& term) {
    const auto op = judge.field(term, "operator"), values = judge.field(term, "values");
    if (!op || !(*op)->is_string()) return;
    const bool wants = (*op)->text == "In" || (*op)->text == "NotIn";
    if (!wants && (*op)->text != "Exists" && (*op)->text != "DoesNotExist") return;
    const bool has = values && !(*values)->items.empty();
    if (wants != has)
      judge.error(DiagKind::SelectorValues, has ? *values : *op, "`" + (*op)->text + "` has " + (has ? "" : "no ") + "`values`",
                  wants ? "at least one value is required" : "no values are allowed here");
  });
}

// Nobody checks the keys, neither the schema nor the agent: `reserved:host` is a key that no pod has.
ir::Selector read_kubernetes_selector(Judge& judge, const Value& at, Keys keys) {
  const bool before = std::exchange(judge.schema_only, true);
  auto selector = read_selector(judge, at, keys);
  judge.schema_only = before;
  if (at->is_mapping()) check_values(judge, at);
  return selector;
}

ir::Selector in_namespaces(Judge& judge, const std::optional<Value>& at) {
  ir::Selector selector;
  if (at) selector = read_kubernetes_selector(judge, *at, Keys::NamespaceLabels);
  if (selector.requirements.empty()) add_requirement(selector, {"k8s", std::string(kNamespaceKey), ir::Operator::Exists, {}});
  return selector;
}

// Peers by `pods` are this cluster's; those by `namespaces`, and subjects, are of any. Nodes have
// no label of their cluster: QUIRK, with the local-cluster default no node is selected.
void add_cluster(const Judge& judge, ir::Selector& selector) {
  if (!judge.config.default_local_cluster) return;
  for (const auto& r : selector.requirements)
    if (r.key == kClusterKey) return;
  add_requirement(selector, {"k8s", std::string(kClusterKey), ir::Operator::In, {judge.config.cluster_name}});
}

// A list of different texts.
template <class F>
void each_text(Judge& judge, const Value& peer, std::string_view key, F&& read) {
  check_list(judge, peer, key, kMostEntries);
  std::set<std::string> seen;
  judge.each_string(peer, key, [&](const Value& at, const std::string& text) {
    if (!seen.insert(text).second)
      judge.error(DiagKind::ClusterPolicyList, at, quote(text) + " is in this list already", "remove one of the two");
    else read(at, text);
  });
}

void read_networks(Judge& judge, const Value& peer, ir::Rule& rule) {
  each_text(judge, peer, "networks", [&](const Value& at, const std::string& text) {
    judge.limit_length(at, text, kLongestCidr);
    if (const auto prefix = read_prefix(judge, at)) rule.peers.push_back(ir::CidrPeer{*prefix, {}, false});
  });
}

void read_nodes(Judge& judge, const Value& at, ir::Rule& rule) {
  if (!judge.config.node_selector_labels)
    judge.error(DiagKind::NodeSelectorsOff, at, "`nodes` needs `enable-node-selector-labels`", "set it in `cilium-config`");
  auto selector = read_kubernetes_selector(judge, at, Keys::Kubernetes);
  for (auto& r : selector.requirements) r.source = "node";
  add_cluster(judge, selector);
  add_requirement(selector, {"reserved", "remote-node", ir::Operator::Exists, {}});
  rule.peers.push_back(ir::LabelPeer{std::move(selector), false});
}

// ---- names ---------------------------------------------------------------------------------------
bool valid_domain_name(const std::string& text) {
  static const re2::RE2 pattern(R"((\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?)");
  return re2::RE2::FullMatch(text, pattern);
}

// `*` means one label or more here, which is Cilium's `**`.
ir::FqdnPeer read_domain_name(const std::string& text) {
  if (text.front() == '*') return {"", "*" + text};
  return {text, ""};
}

// Names are only known from answers that the DNS proxy saw, so that asking must be allowed too.
ir::Rule dns_rule(const ir::Rule& named) {
  ir::Rule rule = named;
  rule.peers = {ir::LabelPeer{{{ir::Requirement{"any", "k8s-app", ir::Operator::In, {"kube-dns"}}}}, true}};
  rule.any_l4 = false;
  ir::PortRule port;
  port.ports = {{ir::Protocol::Any, 0, 0, "dns"}, {ir::Protocol::Any, 0, 0, "dns-tcp"}};
  port.where = named.where;
  port.l7.parser = ir::L7Parser::Dns;
  for (const ir::Peer& peer : named.peers) {
    const auto& name = std::get<ir::FqdnPeer>(peer);
    port.l7.dns.push_back({name.match_name, name.match_pattern});
  }
  rule.ports = {std::move(port)};
  return rule;
}

void check_names_allowed(Judge& judge, const Value& at, const ir::Rule& rule) {
  if (rule.action != Action::Allow)
    judge.error(DiagKind::ClusterPolicyPeer, at, "`domainNames` is only possible with `action: Accept`", "deny everything else in a later rule");
  if (!judge.config.l7_proxy) judge.error(DiagKind::ClusterPolicyPeer, at, "`domainNames` needs `enable-l7-proxy`", "set it in `cilium-config`");
}

std::vector<ir::Rule> read_domain_names(Judge& judge, const Value& peer, ir::Rule rule) {
  check_names_allowed(judge, *judge.field(peer, "domainNames"), rule);
  each_text(judge, peer, "domainNames", [&](const Value& at, const std::string& text) {
    if (valid_domain_name(text)) rule.peers.push_back(read_domain_name(text));
    else judge.error(DiagKind::FqdnSyntax, at, quote(text) + " is not a domain name", "expected a name of two labels or more, with `*.` in front at most");
  });
  auto asking = dns_rule(rule);
  return {std::move(asking), std::move(rule)};
}

std::size_t unknown_fields(const Value& at, const std::vector<std::string_view>& known) {
  return static_cast<std::size_t>(std::count_if(at->entries.begin(), at->entries.end(), [&](const auto& entry) {
    return std::find(known.begin(), known.end(), entry.first.text) == known.end();
  }));
}

// Kinds of peers that come after this version of the API, and only those.
bool of_unknown_kind(const Value& peer, const std::vector<std::string_view>& kinds) {
  return !peer->entries.empty() && unknown_fields(peer, kinds) == peer->entries.size();
}

// They fail closed. Reached when unknown fields are no errors.
std::vector<ir::Rule> closed(Judge& judge, const Value& peer, ir::Rule rule) {
  const bool accept = rule.action == Action::Allow;
  judge.warning(DiagKind::ClusterPolicyPeer, peer, "this peer is of no kind that Cilium knows",
                accept ? "nothing is accepted" : "everyone is denied");
  if (accept) return {};
  rule.action = Action::Deny;
  rule.peers = {ir::EntityPeer{ir::Entity::All}};
  return {std::move(rule)};
}

}  // namespace

std::optional<std::string_view> only_field(Judge& judge, const Value& at, const std::vector<std::string_view>& known) {
  judge.known_fields(at, known);
  std::optional<std::string_view> found;
  std::string names;
  bool several = false;
  for (const std::string_view key : known) {
    names += (names.empty() ? "`" : ", `") + std::string(key) + "`";
    if (!judge.has(at, key)) continue;
    several |= found.has_value();
    found = key;
  }
  if (found && !several) return found;
  const bool said = !several && !judge.context.lax && unknown_fields(at, known) != 0;
  if (!said)
    judge.error(DiagKind::ClusterPolicyChoice, at, "`" + at.name() + "` has " + (several ? "several" : "none") + " of " + names,
                "exactly one is required");
  return std::nullopt;
}

void check_list(Judge& judge, const Value& at, std::string_view key, std::size_t limit) {
  const auto list = judge.field(at, key);
  if (list && (*list)->is_sequence() && (*list)->items.empty())
    judge.error(DiagKind::ClusterPolicyList, *list, "`" + std::string(key) + "` is empty", "at least one item is required");
  judge.limit_items(at, key, limit, DiagKind::ClusterPolicyList, false);
}

ir::Selector read_pods(Judge& judge, const Value& at, std::string_view kind) {
  const auto value = judge.field(at, kind);
  if (!judge.mapping(*value)) return {};
  if (kind == "namespaces") return in_namespaces(judge, value);
  judge.known_fields(*value, {"namespaceSelector", "podSelector"});
  auto selector = in_namespaces(judge, judge.field(*value, "namespaceSelector"));
  if (const auto pods = judge.required(*value, "podSelector"))
    for (auto& r : read_kubernetes_selector(judge, *pods, Keys::Kubernetes).requirements) add_requirement(selector, std::move(r));
  return selector;
}

std::vector<ir::Rule> read_cluster_peer(Judge& judge, const Value& peer, const ir::Rule& base) {
  std::vector<std::string_view> kinds = {"namespaces", "pods"};
  if (base.direction == Direction::Egress) kinds.insert(kinds.end(), {"nodes", "networks", "domainNames"});
  ir::Rule rule = base;
  rule.peer_kind = ir::PeerKind::Listed;
  if (of_unknown_kind(peer, kinds)) {
    judge.known_fields(peer, kinds);
    return judge.failed() ? std::vector<ir::Rule>{} : closed(judge, peer, std::move(rule));
  }
  const auto kind = only_field(judge, peer, kinds);
  if (!kind) return {};
  if (*kind == "domainNames") return read_domain_names(judge, peer, std::move(rule));
  if (*kind == "networks") {
    read_networks(judge, peer, rule);
  } else if (*kind == "nodes") {
    read_nodes(judge, *judge.field(peer, "nodes"), rule);
  } else {
    auto selector = read_pods(judge, peer, *kind);
    if (*kind == "pods") add_cluster(judge, selector);
    rule.peers = {ir::LabelPeer{std::move(selector), true}};
  }
  return {std::move(rule)};
}

}  // namespace netpolc::frontend::policy
