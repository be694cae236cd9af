#include "ir/decide/conditions.h"

#include "ir/identity/cidr_label.h"
#include "ir/identity/fqdn.h"
#include "ir/identity/ipcache.h"
#include "ir/identity/services.h"

namespace netpolc::ir {
namespace {

std::string except_text(const std::vector<IpPrefix>& except) {
  std::string out;
  for (const IpPrefix& prefix : except) out += (out.empty() ? " except " : ", ") + prefix.to_string();
  return out;
}

const char* entity_name(Entity entity) {
  switch (entity) {
    case Entity::All: return "all";
    case Entity::World: return "world";
    case Entity::Cluster: return "cluster";
    case Entity::Host: return "host";
    case Entity::Init: return "init";
    case Entity::Ingress: return "ingress";
    case Entity::Unmanaged: return "unmanaged";
    case Entity::RemoteNode: return "remote-node";
    case Entity::Health: return "health";
    case Entity::None: return "none";
    case Entity::KubeApiserver: return "kube-apiserver";
  }
  return "none";
}

// The selector that a service's own becomes (section 1.9).
Selector service_selector(const Service& service, const Config& config) {
  Selector out;
  for (const auto& [key, value] : service.selector) {
    Requirement requirement{"k8s", key, Operator::In, {value}};
    // QUIRK before 1.20: the part before a first dot is taken for a source; nothing has such a label.
    if (const auto dot = key.find('.'); dot != std::string::npos && config.version < 20) {
      requirement.source = key.substr(0, dot);
      requirement.key = key.substr(dot + 1);
    }
    out.requirements.push_back(std::move(requirement));
  }
  out.requirements.push_back({"k8s", "io.kubernetes.pod.namespace", Operator::In, {service.ns}});
  if (config.default_local_cluster)
    out.requirements.push_back({"k8s", "io.cilium.k8s.policy.cluster", Operator::In, {config.cluster_name}});
  normalise(out);
  return out;
}

using Kind = Combination::Kind;

ConditionPtr labelled(const Label& label) { return condition(Selector{{{label.source, label.key, Operator::Exists, {}}}}); }

std::vector<ConditionPtr> reserved(std::initializer_list<const char*> names) {
  std::vector<ConditionPtr> out;
  for (const char* name : names) out.push_back(labelled({"reserved", name, ""}));
  return out;
}

}  // namespace

Conditions::Conditions(const SelectorIndex& index, const Cluster& cluster) : index_(index), cluster_(cluster) {
  intern("everyone", [] { return combination(Kind::All, {}); });
}

ConditionId Conditions::intern(const std::string& text, const std::function<ConditionPtr()>& make) {
  if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
  const ConditionPtr tree = make();
  return add({text, evaluate(*tree), tree});
}

ConditionId Conditions::add(Condition condition) {
  const auto id = static_cast<ConditionId>(all_.size());
  ids_.emplace(condition.text, id);
  all_.push_back(std::move(condition));
  return id;
}

// Over all known identities at once, by the index.
Bits Conditions::evaluate(const ConditionTree& tree) const {
  if (const auto* selector = std::get_if<Selector>(&tree.is)) return index_.select(*selector);
  if (const auto* inside = std::get_if<InsidePrefix>(&tree.is)) return index_.inside(inside->prefix);
  if (const auto* port = std::get_if<NamedPort>(&tree.is)) return index_.with_port(*port);
  if (const auto* name = std::get_if<FqdnPeer>(&tree.is)) {
    const Label label = fqdn_label(*name);
    return index_.with_label(label.source, label.key);
  }
  const Combination& combined = std::get<Combination>(tree.is);
  Bits bits(index_.size(), combined.kind == Kind::All);
  for (const ConditionPtr& part : combined.parts) {
    if (combined.kind == Kind::All) bits &= evaluate(*part);
    else bits |= evaluate(*part);
  }
  return combined.kind == Kind::None ? bits.flip() : bits;
}

std::vector<ConditionId> Conditions::of(const Peer& peer, bool resolve_services) {
  if (const auto* label = std::get_if<LabelPeer>(&peer)) return {of_selector(label->selector)};
  if (const auto* entity = std::get_if<EntityPeer>(&peer)) {
    if (entity->entity == Entity::None) return {};
    return {of_entity(entity->entity)};
  }
  if (const auto* cidr = std::get_if<CidrPeer>(&peer)) return {of_cidr(*cidr)};
  if (const auto* group = std::get_if<CidrGroupPeer>(&peer)) return {of_group(*group)};
  if (const auto* fqdn = std::get_if<FqdnPeer>(&peer))
    return {intern("fqdn " + fqdn_label(*fqdn).key, [&] { return condition(*fqdn); })};
  if (!resolve_services) return {};
  return of_services(std::get<ServicePeer>(peer));
}

// A selector without requirements is the wildcard selector: identity 0 in Cilium's maps.
ConditionId Conditions::of_selector(const Selector& selector) {
  if (selector.requirements.empty()) return everyone;
  return intern(to_string(selector), [&] { return condition(selector); });
}

ConditionId Conditions::both(ConditionId a, ConditionId b) {
  if (a == b || b == everyone) return a;
  if (a == everyone) return b;
  const std::string text = all_[a].text + " and " + all_[b].text;
  if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
  Bits bits = all_[a].bits;  // the trees may be deep
  bits &= all_[b].bits;
  return add({text, std::move(bits), combination(Kind::All, {all_[a].tree, all_[b].tree})});
}

ConditionId Conditions::with_port(ConditionId base, const NamedPort& port) {
  const std::string text = all_[base].text + " with port " + port.name + "/" + std::to_string(static_cast<int>(port.protocol)) +
                           "=" + std::to_string(port.port);
  return intern(text, [&] { return combination(Kind::All, {all_[base].tree, condition(port)}); });
}

ConditionId Conditions::of_entity(Entity entity) {
  if (entity == Entity::All) return everyone;
  return intern(std::string("entity ") + entity_name(entity), [&] {
    if (entity == Entity::World) return combination(Kind::Any, reserved({"world", "world-ipv4", "world-ipv6"}));
    if (entity != Entity::Cluster) return labelled({"reserved", entity_name(entity), ""});
    auto parts = reserved({"host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver"});
    const Requirement local{"k8s", "io.cilium.k8s.policy.cluster", Operator::In, {cluster_.config.cluster_name}};
    parts.push_back(condition(Selector{{local}}));
    return combination(Kind::Any, std::move(parts));
  });
}

std::vector<ConditionId> Conditions::parts(ConditionId id) {
  const auto cluster = ids_.find("entity cluster");
  if (cluster == ids_.end() || cluster->second != id) return {};
  std::vector<ConditionId> out;
  for (Entity entity : {Entity::Host, Entity::RemoteNode, Entity::Init, Entity::Ingress, Entity::Health, Entity::Unmanaged, Entity::KubeApiserver})
    out.push_back(of_entity(entity));
  return out;
}

ConditionPtr Conditions::outside(ConditionPtr tree, const std::vector<IpPrefix>& except) const {
  if (except.empty()) return tree;
  std::vector<ConditionPtr> excluded;
  for (const IpPrefix& prefix : except) excluded.push_back(in_prefix({prefix, {}, false}));
  return combination(Kind::All, {std::move(tree), combination(Kind::None, std::move(excluded))});
}

// A /0 is the world label of its family (section 3.4).
ConditionPtr Conditions::in_prefix(const CidrPeer& peer) const {
  if (peer.prefix.length > 0) return condition(InsidePrefix{peer.prefix});
  const Config& config = cluster_.config;
  const bool single = !(config.ipv4 && config.ipv6);
  const bool own_family = peer.prefix.address.v6 ? config.ipv6 : config.ipv4;
  const bool old_set = peer.in_set && config.version < 20;
  std::vector<ConditionPtr> any;
  if (own_family || (single && old_set)) any.push_back(labelled(world_label(config, peer.prefix.address.v6)));
  if (config.version < 20 && config.cidr_matches_nodes) any.push_back(condition(InsidePrefix{peer.prefix}));  // QUIRK: nodes too
  return combination(Kind::Any, std::move(any));
}

ConditionId Conditions::of_cidr(const CidrPeer& peer) {
  // Lists and sets differ for /0 alone.
  const char* kind = peer.in_set && peer.prefix.length == 0 ? "cidr set " : "cidr ";
  return intern(kind + peer.prefix.to_string() + except_text(peer.except),
                [&] { return outside(in_prefix(peer), peer.except); });
}

ConditionId Conditions::of_group(const CidrGroupPeer& peer) {
  if (peer.selector && peer.selector->requirements.empty() && peer.except.empty()) return everyone;
  const std::string what = peer.selector ? "labelled " + to_string(*peer.selector) : peer.name;
  return intern("cidr group " + what + except_text(peer.except), [&] {
    return outside(peer.selector ? condition(*peer.selector) : labelled(cidr_group_label(peer.name)), peer.except);
  });
}

std::vector<Selector> Conditions::service_selectors(const ServicePeer& peer) const {
  std::vector<Selector> out;
  if (cluster_.config.version < 17) return out;
  for (const Service* service : selected_services(peer, cluster_))
    if (!service->selector.empty()) out.push_back(service_selector(*service, cluster_.config));
  return out;
}

std::vector<ConditionId> Conditions::of_services(const ServicePeer& peer) {
  std::vector<ConditionId> out;
  for (const Selector& selector : service_selectors(peer)) out.push_back(of_selector(selector));
  for (const Service* service : selected_services(peer, cluster_)) {
    if (!service->selector.empty()) continue;
    for (const IpAddress& address : service->endpoints) out.push_back(of_cidr({IpPrefix::host(address), {}, false}));
  }
  return out;
}

}  // namespace netpolc::ir
