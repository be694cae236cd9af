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

}  // namespace

Conditions::Conditions(const SelectorIndex& index, const Cluster& cluster) : index_(index), cluster_(cluster) {
  intern("everyone", [&] { return Bits(index_.size(), true); });
}

ConditionId Conditions::intern(const std::string& text, const std::function<Bits()>& evaluate) {
  const auto [found, fresh] = ids_.emplace(text, static_cast<ConditionId>(all_.size()));
  if (fresh) all_.push_back({text, evaluate()});
  return found->second;
}

std::vector<ConditionId> Conditions::of(const Peer& peer, bool resolve_services) {
  if (const auto* label = std::get_if<LabelPeer>(&peer)) return {of_selector(label->selector)};
  if (const auto* entity = std::get_if<EntityPeer>(&peer)) {
    if (entity->entity == Entity::None) return {};
    return {of_entity(entity->entity)};
  }
  if (const auto* cidr = std::get_if<CidrPeer>(&peer)) return {of_cidr(*cidr)};
  if (const auto* group = std::get_if<CidrGroupPeer>(&peer)) return {of_group(*group)};
  if (const auto* fqdn = std::get_if<FqdnPeer>(&peer)) {
    const Label label = fqdn_label(*fqdn);
    return {intern("fqdn " + label.key, [&] { return index_.with_label(label.source, label.key); })};
  }
  if (!resolve_services) return {};
  return of_services(std::get<ServicePeer>(peer));
}

// A selector without requirements is the wildcard selector: identity 0 in Cilium's maps.
ConditionId Conditions::of_selector(const Selector& selector) {
  if (selector.requirements.empty()) return everyone;
  return intern(to_string(selector), [&] { return index_.select(selector); });
}

ConditionId Conditions::both(ConditionId a, ConditionId b) {
  if (a == b || b == everyone) return a;
  if (a == everyone) return b;
  return intern(all_[a].text + " and " + all_[b].text, [&] {
    Bits bits = all_[a].bits;
    return bits &= all_[b].bits;
  });
}

ConditionId Conditions::with_port(ConditionId base, const NamedPort& port) {
  const std::string text = all_[base].text + " with port " + port.name + "/" + std::to_string(static_cast<int>(port.protocol)) +
                           "=" + std::to_string(port.port);
  return intern(text, [&] {
    Bits bits = index_.with_port(port);
    return bits &= all_[base].bits;
  });
}

Bits Conditions::reserved(std::initializer_list<const char*> names) const {
  Bits bits(index_.size());
  for (const char* name : names) bits |= index_.with_label("reserved", name);
  return bits;
}

ConditionId Conditions::of_entity(Entity entity) {
  if (entity == Entity::All) return everyone;
  return intern(std::string("entity ") + entity_name(entity), [&] {
    if (entity == Entity::World) return reserved({"world", "world-ipv4", "world-ipv6"});
    if (entity != Entity::Cluster) return reserved({entity_name(entity)});
    Bits bits = reserved({"host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver"});
    const Requirement local{"k8s", "io.cilium.k8s.policy.cluster", Operator::In, {cluster_.config.cluster_name}};
    return bits |= index_.select({{local}});
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

Bits Conditions::outside(Bits bits, const std::vector<IpPrefix>& except) const {
  Bits excluded(index_.size());
  for (const IpPrefix& prefix : except) {
    if (prefix.length == 0) excluded |= prefix_bits({prefix, {}, false});
    else excluded |= index_.inside(prefix);
  }
  return bits &= excluded.flip();
}

// A /0 is the world label of its family (section 3.4).
Bits Conditions::prefix_bits(const CidrPeer& peer) const {
  if (peer.prefix.length > 0) return index_.inside(peer.prefix);
  const Config& config = cluster_.config;
  const bool single = !(config.ipv4 && config.ipv6);
  const bool own_family = peer.prefix.address.v6 ? config.ipv6 : config.ipv4;
  const bool old_set = peer.in_set && config.version < 20;
  Bits bits(index_.size());
  if (own_family || (single && old_set)) bits |= index_.with_label("reserved", world_label(config, peer.prefix.address.v6).key);
  if (config.version < 20 && config.cidr_matches_nodes) bits |= index_.inside(peer.prefix);  // QUIRK: nodes too
  return bits;
}

ConditionId Conditions::of_cidr(const CidrPeer& peer) {
  // Lists and sets differ for /0 alone.
  const char* kind = peer.in_set && peer.prefix.length == 0 ? "cidr set " : "cidr ";
  return intern(kind + peer.prefix.to_string() + except_text(peer.except),
                [&] { return outside(prefix_bits(peer), peer.except); });
}

ConditionId Conditions::of_group(const CidrGroupPeer& peer) {
  if (peer.selector && peer.selector->requirements.empty() && peer.except.empty()) return everyone;
  const std::string what = peer.selector ? "labelled " + to_string(*peer.selector) : peer.name;
  return intern("cidr group " + what + except_text(peer.except), [&] {
    const Label label = cidr_group_label(peer.name);
    return outside(peer.selector ? index_.select(*peer.selector) : index_.with_label(label.source, label.key), peer.except);
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
