#include "tools/agreement/wrongs.h"

#include <algorithm>

#include "ir/text/text.h"

namespace netpolc::agreement {
namespace {

using Change = judges::World::Change;

template <class F>
Change of_policies(F change) {
  return [change](ir::PolicySet& set, ir::Cluster&, ir::Resolutions&) {
    for (ir::Policy& policy : set.policies) change(policy);
  };
}
template <class F>
Change of_rules(F change) {
  return of_policies([change](ir::Policy& policy) {
    for (ir::Rule& rule : policy.rules) change(rule);
  });
}
template <class F>
Change of_ports(F change) {
  return of_rules([change](ir::Rule& rule) {
    for (ir::PortRule& item : rule.ports)
      for (ir::PortMatch& match : item.ports) change(match);
  });
}
template <class P, class F>
Change of_peers(F change) {
  return of_rules([change](ir::Rule& rule) {
    for (ir::Peer& peer : rule.peers)
      if (auto* one = std::get_if<P>(&peer)) change(*one);
  });
}
template <class F>
Change of_cluster(F change) {
  return [change](ir::PolicySet&, ir::Cluster& cluster, ir::Resolutions&) { change(cluster); };
}
template <class F>
Change of_requirements(F change) {
  return of_policies([change](ir::Policy& policy) {
    for (ir::Requirement& r : policy.subject.requirements) change(r);
    for (ir::Rule& rule : policy.rules)
      for (ir::Peer& peer : rule.peers)
        if (auto* labels = std::get_if<ir::LabelPeer>(&peer))
          for (ir::Requirement& r : labels->selector.requirements) change(r);
  });
}

void say_nothing(ir::Rule& rule) {
  rule.peer_kind = ir::PeerKind::Nobody;
  rule.peers.clear();
}
bool is_number(const ir::PortMatch& match) { return match.name.empty() && match.first != 0; }
bool has_ports(ir::Protocol protocol) { return protocol <= ir::Protocol::Sctp; }

}  // namespace

bool Wrong::matters(const judges::World& world) const {
  const ir::eval::World read = world.content();
  ir::PolicySet policies = read.policies;
  ir::Cluster cluster = read.cluster;
  ir::Resolutions resolutions = read.resolutions;
  change(policies, cluster, resolutions);
  const auto ports = [](const ir::Cluster& one) {
    std::vector<std::vector<ir::NamedPort>> out;
    for (const ir::Endpoint& endpoint : one.endpoints) out.push_back(endpoint.named_ports);
    return out;
  };
  return ir::print(policies) != ir::print(read.policies) || cluster.config != read.cluster.config || resolutions != read.resolutions || ports(cluster) != ports(read.cluster) ||
         cluster.services.size() != read.cluster.services.size() || cluster.cidr_groups.size() != read.cluster.cidr_groups.size();
}

std::vector<Wrong> wrongs() {
  using ir::Action;
  return {
      {"deny rules forgotten", of_rules([](ir::Rule& r) { if (r.action == Action::Deny) say_nothing(r); })},
      {"deny taken for allow", of_rules([](ir::Rule& r) { if (r.action == Action::Deny) r.action = Action::Allow; })},
      {"pass taken for allow", of_rules([](ir::Rule& r) { if (r.action == Action::Pass) r.action = Action::Allow; })},
      {"ingress taken for egress", of_rules([](ir::Rule& r) { r.direction = r.direction == ir::Direction::Ingress ? ir::Direction::Egress : ir::Direction::Ingress; })},
      {"order of rules ignored", of_rules([](ir::Rule& r) { r.order = 0; })},
      {"priorities the other way round", of_policies([](ir::Policy& p) { if (p.tier != ir::Tier::Normal) p.priority = static_cast<std::uint16_t>(1000 - p.priority); })},
      {"tiers exchanged", of_policies([](ir::Policy& p) { p.tier = p.tier == ir::Tier::Admin ? ir::Tier::Baseline : p.tier == ir::Tier::Baseline ? ir::Tier::Admin : p.tier; })},
      {"no default deny", of_policies([](ir::Policy& p) { p.default_deny_ingress = p.default_deny_egress = false; })},
      {"default deny whatever is said", of_policies([](ir::Policy& p) { p.default_deny_ingress = p.default_deny_egress = true; })},
      {"last port one too high", of_ports([](ir::PortMatch& m) { if (is_number(m) && has_ports(m.protocol) && m.last < 65535) ++m.last; })},
      {"first port one too high", of_ports([](ir::PortMatch& m) { if (is_number(m) && has_ports(m.protocol) && m.first < m.last) ++m.first; })},
      {"ends of ranges forgotten", of_ports([](ir::PortMatch& m) { if (is_number(m)) m.last = m.first; })},
      {"port 0 is a port", of_ports([](ir::PortMatch& m) { if (m.name.empty() && m.first == 0 && has_ports(m.protocol)) m.first = m.last = 1; })},
      {"UDP taken for TCP", of_ports([](ir::PortMatch& m) { if (m.protocol == ir::Protocol::Udp) m.protocol = ir::Protocol::Tcp; })},
      {"ANY is TCP only", of_ports([](ir::PortMatch& m) { if (m.protocol == ir::Protocol::Any) m.protocol = ir::Protocol::Tcp; })},
      {"ICMP types of the other family", of_ports([](ir::PortMatch& m) { m.protocol = m.protocol == ir::Protocol::Icmp ? ir::Protocol::Icmpv6 : m.protocol == ir::Protocol::Icmpv6 ? ir::Protocol::Icmp : m.protocol; })},
      {"named ports are 80", of_ports([](ir::PortMatch& m) { if (!m.name.empty()) m = {m.protocol, 80, 80, ""}; })},
      {"pods name no ports", of_cluster([](ir::Cluster& c) { for (ir::Endpoint& e : c.endpoints) e.named_ports.clear(); })},
      {"every port where some are said", of_rules([](ir::Rule& r) { r.any_l4 = true; r.ports.clear(); })},
      {"nobody taken for everybody", of_rules([](ir::Rule& r) { if (r.peer_kind == ir::PeerKind::Nobody) r.peer_kind = ir::PeerKind::Unspecified; })},
      {"last peer forgotten", of_rules([](ir::Rule& r) { if (!r.peers.empty()) r.peers.pop_back(); })},
      {"requires forgotten", of_rules([](ir::Rule& r) { r.requires_all.clear(); })},
      {"prefix one bit shorter", of_peers<ir::CidrPeer>([](ir::CidrPeer& p) { if (p.prefix.length > 0) p.prefix = *IpPrefix::parse(p.prefix.address.to_string() + "/" + std::to_string(p.prefix.length - 1)); })},
      {"exceptions forgotten", of_peers<ir::CidrPeer>([](ir::CidrPeer& p) { p.except.clear(); })},
      {"entities are everybody", of_peers<ir::EntityPeer>([](ir::EntityPeer& p) { p.entity = ir::Entity::All; })},
      {"cluster taken for world", of_peers<ir::EntityPeer>([](ir::EntityPeer& p) { if (p.entity == ir::Entity::Cluster) p.entity = ir::Entity::World; })},
      {"NotIn taken for In", of_requirements([](ir::Requirement& r) { if (r.op == ir::Operator::NotIn) r.op = ir::Operator::In; })},
      {"DoesNotExist taken for Exists", of_requirements([](ir::Requirement& r) { if (r.op == ir::Operator::DoesNotExist) r.op = ir::Operator::Exists; })},
      {"first value only", of_requirements([](ir::Requirement& r) { if (r.values.size() > 1) r.values.resize(1); })},
      {"subject: everybody", of_policies([](ir::Policy& p) { p.subject.requirements.clear(); })},
      {"nodes taken for pods", of_policies([](ir::Policy& p) { p.subject_is_node = false; })},
      {"namespaces exchanged", of_policies([](ir::Policy& p) { p.ns = p.ns == "a" ? "b" : p.ns == "b" ? "a" : p.ns; })},
      {"names resolve to nothing", [](ir::PolicySet&, ir::Cluster&, ir::Resolutions& r) { r.clear(); }},
      {"no services", of_cluster([](ir::Cluster& c) { c.services.clear(); })},
      {"no CIDR groups", of_cluster([](ir::Cluster& c) { c.cidr_groups.clear(); })},
      {"the node may not come in", of_cluster([](ir::Cluster& c) { c.config.allow_localhost = false; })},
      {"always as by default", of_cluster([](ir::Cluster& c) { if (c.config.mode == ir::PolicyMode::Always) c.config.mode = ir::PolicyMode::Default; })},
      {"never as by default", of_cluster([](ir::Cluster& c) { if (c.config.mode == ir::PolicyMode::Never) c.config.mode = ir::PolicyMode::Default; })},
      {"no host firewall", of_cluster([](ir::Cluster& c) { c.config.host_firewall = false; })},
      {"prefixes never match nodes", of_cluster([](ir::Cluster& c) { c.config.cidr_matches_nodes = false; })},
      {"no overlay", of_cluster([](ir::Cluster& c) { c.config.tunnel_port = 0; })},
      {"redirects forgotten", of_rules([](ir::Rule& r) { for (ir::PortRule& item : r.ports) item.l7 = {}; })},
      {"authentication forgotten", of_rules([](ir::Rule& r) { r.auth = ir::AuthMode::Unset; }), false},
  };
}

}  // namespace netpolc::agreement
