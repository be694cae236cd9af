#include "frontend/policy/parts.h"

// networking.k8s.io/v1 NetworkPolicy as Cilium's agent translates it (section 6).
namespace netpolc::frontend {
namespace policy {
namespace {

using ir::Direction;

constexpr std::string_view kNamespaceKey = "io.kubernetes.pod.namespace";

// The agent is less strict than the API server: what only the latter refuses is no error here.
void warn_refused(Judge& judge, const Value& at, std::string message, std::string label, std::optional<std::string> fix = {}) {
  judge.warning(DiagKind::NetworkPolicyRefused, at, std::move(message), std::move(label) + "; the API server refuses this", std::move(fix));
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
    selector = read_selector(judge, *namespaces, Keys::NamespaceLabels);
    if (selector.requirements.empty()) add_requirement(selector, {"k8s", std::string(kNamespaceKey), ir::Operator::Exists, {}});
  } else {
    add_requirement(selector, {"k8s", std::string(kNamespaceKey), ir::Operator::In, {judge.ns}});
  }
  if (pods)
    for (auto& r : read_selector(judge, *pods, Keys::Kubernetes).requirements) add_requirement(selector, std::move(r));
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
    judge.error(DiagKind::NetworkPolicyPeer, block->named(), "`ipBlock` cannot be combined with selectors", "write two peers: they add up");
    return std::nullopt;
  }
  // With the local-cluster default the agent of up to 1.19 adds a selector to an ingress peer
  // that has none, and then refuses the combination.
  if (block && direction == Direction::Ingress && judge.config.default_local_cluster && judge.config.version < 20) {
    judge.error(DiagKind::NetworkPolicyPeer, block->named(), "Cilium refuses `ipBlock` on ingress while `policy-default-local-cluster` is on");
    return std::nullopt;
  }
  if (block) return ip_block(judge, *block);
  if (!selects) warn_refused(judge, peer, "this peer is empty", "Cilium takes it for the pods of this namespace");
  return ir::LabelPeer{peer_selector(judge, peer), true};
}

std::optional<ir::Protocol> read_protocol(Judge& judge, const Value& port) {
  const auto at = judge.field(port, "protocol");
  if (!at) return ir::Protocol::Tcp;
  const auto* text = judge.string(*at);
  if (!text) return std::nullopt;
  std::string upper;
  for (const char c : *text) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  constexpr std::pair<std::string_view, ir::Protocol> kKnown[] = {
      {"TCP", ir::Protocol::Tcp}, {"UDP", ir::Protocol::Udp}, {"SCTP", ir::Protocol::Sctp}, {"ANY", ir::Protocol::Any}, {"", ir::Protocol::Any}};
  for (const auto& [name, protocol] : kKnown) {
    if (upper != name) continue;
    if (protocol == ir::Protocol::Any) warn_refused(judge, *at, "protocol " + quote(*text) + " is none of Kubernetes'", "Cilium takes it for TCP, UDP and SCTP");
    else if (*text != name) warn_refused(judge, *at, "protocol " + quote(*text) + " is not in upper case", "Cilium takes it for " + upper, upper);
    return protocol;
  }
  judge.one_of(*at, *text, {"TCP", "UDP", "SCTP"}, DiagKind::NetworkPolicyPort);
  return std::nullopt;
}

// A number or a name; in a string, digits are a number for the agent alone.
std::optional<ir::PortMatch> read_port_value(Judge& judge, const Value& at) {
  if (const auto number = at->integer_value()) {
    if (*number == 0) warn_refused(judge, at, "port 0", "Cilium takes it for every port");
    return parse_port(judge, at, std::to_string(*number));
  }
  if (!at->is_string()) {
    judge.error(DiagKind::NetworkPolicyPort, at, "`port` is " + std::string(type_name(at.node())) + ", not a number or a name", "expected a number or a name");
    return std::nullopt;
  }
  auto match = parse_port(judge, at, at->text);
  if (match && match->name.empty()) {
    const auto number = std::to_string(match->first);
    warn_refused(judge, at, "the port name " + quote(at->text) + " has no letter", "Cilium takes it for port " + number, number);
  }
  return match;
}

void read_end(Judge& judge, const Value& port, ir::PortMatch& match) {
  const auto end = read_end_port(judge, port);
  if (!end) return;
  const auto at = *judge.field(port, "endPort");
  if (judge.has(port, "port")) return set_end_port(judge, at, *end, match);
  if (judge.config.version < 20) match.last = *end;
  warn_refused(judge, at, "`endPort` without `port`", judge.config.version < 20 ? "Cilium takes it for 0 to " + std::to_string(*end) : "Cilium ignores it");
}

std::optional<ir::PortMatch> read_port(Judge& judge, const Value& port) {
  judge.known_fields(port, {"port", "endPort", "protocol"});
  const auto protocol = read_protocol(judge, port);
  ir::PortMatch match;
  if (const auto at = judge.field(port, "port")) {
    const auto read = read_port_value(judge, *at);
    if (!read) return std::nullopt;
    match = *read;
  }
  read_end(judge, port, match);
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
  if (const auto list = judge.field(item, ingress ? "from" : "to"); list && (*list)->is_sequence())
    judge.warning(DiagKind::EmptyPeerList, *list, std::string("an empty `") + (ingress ? "from" : "to") + "` means everyone, as no list does", "a rule that nobody may use is one that is not there");
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

void refuse_type(Judge& judge, const Value& at, const std::string& text) {
  std::optional<std::string> fix;
  if (const auto meant = nearest(text, {"Ingress", "Egress"})) fix = std::string(*meant);
  warn_refused(judge, at, "unknown policy type " + quote(text), "Cilium ignores it", std::move(fix));
}

void warn_types(Judge& judge, const Value& spec, std::string_view key, std::string_view type) {
  judge.warning(DiagKind::PolicyTypesIgnored, judge.field(spec, key)->named(),
                "`" + std::string(key) + "` rules without " + quote(type) + " in `policyTypes`",
                "Cilium enforces them, Kubernetes does not");
}

void read_spec(Judge& judge, const Value& spec, ir::Policy& policy) {
  judge.known_fields(spec, {"podSelector", "ingress", "egress", "policyTypes"});
  if (const auto pods = judge.field(spec, "podSelector")) policy.subject = read_selector(judge, *pods, Keys::Kubernetes);
  bool wants_ingress = false, wants_egress = false;
  const bool types = judge.each_string(spec, "policyTypes", [&](const Value& at, const std::string& text) {
    if (text == "Ingress") wants_ingress = true;
    else if (text == "Egress") wants_egress = true;
    else refuse_type(judge, at, text);
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
  if (types && rules[0] != 0 && !wants_ingress) warn_types(judge, spec, "ingress", "Ingress");
  if (types && rules[1] != 0 && !wants_egress) warn_types(judge, spec, "egress", "Egress");
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
  judge.null_is_empty = true;
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
