#include "tools/agreement/cover.h"

#include <algorithm>
#include <array>

namespace netpolc::agreement {
namespace {

// Names by the alternatives of the IR's types: a new one has no name here, and does not compile.
const char* name(ir::Action action) {
  switch (action) {
    case ir::Action::Allow: return "allow";
    case ir::Action::Deny: return "deny";
    case ir::Action::Pass: return "pass";
  }
  return "";
}
const char* name(ir::Tier tier) {
  switch (tier) {
    case ir::Tier::Admin: return "tier admin";
    case ir::Tier::Normal: return "tier normal";
    case ir::Tier::Baseline: return "tier baseline";
    case ir::Tier::Default: return "";  // no policy is in it
  }
  return "";
}
const char* name(ir::Entity entity) {
  switch (entity) {
    case ir::Entity::All: return "entity all";
    case ir::Entity::World: return "entity world";
    case ir::Entity::Cluster: return "entity cluster";
    case ir::Entity::Host: return "entity host";
    case ir::Entity::Init: return "entity init";
    case ir::Entity::Ingress: return "entity ingress";
    case ir::Entity::Unmanaged: return "entity unmanaged";
    case ir::Entity::RemoteNode: return "entity remote-node";
    case ir::Entity::Health: return "entity health";
    case ir::Entity::None: return "entity none";
    case ir::Entity::KubeApiserver: return "entity kube-apiserver";
  }
  return "";
}
const char* name(ir::Operator op) {
  switch (op) {
    case ir::Operator::In: return "operator In";
    case ir::Operator::NotIn: return "operator NotIn";
    case ir::Operator::Exists: return "operator Exists";
    case ir::Operator::DoesNotExist: return "operator DoesNotExist";
  }
  return "";
}
const char* name(ir::PeerKind kind) {
  switch (kind) {
    case ir::PeerKind::Unspecified: return "peers unspecified";
    case ir::PeerKind::Nobody: return "peers nobody";
    case ir::PeerKind::Listed: return "peers listed";
  }
  return "";
}
const char* name(ir::AuthMode mode) {
  switch (mode) {
    case ir::AuthMode::Unset: return "authentication unset";
    case ir::AuthMode::Disabled: return "authentication disabled";
    case ir::AuthMode::Required: return "authentication required";
    case ir::AuthMode::AlwaysFail: return "authentication test-always-fail";
  }
  return "";
}
const char* name(ir::PolicyMode mode) {
  switch (mode) {
    case ir::PolicyMode::Default: return "mode default";
    case ir::PolicyMode::Always: return "mode always";
    case ir::PolicyMode::Never: return "mode never";
  }
  return "";
}
const char* name(ir::L7Parser parser) {
  switch (parser) {
    case ir::L7Parser::None: return "";  // what redirects then is counted by its own name
    case ir::L7Parser::Http: return "http";
    case ir::L7Parser::Dns: return "dns";
    case ir::L7Parser::Kafka: return "kafka";
    case ir::L7Parser::Generic: return "l7proto";
    case ir::L7Parser::Tls:
    case ir::L7Parser::Crd: return "";  // by serverNames and by listener
  }
  return "";
}

template <class T>
void add_all(std::vector<std::string>& out, T last) {
  for (int i = 0; i <= static_cast<int>(last); ++i)
    if (const std::string one = name(static_cast<T>(i)); !one.empty()) out.push_back(one);
}

class Counter {
 public:
  explicit Counter(Coverage& out) : out_(out) {}

  void policy(const ir::Policy& policy) {
    say(ir::to_string(policy.kind));
    say(name(policy.tier));
    say(policy.subject_is_node ? "subject: nodes" : "subject: pods");
    selector(policy.subject);
    const auto has = [&](ir::Direction direction) { return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& r) { return r.direction == direction; }); };
    if (policy.tier == ir::Tier::Normal && has(ir::Direction::Ingress)) say(policy.default_deny_ingress ? "default deny of ingress" : "no default deny of ingress");
    if (policy.tier == ir::Tier::Normal && has(ir::Direction::Egress)) say(policy.default_deny_egress ? "default deny of egress" : "no default deny of egress");
    if (policy.priority != 0) say("priority");
    for (const ir::Rule& one : policy.rules) rule(one);
  }

  void rule(const ir::Rule& rule) {
    say(rule.direction == ir::Direction::Ingress ? std::string("ingress ") + name(rule.action) : std::string("egress ") + name(rule.action));
    say(name(rule.peer_kind));
    say(name(rule.auth));
    if (!rule.requires_all.empty()) say("requires");
    if (rule.order != 0) say("order of rules");
    for (const ir::Peer& one : rule.peers) std::visit([&](const auto& peer) { this->peer(peer); }, one);
    if (rule.any_l4) return say("every port");
    for (const ir::PortRule& item : rule.ports) ports(item);
  }

  void ports(const ir::PortRule& item) {
    if (item.ports.empty()) say("ports: none");
    for (const ir::PortMatch& match : item.ports) {
      say(std::string("protocol ") + ir::to_string(match.protocol));
      if (!match.name.empty()) say(match.last != 0 ? "named port with endPort" : "named port");
      else if (match.first != match.last) say("port range");
      else say(match.first == 0 ? "port 0" : "single port");
    }
    if (!item.l7.redirects()) return;
    if (const std::string parser = name(item.l7.parser); !parser.empty()) say("redirect: " + parser);
    if (!item.l7.server_names.empty()) say("redirect: serverNames");
    if (item.l7.listener) say("redirect: listener");
    if (item.l7.terminating_tls) say("redirect: TLS");
  }

  void peer(const ir::LabelPeer& peer) {
    say(peer.endpoints ? "peer: endpoints" : "peer: nodes");
    selector(peer.selector);
    for (const ir::Requirement& r : peer.selector.requirements) {
      if (r.key == "io.cilium.k8s.policy.cluster") say("peer: of a cluster");
      if (r.key == "io.cilium.k8s.policy.serviceaccount") say("peer: by service account");
      if (r.key.starts_with("io.cilium.k8s.namespace.labels.")) say("peer: by label of a namespace");
      if (r.source == "reserved") say("peer: by reserved label");
    }
  }
  void peer(const ir::EntityPeer& peer) { say(name(peer.entity)); }
  void peer(const ir::CidrPeer& peer) {
    say(peer.prefix.address.v6 ? "peer: IPv6 prefix" : "peer: IPv4 prefix");
    if (peer.prefix.length == 0) say("peer: prefix of everything");
    if (!peer.except.empty()) say("peer: prefix with exceptions");
  }
  void peer(const ir::CidrGroupPeer& peer) {
    say(peer.selector ? "peer: CIDR groups by label" : "peer: CIDR group by name");
    if (!peer.except.empty()) say("peer: CIDR group with exceptions");
  }
  void peer(const ir::FqdnPeer& peer) { say(peer.match_name.empty() ? "peer: DNS pattern" : "peer: DNS name"); }
  void peer(const ir::ServicePeer& peer) { say(peer.selector ? "peer: services by label" : "peer: service by name"); }
  void selector(const ir::Selector& selector) {
    if (selector.requirements.empty()) say("selector of everybody");
    for (const ir::Requirement& requirement : selector.requirements) {
      say(name(requirement.op));
      if (requirement.values.size() > 1) say("several values");
    }
  }

  void cluster(const ir::Cluster& cluster) {
    const ir::Config& config = cluster.config;
    say("Cilium 1." + std::to_string(config.version));
    say(config.ipv4 && config.ipv6 ? "dual stack" : config.ipv4 ? "IPv4 only" : "IPv6 only");
    say(name(config.mode));
    const std::pair<bool, const char*> options[] = {
        {config.host_firewall, "host firewall"},          {config.cidr_matches_nodes, "prefixes match nodes"}, {!config.allow_localhost, "allow-localhost: policy"},
        {config.default_local_cluster, "own cluster only"}, {!config.non_default_deny_policies, "enableDefaultDeny ignored"}, {config.tunnel_port == 0, "no overlay"},
        {config.tunnel_port == 53, "overlay on port 53"}, {config.labels.has_value(), "label filter"}};
    for (const auto& [on, what] : options)
      if (on) say(what);
    for (const ir::Endpoint& endpoint : cluster.endpoints) {
      if (endpoint.remote) say("pod of another cluster");
      if (!endpoint.named_ports.empty()) say("pod with named ports");
    }
    for (const ir::Service& service : cluster.services) say(service.selector.empty() ? "service with addresses" : "service with a selector");
    if (!cluster.kube_apiservers.empty()) say("API server by address");
  }

 private:
  void say(const std::string& what) { ++out_[what]; }
  Coverage& out_;
};

}  // namespace

void count(const judges::World& world, Coverage& coverage) {
  Counter counter(coverage);
  for (const ir::Policy& policy : world.policies().policies) counter.policy(policy);
  counter.cluster(world.cluster());
  for (const auto& [name, addresses] : world.content().resolutions)
    if (!addresses.empty()) ++coverage["resolved name"];
}

std::vector<std::string> missing(const Coverage& coverage) {
  std::vector<std::string> wanted{
      "subject: nodes", "subject: pods", "selector of everybody", "several values", "default deny of ingress", "no default deny of ingress", "default deny of egress",
      "no default deny of egress", "priority", "requires", "order of rules", "every port", "ports: none", "named port", "named port with endPort", "port range", "port 0", "single port",
      "redirect: http", "redirect: dns", "redirect: kafka", "redirect: l7proto", "redirect: serverNames", "redirect: listener", "redirect: TLS", "peer: endpoints", "peer: nodes",
      "peer: of a cluster", "peer: by service account", "peer: by label of a namespace", "peer: by reserved label", "peer: IPv4 prefix", "peer: IPv6 prefix",
      "peer: prefix of everything", "peer: prefix with exceptions", "peer: CIDR groups by label", "peer: CIDR group by name", "peer: CIDR group with exceptions", "peer: DNS pattern",
      "peer: DNS name", "peer: services by label", "peer: service by name", "dual stack", "IPv4 only", "IPv6 only", "host firewall", "prefixes match nodes", "allow-localhost: policy",
      "own cluster only", "enableDefaultDeny ignored", "no overlay", "overlay on port 53", "label filter", "pod of another cluster", "pod with named ports", "service with addresses",
      "service with a selector", "API server by address", "resolved name"};
  for (const char* direction : {"ingress ", "egress "})
    for (const auto action : {ir::Action::Allow, ir::Action::Deny, ir::Action::Pass}) wanted.push_back(std::string(direction) + name(action));
  add_all(wanted, ir::Tier::Default);
  add_all(wanted, ir::Entity::KubeApiserver);
  add_all(wanted, ir::Operator::DoesNotExist);
  add_all(wanted, ir::PeerKind::Listed);
  add_all(wanted, ir::AuthMode::AlwaysFail);
  add_all(wanted, ir::PolicyMode::Never);
  for (int p = 0; p <= static_cast<int>(ir::Protocol::Ah); ++p) wanted.push_back(std::string("protocol ") + ir::to_string(static_cast<ir::Protocol>(p)));
  for (int k = 0; k <= static_cast<int>(ir::PolicyKind::ClusterNetworkPolicy); ++k) wanted.emplace_back(ir::to_string(static_cast<ir::PolicyKind>(k)));
  for (int version = 16; version <= 20; ++version) wanted.push_back("Cilium 1." + std::to_string(version));
  std::vector<std::string> out;
  for (const std::string& what : wanted)
    if (!coverage.contains(what)) out.push_back(what);
  return out;
}

}  // namespace netpolc::agreement
