#include "ir/eval/resolve.h"

#include <algorithm>

#include "ir/eval/fqdn.h"

namespace netpolc::ir::eval {
namespace {

constexpr const char* kNamespaceKey = "io.kubernetes.pod.namespace";
constexpr const char* kClusterKey = "io.cilium.k8s.policy.cluster";

// ---- keys ------------------------------------------------------------------------------------
std::string key_of(const Selector& selector) {
  std::string out = "labels";
  for (const Requirement& r : selector.requirements) {
    out += "|" + r.source + ":" + r.key + "#" + std::to_string(static_cast<int>(r.op));
    for (const std::string& value : r.values) out += "," + value;
  }
  return out;
}

std::string key_of(const std::vector<IpPrefix>& except) {
  std::string out;
  for (const IpPrefix& prefix : except) out += " -" + prefix.to_string();
  return out;
}

ResolvedPeer everyone() { return {Everyone{}, "*", false}; }

ResolvedPeer by_selector(Selector selector) {
  normalise(selector);
  if (selector.requirements.empty()) return everyone();
  std::string key = key_of(selector);
  return {std::move(selector), std::move(key), false};
}

Selector one_label(const char* source, const char* key, std::string value) {
  return {{Requirement{source, key, Operator::In, {std::move(value)}}}};
}

// ---- services --------------------------------------------------------------------------------
bool selector_ignoring_sources(Selector selector, const std::map<std::string, std::string>& labels) {
  LabelSet as_labels;
  for (const auto& [key, value] : labels) as_labels.push_back({"k8s", key, value});
  for (Requirement& r : selector.requirements) r.source = "any";
  return matches(selector, as_labels);
}

// QUIRK before 1.20: a key with a dot is split there, as if the part before it were a label source.
Requirement service_requirement(const std::string& key, const std::string& value, CiliumVersion version) {
  const auto dot = key.find('.');
  if (dot == std::string::npos || version >= 20) return {"k8s", key, Operator::In, {value}};
  return {key.substr(0, dot), key.substr(dot + 1), Operator::In, {value}};
}

LabelPeer pods_of(const Service& service, const Config& config) {
  LabelPeer peer;
  for (const auto& [key, value] : service.selector) peer.selector.requirements.push_back(service_requirement(key, value, config.version));
  peer.selector.requirements.push_back({"k8s", kNamespaceKey, Operator::In, {service.ns}});
  if (config.default_local_cluster) peer.selector.requirements.push_back({"k8s", kClusterKey, Operator::In, {config.cluster_name}});
  return peer;
}

void expand_service(const ServicePeer& peer, const Cluster& cluster, std::vector<Peer>& out) {
  for (const Service& service : cluster.services) {
    if (!service_matches(peer, service)) continue;
    if (service.selector.empty()) {
      for (const IpAddress& address : service.endpoints) out.push_back(CidrPeer{IpPrefix::host(address), {}});
    } else if (cluster.config.version >= 17) {
      out.push_back(pods_of(service, cluster.config));
    }
  }
}

// ---- entities --------------------------------------------------------------------------------
std::vector<const char*> reserved_names(Entity entity) {
  switch (entity) {
    case Entity::World: return {"world", "world-ipv4", "world-ipv6"};
    case Entity::Cluster:
      return {"host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver"};
    case Entity::Host: return {"host"};
    case Entity::Init: return {"init"};
    case Entity::Ingress: return {"ingress"};
    case Entity::Unmanaged: return {"unmanaged"};
    case Entity::RemoteNode: return {"remote-node"};
    case Entity::Health: return {"health"};
    case Entity::KubeApiserver: return {"kube-apiserver"};
    case Entity::All:
    case Entity::None: return {};
  }
  return {};
}

void resolve_entity(Entity entity, const Config& config, std::vector<ResolvedPeer>& out) {
  if (entity == Entity::All) out.push_back(everyone());
  for (const char* name : reserved_names(entity)) out.push_back(by_selector(one_label("reserved", name, "")));
  if (entity == Entity::Cluster) out.push_back(by_selector(one_label("k8s", kClusterKey, config.cluster_name)));
}

// ---- one peer --------------------------------------------------------------------------------
struct PeerVisitor {
  const RuleContext& context;
  std::vector<ResolvedPeer>& out;
  const Config& config() const { return context.world.cluster.config; }

  void operator()(const LabelPeer& peer) const {
    Selector selector = peer.selector;
    if (peer.endpoints) {
      selector.requirements.insert(selector.requirements.end(), context.requirements.begin(), context.requirements.end());
    }
    out.push_back(by_selector(std::move(selector)));
    out.back().endpoints = peer.endpoints;
  }
  void operator()(const EntityPeer& peer) const { resolve_entity(peer.entity, config(), out); }
  void operator()(const CidrPeer& peer) const { out.push_back({peer, key(peer), false}); }
  void operator()(const CidrGroupPeer& peer) const {
    if (peer.selector) {
      Selector selector = *peer.selector;
      for (Requirement& r : selector.requirements) r.source = "cidrgroup";
      out.push_back({GroupBySelector{selector, peer.except}, "group " + key_of(selector) + key_of(peer.except), false});
      return;
    }
    GroupByName group{{}, peer.except};
    for (const CidrGroup& g : context.world.cluster.cidr_groups) {
      if (g.name == peer.name) group.prefixes.insert(group.prefixes.end(), g.cidrs.begin(), g.cidrs.end());
    }
    out.push_back({std::move(group), "group " + peer.name + key_of(peer.except), false});
  }
  void operator()(const FqdnPeer& peer) const {
    out.push_back({AddressList{resolve(peer, context.world.resolutions, config().version), peer},
                   "fqdn " + peer.match_name + " " + peer.match_pattern, false});
  }
  void operator()(const ServicePeer&) const {}  // expanded before

  // A whole family is its world label, as the entity's (section 3.4).
  std::string key(const CidrPeer& peer) const {
    if (peer.prefix.length != 0 || !peer.except.empty()) return "cidr " + peer.prefix.to_string() + key_of(peer.except);
    const bool dual = config().ipv4 && config().ipv6;
    return key_of(one_label("reserved", !dual ? "world" : peer.prefix.address.v6 ? "world-ipv6" : "world-ipv4", ""));
  }
};

std::vector<Peer> without_services(const Rule& rule, const Cluster& cluster) {
  std::vector<Peer> out;
  for (const Peer& peer : rule.peers) {
    const auto* service = std::get_if<ServicePeer>(&peer);
    if (!service) out.push_back(peer);
    // QUIRK: services in deny rules are never looked up (section 1.9).
    else if (rule.action == Action::Allow) expand_service(*service, cluster, out);
  }
  return out;
}

bool only_services(const Rule& rule) {
  return !rule.peers.empty() && std::all_of(rule.peers.begin(), rule.peers.end(),
                                            [](const Peer& p) { return std::holds_alternative<ServicePeer>(p); });
}

}  // namespace

std::vector<ResolvedPeer> resolve_peers(const Rule& rule, const RuleContext& context) {
  if (rule.peer_kind == PeerKind::Nobody) return {};
  const std::vector<Peer> peers = without_services(rule, context.world.cluster);
  const bool unspecified =
      rule.peer_kind == PeerKind::Unspecified || (peers.empty() && only_services(rule));  // QUIRK, section 1.9
  std::vector<ResolvedPeer> out;
  if (unspecified) {
    if (!rule.any_l4) out.push_back(everyone());
    return out;
  }
  for (const Peer& peer : peers) std::visit(PeerVisitor{context, out}, peer);
  return out;
}

// ---- ports -----------------------------------------------------------------------------------
void NamedPorts::add(const std::vector<NamedPort>& ports) {
  for (const NamedPort& port : ports) {
    for (Protocol protocol : protocols_of(port.protocol)) {
      const auto [at, fresh] = table_.try_emplace({port.name, protocol}, port.port);
      if (!fresh && at->second != port.port) at->second = std::nullopt;
    }
  }
}

std::optional<std::uint16_t> NamedPorts::find(const std::string& name, Protocol protocol) const {
  const auto at = table_.find({name, protocol});
  return at == table_.end() ? std::nullopt : at->second;
}

std::vector<Protocol> protocols_of(Protocol protocol) {
  if (protocol == Protocol::Any) return {Protocol::Tcp, Protocol::Udp, Protocol::Sctp};
  return {protocol};
}

namespace {
// Lower numbers win in Cilium; explicit ones are 1 to 100, these are the defaults (section 5.4).
int default_priority(L7Parser parser) {
  switch (parser) {
    case L7Parser::None: return 127;
    case L7Parser::Http: return 101;
    case L7Parser::Kafka: return 106;
    case L7Parser::Generic: return 111;
    case L7Parser::Tls: return 116;
    case L7Parser::Dns: return 121;
    case L7Parser::Crd: return 126;
  }
  return 127;
}

L7Parser parser_of(const L7& l7) {
  if (l7.listener) return L7Parser::Crd;
  if (!l7.http.empty()) return L7Parser::Http;
  if (!l7.dns.empty()) return L7Parser::Dns;
  if (!l7.kafka.empty()) return L7Parser::Kafka;
  if (!l7.generic.empty() || l7.parser == L7Parser::Generic) return L7Parser::Generic;
  return l7.redirects() ? L7Parser::Tls : L7Parser::None;
}
}  // namespace

Redirect redirect_of(const L7& l7) {
  const L7Parser parser = parser_of(l7);
  const bool explicit_priority = l7.listener && l7.listener->priority != 0;
  const int priority = explicit_priority ? l7.listener->priority : default_priority(parser);
  return {std::max(127 - priority, 0), parser};
}

// Ranges are cut into aligned blocks; the entry is the block around `number` (section 1.6).
int ResolvedPort::key_bits(std::uint16_t number) const {
  if (any_protocol) return 0;
  if (first == 0 && last == 0) return 8;
  int bits = 16;
  for (; bits > 0; --bits) {
    const std::uint32_t size = 1u << (16 - (bits - 1));
    const std::uint32_t begin = number & ~(size - 1);
    if (begin < first || begin + size - 1 > last) break;
  }
  return 8 + bits;
}

namespace {
struct PortResolver {
  const Rule& rule;
  const RuleContext& context;
  std::vector<ResolvedPort>& out;

  void add(const PortMatch& match, Protocol protocol, Redirect redirect, const L7* l7) const {
    ResolvedPort port{false, protocol, match.first, match.last, {}, redirect, l7, &match};
    if (!match.name.empty() && !look_up(match, port)) return;
    out.push_back(std::move(port));
  }
  // Unresolved names make no entry (section 5.3).
  bool look_up(const PortMatch& match, ResolvedPort& port) const {
    const bool modern = context.world.cluster.config.version >= 20;
    if (modern && rule.direction == Direction::Egress) {
      port.peer_name = match.name;
      return true;
    }
    const auto number = context.named_ports.find(match.name, port.protocol);
    if (!number || *number == 0) return false;
    port.first = *number;
    port.last = std::max(*number, match.last);  // QUIRK: endPort beside a name
    return true;
  }
};
}  // namespace

bool service_matches(const ServicePeer& peer, const Service& service) {
  if (!peer.ns.empty() && peer.ns != service.ns) return false;
  if (peer.selector) return selector_ignoring_sources(*peer.selector, service.labels);
  return peer.name == service.name;
}

std::vector<ResolvedPort> resolve_ports(const Rule& rule, const RuleContext& context) {
  if (rule.any_l4) return {ResolvedPort{true, Protocol::Any, 0, 0, {}, {}}};
  std::vector<ResolvedPort> out;
  const PortResolver resolver{rule, context, out};
  for (const PortRule& item : rule.ports) {
    const Redirect redirect = rule.action == Action::Deny ? Redirect{} : redirect_of(item.l7);
    for (const PortMatch& match : item.ports) {
      for (Protocol protocol : protocols_of(match.protocol)) resolver.add(match, protocol, redirect, rule.action == Action::Deny ? nullptr : &item.l7);
    }
  }
  return out;
}

}  // namespace netpolc::ir::eval
