#include "ir/identity/ipcache.h"

#include "ir/identity/cidr_label.h"
#include "ir/identity/fqdn.h"
#include "ir/identity/services.h"

namespace netpolc::ir {
namespace {

class Collector {
 public:
  Collector(PrefixTable& table, const Cluster& cluster) : table_(table), cluster_(cluster) {}

  void rule(const Rule& rule) {
    for (const Peer& peer : rule.peers) std::visit([&](const auto& p) { add(p, rule.action); }, peer);
  }
  const std::set<FqdnPeer>& names() const { return names_; }

 private:
  // A /0 is the world label itself.
  void name(const IpPrefix& prefix) {
    if (prefix.length > 0) table_[prefix].named = true;
  }
  void add(const LabelPeer&, Action) {}
  void add(const EntityPeer&, Action) {}
  void add(const CidrPeer& peer, Action) {
    name(peer.prefix);
    for (const IpPrefix& except : peer.except) name(except);
  }
  void add(const CidrGroupPeer& peer, Action) {
    for (const IpPrefix& except : peer.except) name(except);
  }
  void add(const FqdnPeer& peer, Action) { names_.insert(peer); }
  // Services of deny rules are never resolved (section 1.9).
  void add(const ServicePeer& peer, Action action) {
    if (action == Action::Deny) return;
    for (const Service* service : selected_services(peer, cluster_)) {
      if (!service->selector.empty()) continue;
      for (const IpAddress& address : service->endpoints) name(IpPrefix::host(address));
    }
  }

  PrefixTable& table_;
  const Cluster& cluster_;
  std::set<FqdnPeer> names_;
};

// Before 1.20 a key has one value: of the groups with one prefix, the one that sorts last wins.
void add_group(const CidrGroup& group, bool one_value, LabelSet& to) {
  const auto add = [&](Label label) {
    if (one_value) std::erase_if(to, [&](const Label& l) { return l.source == label.source && l.key == label.key; });
    to.push_back(std::move(label));
  };
  add(cidr_group_label(group.name));
  for (const auto& [key, value] : group.labels) add({"cidrgroup", key, value});
}

std::vector<const CidrGroup*> by_name(const std::vector<CidrGroup>& groups) {
  std::vector<const CidrGroup*> out;
  for (const CidrGroup& group : groups) out.push_back(&group);
  std::stable_sort(out.begin(), out.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
  return out;
}

bool has_key(const LabelSet& labels, const Label& like) {
  return std::any_of(labels.begin(), labels.end(), [&](const Label& l) { return l.source == like.source && l.key == like.key; });
}

}  // namespace

Label world_label(const Config& config, bool v6) {
  const bool dual = config.ipv4 && config.ipv6;
  return {"reserved", dual ? (v6 ? "world-ipv6" : "world-ipv4") : "world", ""};
}

PrefixTable mentioned_prefixes(const PolicySet& policies, const Cluster& cluster, const Resolutions& resolutions,
                               const std::set<IpAddress>& nodes) {
  PrefixTable table;
  Collector collector(table, cluster);
  for (const Policy& policy : policies.policies)
    for (const Rule& rule : policy.rules) collector.rule(rule);
  for (const CidrGroup* group : by_name(cluster.cidr_groups))
    for (const IpPrefix& prefix : group->cidrs) add_group(*group, cluster.config.version < 20, table[prefix].labels);
  for (const auto& [name, addresses] : resolutions)
    for (const FqdnPeer& selector : collector.names())
      if (fqdn_selects(selector, name, cluster.config.version))
        for (const IpAddress& address : addresses) table[IpPrefix::host(address)].labels.push_back(fqdn_label(selector));
  for (const IpAddress& address : cluster.kube_apiservers)
    table[IpPrefix::host(address)].labels.push_back({"reserved", "kube-apiserver", ""});
  for (const IpAddress& address : nodes) table[IpPrefix::host(address)].named = true;
  return table;
}

std::map<IpPrefix, LabelSet> inherit(const PrefixTable& prefixes, CiliumVersion version) {
  const bool collide = version < 20;
  std::map<IpPrefix, LabelSet> out;
  std::vector<const std::pair<const IpPrefix, LabelSet>*> around;  // innermost last
  for (const auto& [prefix, facts] : prefixes) {
    while (!around.empty() && !around.back()->first.contains(prefix)) around.pop_back();
    LabelSet labels = facts.labels;
    if (facts.named) labels.push_back(cidr_label(prefix));
    normalise(labels);
    const LabelSet own = labels;
    const LabelSet none;
    for (const Label& label : around.empty() ? none : around.back()->second) {
      if (label.source == cidr_source && facts.named) continue;
      if (collide && label.source == "cidrgroup" && has_key(own, label)) continue;
      labels.push_back(label);
    }
    normalise(labels);
    around.push_back(&*out.emplace(prefix, std::move(labels)).first);
  }
  return out;
}

}  // namespace netpolc::ir
