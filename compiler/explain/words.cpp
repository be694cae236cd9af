#include "compiler/explain/words.h"

#include <algorithm>

#include "ir/eval/match.h"
#include "ir/text/names.h"

namespace netpolc::explain {
namespace {

constexpr std::string_view kNamespaceLabels = "io.cilium.k8s.namespace.labels.";

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : between) + part;
  return out;
}

std::string values(const ir::Requirement& one) { return joined(one.values, ", "); }

// "in namespace shop", " in namespaces that …".
std::string namespace_words(const ir::Requirement& one) {
  switch (one.op) {
    case ir::Operator::In: return (one.values.size() == 1 ? "in namespace " : "in namespaces ") + values(one);
    case ir::Operator::NotIn: return "in any namespace but " + values(one);
    case ir::Operator::Exists: return "in any namespace";
    case ir::Operator::DoesNotExist: return "in no namespace";
  }
  return "";
}

std::string label_words(const ir::Requirement& one) {
  if (one.source == "reserved" && one.op == ir::Operator::In && one.values == std::vector<std::string>{""}) return "reserved:" + one.key;
  const std::string key = one.source == "any" || one.source == "k8s" ? one.key : one.source + ":" + one.key;
  switch (one.op) {
    case ir::Operator::In: return one.values.size() == 1 ? key + (one.values.front().empty() ? " (empty)" : "=" + one.values.front()) : key + " in (" + values(one) + ")";
    case ir::Operator::NotIn: return one.values.size() == 1 ? key + "!=" + one.values.front() : key + " not in (" + values(one) + ")";
    case ir::Operator::Exists: return "a label " + key;
    case ir::Operator::DoesNotExist: return "no label " + key;
  }
  return "";
}

std::string prefixes(const std::vector<IpPrefix>& all) {
  std::string out;
  for (const IpPrefix& one : all) out += (out.empty() ? "" : ", ") + one.to_string();
  return out;
}

std::string without(const std::vector<IpPrefix>& except) { return except.empty() ? "" : ", but not in " + prefixes(except); }

std::string entity_words(ir::Entity entity) {
  switch (entity) {
    case ir::Entity::All: return "everyone: pods, nodes and the world";
    case ir::Entity::World: return "every address outside the cluster";
    case ir::Entity::Cluster: return "the cluster: pods of every namespace, nodes, health checks, ingress";
    case ir::Entity::Host: return "the node itself, with its host-network pods";
    case ir::Entity::Init: return "endpoints that have no labels yet";
    case ir::Entity::Ingress: return "Cilium's ingress proxy";
    case ir::Entity::Unmanaged: return "endpoints that Cilium does not manage";
    case ir::Entity::RemoteNode: return "the other nodes";
    case ir::Entity::Health: return "Cilium's health checks";
    case ir::Entity::None: return "nobody";
    case ir::Entity::KubeApiserver: return "the Kubernetes API server";
  }
  return "";
}

struct PeerWords {
  const ir::Rule& rule;
  std::string operator()(const ir::LabelPeer& peer) const { return peer.endpoints ? selector_words(peer.selector) : "nodes with " + ir::to_string(peer.selector); }
  std::string operator()(const ir::EntityPeer& peer) const { return entity_words(peer.entity) + " (entity " + std::string(ir::text::name_of(peer.entity)) + ")"; }
  std::string operator()(const ir::CidrPeer& peer) const { return "addresses outside the cluster in " + peer.prefix.to_string() + without(peer.except); }
  std::string operator()(const ir::CidrGroupPeer& peer) const {
    return (peer.selector ? "addresses in CIDR groups with " + ir::to_string(*peer.selector) : "addresses in CIDR group " + peer.name) + without(peer.except);
  }
  std::string operator()(const ir::FqdnPeer& peer) const {
    return peer.match_name.empty() ? "addresses of names like `" + peer.match_pattern + "`" : "addresses of the name `" + peer.match_name + "`";
  }
  std::string operator()(const ir::ServicePeer& peer) const {
    const std::string where = peer.ns.empty() ? " of any namespace" : " of namespace " + peer.ns;
    if (rule.action == ir::Action::Deny) return "nobody: services in deny rules are never looked up";
    return peer.selector ? "what is behind services with " + ir::to_string(*peer.selector) + where : "what is behind service " + peer.name + where;
  }
};

std::string numbers(const ir::PortMatch& match) {
  if (match.first == 0 && match.last == 0) return "every port";
  return std::to_string(match.first) + (match.last > match.first ? "-" + std::to_string(match.last) : "");
}

std::string port_words(const ir::PortMatch& match, const NumberOf& number_of) {
  using ir::Protocol;
  std::string protocol = match.protocol == Protocol::Any ? "TCP, UDP and SCTP" : ir::to_string(match.protocol);
  if (!match.name.empty()) {
    const std::string number = number_of ? number_of(match) : "";
    return protocol + " `" + match.name + "`" + (number.empty() ? "" : " (" + number + ")");
  }
  if (match.protocol == Protocol::Icmp || match.protocol == Protocol::Icmpv6)
    return protocol + (match.first == 0 && match.last == 0 ? " of every type" : " type " + numbers(match));
  if (match.protocol > Protocol::Icmpv6) return protocol;
  return protocol + " " + numbers(match);
}

std::string http_words(const ir::HttpRule& rule) {
  std::vector<std::string> parts;
  if (!rule.method.empty()) parts.push_back("method " + rule.method);
  if (!rule.path.empty()) parts.push_back("path " + rule.path);
  if (!rule.host.empty()) parts.push_back("host " + rule.host);
  for (const std::string& header : rule.headers) parts.push_back("header " + header);
  for (const ir::HeaderMatch& header : rule.header_matches)
    parts.push_back("header " + header.name + (header.value.empty() ? "" : ": " + header.value) + (header.secret_name.empty() ? "" : " (value in a secret)"));
  return parts.empty() ? "HTTP: every request" : "HTTP: " + joined(parts, ", ");
}

std::string kafka_words(const ir::KafkaRule& rule) {
  std::vector<std::string> parts;
  if (!rule.role.empty()) parts.push_back("role " + rule.role);
  if (!rule.api_key.empty()) parts.push_back("API " + rule.api_key);
  if (!rule.topic.empty()) parts.push_back("topic " + rule.topic);
  if (!rule.client_id.empty()) parts.push_back("client " + rule.client_id);
  return parts.empty() ? "Kafka: every request" : "Kafka: " + joined(parts, ", ");
}

}  // namespace

std::string who(const ir::PeerFacts& peer) {
  const auto reserved = [&](std::string_view key) { return ir::eval::has_label(peer.labels, "reserved", key); };
  if (ir::eval::is_external(peer)) return peer.address ? "an address outside the cluster" : "the world as a whole";
  if (reserved("host")) return "the node of the pod";
  if (reserved("remote-node")) return "another node";
  if (ir::eval::has_key(peer.labels, kNamespaceKey)) return "a pod";
  for (const ir::Label& label : peer.labels)
    if (label.source == "reserved") return "entity " + label.key;
  return "an endpoint without labels";
}

std::string labels_words(const ir::LabelSet& labels) {
  std::string out, where;
  for (const ir::Label& label : labels) {
    if (label.key == kNamespaceKey) where = " in namespace " + label.value;
    else if (!label.key.starts_with("io.cilium.k8s.")) out += (out.empty() ? "" : ", ") + (label.source == "k8s" ? label.key + "=" + label.value : label.to_string());
  }
  if (out.empty()) return where.empty() ? "somebody without labels" : "a pod without labels" + where;
  return out + where;
}

std::string selector_words(const ir::Selector& selector) {
  std::vector<std::string> labels, where, of_namespace;
  bool reserved = false;
  for (const ir::Requirement& one : selector.requirements) {
    if (one.key == kNamespaceKey) where.push_back(namespace_words(one));
    else if (one.key.starts_with(kNamespaceLabels)) of_namespace.push_back(label_words({"any", one.key.substr(kNamespaceLabels.size()), one.op, one.values}));
    else if (one.key == kClusterKey && one.op == ir::Operator::In) where.push_back("of cluster " + values(one));
    else labels.push_back(label_words(one));
    reserved |= one.source == "reserved";
  }
  if (selector.requirements.empty()) return "everyone: pods, nodes and the world";
  if (!of_namespace.empty()) where.push_back("in namespaces with " + joined(of_namespace, ", "));
  std::string out = where.empty() || reserved ? "whoever has" : labels.empty() ? "every pod" : "pods with";
  if (!labels.empty()) out += " " + joined(labels, ", ");
  for (const std::string& one : where) out += " " + one;
  return out;
}

std::string peer_words(const ir::Peer& peer, const ir::Rule& rule) { return std::visit(PeerWords{rule}, peer); }

std::string ports_words(const std::vector<ir::PortMatch>& ports, const NumberOf& number_of) {
  std::vector<std::string> all;
  for (const ir::PortMatch& match : ports) all.push_back(port_words(match, number_of));
  return all.empty() ? "no port at all" : joined(all, ", ");
}

std::string peers_words(const ir::Rule& rule) {
  if (rule.peer_kind == ir::PeerKind::Nobody || (rule.peer_kind == ir::PeerKind::Unspecified && rule.any_l4)) return "nobody";
  std::string out;
  for (const ir::Peer& peer : rule.peers) out += (out.empty() ? "" : "; ") + peer_words(peer, rule);
  return out.empty() ? "everyone" : out;
}

std::string ports_words(const ir::Rule& rule, const NumberOf& number_of) {
  if (rule.any_l4) return "every protocol and port";
  std::vector<ir::PortMatch> all;
  for (const ir::PortRule& item : rule.ports) all.insert(all.end(), item.ports.begin(), item.ports.end());
  return ports_words(all, number_of);
}

std::vector<std::string> l7_words(const ir::L7& l7) {
  std::vector<std::string> out;
  for (const ir::HttpRule& rule : l7.http) out.push_back(http_words(rule));
  for (const ir::DnsRule& rule : l7.dns) out.push_back(rule.match_name.empty() ? "DNS: names like `" + rule.match_pattern + "`" : "DNS: the name `" + rule.match_name + "`");
  for (const ir::KafkaRule& rule : l7.kafka) out.push_back(kafka_words(rule));
  if (l7.parser == ir::L7Parser::Generic) out.push_back("protocol " + l7.generic_name + ": " + std::to_string(l7.generic.size()) + " rules");
  if (!l7.server_names.empty()) out.push_back("TLS: server names " + joined(l7.server_names, ", "));
  if (l7.terminating_tls) out.push_back("TLS is terminated by the proxy");
  if (l7.originating_tls) out.push_back("TLS is originated by the proxy");
  if (l7.listener) out.push_back("listener " + l7.listener->name + " of " + l7.listener->kind + " " + l7.listener->config_name);
  return out;
}

std::string auth_words(ir::AuthMode mode) {
  switch (mode) {
    case ir::AuthMode::Unset: return "";
    case ir::AuthMode::Disabled: return "no mutual authentication, though other rules may ask for it";
    case ir::AuthMode::Required: return "mutual authentication is required";
    case ir::AuthMode::AlwaysFail: return "authentication always fails (test-always-fail)";
  }
  return "";
}

std::string listed(const std::vector<std::string>& names, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (most != 0 && i == most) return out + " … " + std::to_string(names.size() - most) + " more";
    out += (i == 0 ? "" : ", ") + names[i];
  }
  return out;
}

}  // namespace netpolc::explain
