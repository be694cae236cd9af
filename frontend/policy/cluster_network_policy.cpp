#include <algorithm>

#include "frontend/policy/cluster_network_policy_peers.h"
#include "frontend/policy/parts.h"

// policy.networking.k8s.io/v1alpha2 ClusterNetworkPolicy: what its schema refuses, then what
// Cilium's agent makes of it (section 6.6).
namespace netpolc::frontend {
namespace policy {
namespace {

using ir::Action;
using ir::Direction;

constexpr std::size_t kMostItems = 25;  // of any list
constexpr std::size_t kLongestName = 100;
constexpr long long kLowestPrecedence = 1000;

// ---- protocols and ports -----------------------------------------------------------------------
std::optional<std::uint16_t> port_number(Judge& judge, const Value& at, std::string_view key) {
  const auto number = judge.integer_field(at, key);
  if (!number) return std::nullopt;
  if (*number >= 1 && *number <= 65535) return static_cast<std::uint16_t>(*number);
  judge.error(DiagKind::PortOutOfRange, *judge.field(at, key), "`" + std::string(key) + "` " + std::to_string(*number) + " is out of range",
              "ports are 1 to 65535");
  return std::nullopt;
}

std::optional<ir::PortMatch> read_range(Judge& judge, const Value& range) {
  judge.known_fields(range, {"start", "end"});
  judge.required(range, "start");
  judge.required(range, "end");
  const auto start = port_number(judge, range, "start"), end = port_number(judge, range, "end");
  if (!start || !end) return std::nullopt;
  if (*start < *end) return ir::PortMatch{ir::Protocol::Any, *start, *end, ""};
  judge.error(DiagKind::ClusterPolicyPort, range, "`start` " + std::to_string(*start) + " is not below `end` " + std::to_string(*end),
              "write `number` for a single port");
  return std::nullopt;
}

std::optional<ir::PortMatch> read_port(Judge& judge, const Value& at) {
  if (!judge.mapping(at)) return std::nullopt;
  const auto kind = only_field(judge, at, {"number", "range"});
  if (!kind) return std::nullopt;
  if (*kind == "range") {
    const auto range = judge.field(at, "range");
    return judge.mapping(*range) ? read_range(judge, *range) : std::nullopt;
  }
  const auto number = port_number(judge, at, "number");
  return number ? std::optional(ir::PortMatch{ir::Protocol::Any, *number, *number, ""}) : std::nullopt;
}

std::optional<ir::PortMatch> read_protocol(Judge& judge, const Value& item) {
  static constexpr std::pair<std::string_view, ir::Protocol> kProtocols[] = {
      {"tcp", ir::Protocol::Tcp}, {"udp", ir::Protocol::Udp}, {"sctp", ir::Protocol::Sctp}};
  const auto kind = only_field(judge, item, {"tcp", "udp", "sctp", "destinationNamedPort"});
  if (!kind) return std::nullopt;
  const auto at = judge.field(item, *kind);
  if (*kind == "destinationNamedPort") {
    const auto* name = judge.string(*at);
    if (!name) return std::nullopt;
    auto match = parse_port(judge, *at, *name);  // digits are a number all the same
    if (match) match->protocol = ir::Protocol::Any;
    return match;
  }
  if (!judge.mapping(*at)) return std::nullopt;
  judge.known_fields(*at, {"destinationPort"});
  const auto port = judge.required(*at, "destinationPort");
  auto match = port ? read_port(judge, *port) : std::nullopt;
  for (const auto& [name, protocol] : kProtocols)
    if (match && name == *kind) match->protocol = protocol;
  return match;
}

// ---- rules -----------------------------------------------------------------------------------
std::optional<Action> read_action(Judge& judge, const Value& rule) {
  const auto at = judge.required(rule, "action");
  const auto* text = at ? judge.string(*at) : nullptr;
  if (!text || !judge.one_of(*at, *text, {"Accept", "Deny", "Pass"}, DiagKind::ClusterPolicyValue)) return std::nullopt;
  return *text == "Accept" ? Action::Allow : *text == "Deny" ? Action::Deny : Action::Pass;
}

// Networks, nodes and names have no containers whose ports could have names.
void check_named_ports(Judge& judge, const Value& rule) {
  bool named = false;
  judge.each_mapping(rule, "protocols", [&](const Value& item) { named |= judge.has(item, "destinationNamedPort"); });
  if (!named) return;
  judge.each_mapping(rule, "to", [&](const Value& peer) {
    for (const char* kind : {"networks", "nodes", "domainNames"})
      if (const auto at = judge.field(peer, kind))
        judge.error(DiagKind::ClusterPolicyPeer, *at, "`" + std::string(kind) + "` cannot be combined with `destinationNamedPort`",
                    "only pods have named ports");
  });
}

// One rule becomes one element per peer: peers of different kinds add up.
void read_rule(Judge& judge, const Value& item, Direction direction, std::uint16_t order, ir::Policy& policy) {
  const bool ingress = direction == Direction::Ingress;
  const char* peers = ingress ? "from" : "to";
  judge.known_fields(item, {"name", "action", peers, "protocols"});
  if (const auto name = judge.string_field(item, "name")) judge.limit_length(*judge.field(item, "name"), *name, kLongestName);
  const auto action = read_action(judge, item);
  ir::Rule base;
  base.direction = direction;
  base.action = action.value_or(Action::Deny);
  base.order = order;
  base.path = (ingress ? "ingress[" : "egress[") + std::to_string(order) + "]";
  base.where = item.span();
  check_list(judge, item, "protocols", kMostItems);
  judge.each_mapping(item, "protocols", [&](const Value& protocol) {
    base.any_l4 = false;
    if (auto match = read_protocol(judge, protocol)) base.ports.push_back({{std::move(*match)}, {}, protocol.span()});
  });
  if (!ingress) check_named_ports(judge, item);
  if (!judge.required(item, peers)) return;
  check_list(judge, item, peers, kMostItems);
  judge.each_mapping(item, peers, [&](const Value& peer) {
    for (ir::Rule& rule : read_cluster_peer(judge, peer, base)) policy.rules.push_back(std::move(rule));
  });
}

void read_rules(Judge& judge, const Value& spec, Direction direction, ir::Policy& policy) {
  const char* key = direction == Direction::Ingress ? "ingress" : "egress";
  judge.limit_items(spec, key, kMostItems, DiagKind::ClusterPolicyList, false);
  std::uint16_t order = 0;
  judge.each_mapping(spec, key, [&](const Value& item) { read_rule(judge, item, direction, order++, policy); });
}

// ---- the object ------------------------------------------------------------------------------
void read_precedence(Judge& judge, const Value& spec, ir::Policy& policy) {
  policy.tier = ir::Tier::Admin;
  if (const auto at = judge.required(spec, "tier")) {
    const auto* text = judge.string(*at);
    if (text && judge.one_of(*at, *text, {"Admin", "Baseline"}, DiagKind::ClusterPolicyValue) && *text == "Baseline")
      policy.tier = ir::Tier::Baseline;
  }
  if (!judge.required(spec, "priority")) return;
  const auto priority = judge.integer_field(spec, "priority");
  if (!priority) return;
  if (*priority >= 0 && *priority <= kLowestPrecedence) policy.priority = static_cast<std::uint16_t>(*priority);
  else
    judge.error(DiagKind::ClusterPolicyValue, *judge.field(spec, "priority"), "`priority` " + std::to_string(*priority) + " is out of range",
                "priorities are 0, asked first, to 1000");
}

void read_spec(Judge& judge, const Value& spec, ir::Policy& policy) {
  judge.known_fields(spec, {"tier", "priority", "subject", "ingress", "egress"});
  read_precedence(judge, spec, policy);
  if (const auto subject = judge.required(spec, "subject"); subject && judge.mapping(*subject)) {
    const auto kind = only_field(judge, *subject, {"namespaces", "pods"});
    if (kind) policy.subject = read_pods(judge, *subject, *kind);
  }
  read_rules(judge, spec, Direction::Ingress, policy);
  read_rules(judge, spec, Direction::Egress, policy);
}

}  // namespace
}  // namespace policy

Checked<std::vector<ir::Policy>> lower_cluster_network_policy(const Node& object, const LowerContext& context) {
  using namespace policy;
  Judge judge(context);
  const Value root(object);
  judge.known_fields(root, {"apiVersion", "kind", "metadata", "spec", "status"});
  read_metadata(judge, root, true, "ClusterNetworkPolicy");
  ir::Policy policy;
  policy.kind = ir::PolicyKind::ClusterNetworkPolicy;
  policy.name = judge.name;
  policy.where = root.span();
  if (const auto spec = judge.required(root, "spec"); spec && judge.mapping(*spec)) {
    policy.where = spec->span();
    read_spec(judge, *spec, policy);
  }
  if (judge.failed()) return tl::unexpected(judge.proof());
  return std::vector<ir::Policy>{std::move(policy)};
}

}  // namespace netpolc::frontend
