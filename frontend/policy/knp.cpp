#include "frontend/policy/parts.h"

// networking.k8s.io/v1 NetworkPolicy as Cilium's agent translates it (section 6).
namespace netpolc::frontend {
namespace policy {
namespace {

using ir::Direction;

constexpr std::string_view kNamespaceKey = "io.kubernetes.pod.namespace";
constexpr std::string_view kNamespaceLabels = "io.cilium.k8s.namespace.labels.";

// Keys of a Kubernetes selector have source k8s, with `prefix` in front for namespaces.
ir::Selector kubernetes_selector(Judge& judge, const Value& at, std::string_view prefix) {
  auto selector = read_selector(judge, at);
  for (auto& r : selector.requirements) {
    if (r.source != "any") r.key = r.source + ":" + r.key;
    r.source = "k8s";
    r.key = std::string(prefix) + r.key;
  }
  ir::normalise(selector);
  return selector;
}

void add_cluster(const Judge& judge, ir::Selector& selector) {
  if (!judge.config.default_local_cluster) return;
  for (const auto& r : selector.requirements)
    if (r.key == "io.cilium.k8s.policy.cluster") return;
  add_requirement(selector, {"k8s", "io.cilium.k8s.policy.cluster", ir::Operator::In, {judge.config.cluster_name}});
}

ir::Selector peer_selector(Judge& judge, const Value& peer) {
  ir::Selector selector;
  const auto pods = judge.field(peer, "podSelector"), namespaces = judge.field(peer, "namespaceSelector");
  if (namespaces) {
    selector = kubernetes_selector(judge, *namespaces, kNamespaceLabels);
    if (selector.requirements.empty()) add_requirement(selector, {"k8s", std::string(kNamespaceKey), ir::Operator::Exists, {}});
  } else {
    add_requirement(selector, {"k8s", std::string(kNamespaceKey), ir::Operator::In, {judge.ns}});
  }
  if (pods)
    for (auto& r : kubernetes_selector(judge, *pods, "").requirements) add_requirement(selector, std::move(r));
  add_cluster(judge, selector);
  return selector;
}

std::optional<ir::Peer> ip_block(Judge& judge, const Value& at) {
  if (!judge.mapping(at)) return std::nullopt;
  judge.known_fields(at, {"cidr", "except"});
  const auto cidr = judge.required(at, "cidr");
  if (!cidr) return std::nullopt;
  const auto prefix = read_prefix(judge, *cidr);
  ir::CidrPeer peer;
  judge.each_string(at, "except", [&](const Value& item, const std::string&) {
    const auto except = read_prefix(judge, item);
    if (!except || !prefix) return;
    if (!prefix->contains(except->address) || (judge.config.version >= 20 && except->length < prefix->length))
      judge.error(DiagKind::ExceptOutside, item, "`except` " + except->to_string() + " is not inside " + prefix->to_string(), "an exception must lie within its `cidr`");
    peer.except.push_back(*except);
  });
  if (!prefix) return std::nullopt;
  peer.prefix = *prefix;
  peer.in_set = true;
  std::sort(peer.except.begin(), peer.except.end());
  peer.except.erase(std::unique(peer.except.begin(), peer.except.end()), peer.except.end());
  return peer;
}

std::optional<ir::Peer> read_peer(Judge& judge, const Value& peer, Direction direction) {
  judge.known_fields(peer, {"podSelector", "namespaceSelector", "ipBlock"});
  const auto block = judge.field(peer, "ipBlock");
  const bool selects = judge.has(peer, "podSelector") || judge.has(peer, "namespaceSelector");
  if (block && selects) {
    judge.error(DiagKind::NetworkPolicyPeer, *block, "`ipBlock` cannot be combined with selectors", "write two peers: they add up");
    return std::nullopt;
  }
  // With the local-cluster default the agent of up to 1.19 adds a selector to an ingress peer
  // that has none, and then refuses the combination.
  if (block && direction == Direction::Ingress && judge.config.default_local_cluster && judge.config.version < 20) {
    judge.error(DiagKind::NetworkPolicyPeer, *block, "Cilium refuses `ipBlock` on ingress while `policy-default-local-cluster` is on");
    return std::nullopt;
  }
  if (block) return ip_block(judge, *block);
  return ir::LabelPeer{peer_selector(judge, peer), true};
}

std::optional<ir::Protocol> read_protocol(Judge& judge, const Value& port) {
  const auto at = judge.field(port, "protocol");
  if (!at) return ir::Protocol::Tcp;
  const auto* text = judge.string(*at);
  if (!text) return std::nullopt;
  std::string upper;
  for (const char c : *text) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (upper.empty() || upper == "TCP") return ir::Protocol::Tcp;
  if (upper == "UDP") return ir::Protocol::Udp;
  if (upper == "SCTP") return ir::Protocol::Sctp;
  if (upper == "ANY") return ir::Protocol::Any;
  judge.one_of(*at, *text, {"TCP", "UDP", "SCTP"}, DiagKind::NetworkPolicyPort);
  return std::nullopt;
}

std::optional<ir::PortMatch> read_port(Judge& judge, const Value& port) {
  judge.known_fields(port, {"port", "endPort", "protocol"});
  const auto protocol = read_protocol(judge, port);
  ir::PortMatch match;
  if (const auto at = judge.field(port, "port")) {
    if ((*at)->is_integer() || (*at)->is_string()) {
      const auto parsed = parse_port(judge, *at, (*at)->text);
      if (!parsed) return std::nullopt;
      match = *parsed;
    } else {
      judge.error(DiagKind::NetworkPolicyPort, *at, "`port` is " + std::string(type_name(at->node())) + ", not a number or a name");
      return std::nullopt;
    }
  }
  const auto end = judge.integer_field(port, "endPort");
  if (end && (*end < 0 || *end > 65535)) {
    judge.error(DiagKind::PortOutOfRange, *judge.field(port, "endPort"), "`endPort` " + std::to_string(*end) + " is out of range", "ports are 0 to 65535");
  } else if (end && match.name.empty() && *end > match.first) {
    if (match.first != 0 || judge.config.version < 20) match.last = static_cast<std::uint16_t>(*end);
  } else if (end && !match.name.empty()) {
    match.last = static_cast<std::uint16_t>(*end);
  }
  if (!protocol) return std::nullopt;
  match.protocol = *protocol;
  return match;
}

// One rule becomes one element per peer: peers of different kinds add up.
void read_rule(Judge& judge, const Value& item, Direction direction, const std::string& path, ir::Policy& policy) {
  const bool ingress = direction == Direction::Ingress;
  judge.known_fields(item, {ingress ? "from" : "to", "ports"});
  ir::Rule base;
  base.direction = direction;
  base.path = path;
  base.where = item.span();
  judge.each_mapping(item, "ports", [&](const Value& port) {
    base.any_l4 = false;
    if (auto match = read_port(judge, port)) base.ports.push_back({{std::move(*match)}, {}, port.span()});
  });
  bool any_peer = false;
  judge.each_mapping(item, ingress ? "from" : "to", [&](const Value& peer) {
    any_peer = true;
    const auto read = read_peer(judge, peer, direction);
    if (!read) return;
    auto rule = base;
    rule.peer_kind = ir::PeerKind::Listed;
    rule.peers = {*read};
    policy.rules.push_back(std::move(rule));
  });
  if (any_peer) return;
  // Everyone, also without ports, unlike in a CiliumNetworkPolicy. An endpoint selector, although
  // it matches more than endpoints: from/toRequires of other policies are ANDed onto it.
  base.peer_kind = ir::PeerKind::Listed;
  base.peers = {ir::LabelPeer{{}, true}};
  policy.rules.push_back(std::move(base));
}

void add_default_deny(Direction direction, Span where, ir::Policy& policy) {
  ir::Rule rule;
  rule.direction = direction;
  rule.path = direction == Direction::Ingress ? "ingress" : "egress";
  rule.where = where;
  policy.rules.push_back(std::move(rule));
}

void read_spec(Judge& judge, const Value& spec, ir::Policy& policy) {
  judge.known_fields(spec, {"podSelector", "ingress", "egress", "policyTypes"});
  if (const auto pods = judge.field(spec, "podSelector")) policy.subject = kubernetes_selector(judge, *pods, "");
  bool wants_ingress = false, wants_egress = false;
  judge.each_string(spec, "policyTypes", [&](const Value& at, const std::string& text) {
    if (!judge.one_of(at, text, {"Ingress", "Egress"}, DiagKind::NetworkPolicyType)) return;
    (text == "Ingress" ? wants_ingress : wants_egress) = true;
  });
  std::size_t rules[2] = {0, 0};
  for (const auto direction : {Direction::Ingress, Direction::Egress}) {
    const std::string key = direction == Direction::Ingress ? "ingress" : "egress";
    auto& count = rules[direction == Direction::Egress];
    judge.each_mapping(spec, key, [&](const Value& item) {
      read_rule(judge, item, direction, key + "[" + std::to_string(count) + "]", policy);
      ++count;
    });
  }
  // Section 6.2: rules enforce their direction whatever policyTypes says.
  if (rules[0] == 0 && (wants_ingress || !wants_egress)) add_default_deny(Direction::Ingress, spec.span(), policy);
  if (rules[1] == 0 && wants_egress) add_default_deny(Direction::Egress, spec.span(), policy);
}

}  // namespace
}  // namespace policy

Checked<std::vector<ir::Policy>> lower_network_policy(const Node& object, const LowerContext& context) {
  using namespace policy;
  Judge judge(context);
  const Value root(object);
  judge.known_fields(root, {"apiVersion", "kind", "metadata", "spec", "status"});
  read_metadata(judge, root, false, "NetworkPolicy");
  ir::Policy policy;
  policy.kind = ir::PolicyKind::NetworkPolicy;
  policy.ns = judge.ns;
  policy.name = judge.name;
  policy.where = root.span();
  policy.default_deny_ingress = policy.default_deny_egress = true;
  if (const auto spec = judge.field(root, "spec"); spec && judge.mapping(*spec)) {
    policy.where = spec->span();
    read_spec(judge, *spec, policy);
  } else if (!spec) {
    add_default_deny(Direction::Ingress, root.span(), policy);
  }
  add_requirement(policy.subject, {"k8s", std::string(kNamespaceKey), ir::Operator::In, {judge.ns}});
  add_cluster(judge, policy.subject);
  if (judge.failed()) return tl::unexpected(judge.proof());
  return std::vector<ir::Policy>{std::move(policy)};
}

}  // namespace netpolc::frontend
