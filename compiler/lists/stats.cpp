#include "compiler/lists/stats.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <unordered_set>

#include "compiler/lists/table.h"

namespace netpolc::compiler::lists {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kNamespace = "io.kubernetes.pod.namespace";

std::string key_of(const ir::Label& label) { return label.source + ":" + label.key; }

// A label set as numbers of labels, sorted.
using Numbers = std::vector<std::uint32_t>;
struct Hash {
  std::size_t operator()(const Numbers& numbers) const noexcept {
    std::size_t out = numbers.size();
    for (const std::uint32_t number : numbers) out = out * 0x9E3779B97F4A7C15ULL + number + 1;
    return out;
  }
};
using NumberSets = std::unordered_set<Numbers, Hash>;

// Different label sets, and what each key makes of them.
class LabelSets {
 public:
  void add(const ir::LabelSet& labels) {
    Numbers numbers;
    for (const ir::Label& label : labels) numbers.push_back(numbers_.emplace(label, static_cast<std::uint32_t>(numbers_.size())).first->second);
    std::sort(numbers.begin(), numbers.end());
    all_.insert(std::move(numbers));
  }

  std::vector<LabelStats> stats() const {
    std::map<std::string, std::size_t> places;
    std::vector<LabelStats> out;
    std::vector<std::size_t> keys(numbers_.size());  // of each label, as a place in `out`
    for (const auto& [label, number] : numbers_) {
      const auto [found, fresh] = places.emplace(key_of(label), out.size());
      if (fresh) out.push_back({found->first, 0, 0, 0});
      keys[number] = found->second;
      ++out[found->second].values;
    }
    for (std::size_t key = 0; key < out.size(); ++key) count(key, keys, out[key]);
    std::sort(out.begin(), out.end(), [](const LabelStats& a, const LabelStats& b) { return std::tuple(b.saved, b.values, a.key) < std::tuple(a.saved, a.values, b.key); });
    return out;
  }

 private:
  // Sets with the key are left in fewer when they lose it: some become equal to one another, or to one that never had it.
  void count(std::size_t key, const std::vector<std::size_t>& keys, LabelStats& out) const {
    NumberSets left;
    for (const Numbers& one : all_) {
      Numbers rest;
      std::copy_if(one.begin(), one.end(), std::back_inserter(rest), [&](std::uint32_t number) { return keys[number] != key; });
      if (rest.size() == one.size()) continue;
      ++out.identities;
      if (all_.count(rest) == 0) left.insert(std::move(rest));
    }
    out.saved = out.identities - left.size();
  }

  std::map<ir::Label, std::uint32_t> numbers_;
  NumberSets all_;
};

// Namespaces by workloads, and by the labels of identities that no workload has.
class Namespaces {
 public:
  void add(const ir::Endpoint& endpoint, std::uint32_t identity) {
    Entry& entry = entries_[endpoint.ns];
    entry.identities.insert(identity);
    ++entry.endpoints;
    entry.pods += endpoint.pods.size();
  }
  void add(const ir::Identity& identity) {
    for (const ir::Label& label : identity.labels)
      if (label.source == "k8s" && label.key == kNamespace) entries_[label.value].identities.insert(identity.id);
  }
  std::vector<NamespaceStats> stats() const {
    std::vector<NamespaceStats> out;
    for (const auto& [name, entry] : entries_) out.push_back({name, entry.identities.size(), entry.endpoints, entry.pods});
    return out;
  }

 private:
  struct Entry {
    std::set<std::uint32_t> identities;
    std::size_t endpoints = 0, pods = 0;
  };
  std::map<std::string, Entry> entries_;
};

// In tenths, rounded down: less than all is never 100 %.
std::string percent(std::size_t part, std::size_t whole) {
  const std::size_t tenths = part * 1000 / whole;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

std::string scopes_text(const IdentityStats& stats) {
  Table table{.header = {{"", "", ""}}, .rows = {}};
  const auto add = [&](const char* scope, std::size_t count, const std::string& note) { table.rows.push_back({{scope}, {std::to_string(count)}, {note}}); };
  add("reserved", stats.reserved, "");
  add("cluster", stats.cluster, percent(stats.cluster, kClusterIdentities) + " of " + std::to_string(kClusterIdentities) + (stats.unused == 0 ? "" : "; no workload here has " + std::to_string(stats.unused) + " of them"));
  if (stats.other_clusters != 0) add("other clusters", stats.other_clusters, "");
  add("external", stats.external, "prefixes; each node has its own numbers for them");
  if (stats.node != 0) add("node", stats.node, "");
  return to_text(table, false);
}

}  // namespace

IdentityStats identity_stats(const ir::Cluster& cluster, const ir::Identities& identities, const IsWanted& wanted) {
  IdentityStats out;
  LabelSets sets;
  Namespaces namespaces;
  std::set<std::uint32_t> counted, used;
  for (const ir::Identity& identity : identities.all()) {
    if (!wanted(identity)) continue;
    switch (scope_of(identity, cluster.config)) {
      case Scope::Reserved: ++out.reserved; continue;
      case Scope::OtherCluster: ++out.other_clusters; continue;
      case Scope::External: ++out.external; continue;
      case Scope::Node: ++out.node; continue;
      case Scope::Cluster: break;
    }
    ++out.cluster;
    counted.insert(identity.id);
    sets.add(identity.labels);
    namespaces.add(identity);
  }
  for (std::size_t e = 0; e < cluster.endpoints.size(); ++e) {
    if (cluster.endpoints[e].host_network || cluster.endpoints[e].remote || counted.count(identities.of_endpoint(e)) == 0) continue;
    used.insert(identities.of_endpoint(e));
    namespaces.add(cluster.endpoints[e], identities.of_endpoint(e));
  }
  out.unused = counted.size() - used.size();
  out.namespaces = namespaces.stats();
  out.labels = sets.stats();
  return out;
}

std::string to_text(const IdentityStats& stats) {
  Table namespaces{.header = {{"NAMESPACE", "IDENTITIES", "ENDPOINTS", "PODS"}}, .rows = {}};
  for (const NamespaceStats& one : stats.namespaces)
    namespaces.rows.push_back({{one.name}, {std::to_string(one.identities)}, {std::to_string(one.endpoints)}, {std::to_string(one.pods)}});
  Table labels{.header = {{"LABEL", "VALUES", "IDENTITIES", "SAVED IF LEFT OUT"}}, .rows = {}};
  for (const LabelStats& one : stats.labels) labels.rows.push_back({{one.key}, {std::to_string(one.values)}, {std::to_string(one.identities)}, {std::to_string(one.saved)}});
  std::string out = scopes_text(stats);
  if (!stats.namespaces.empty()) out += "\n" + to_text(namespaces, true);
  if (!stats.labels.empty()) out += "\n" + to_text(labels, true);
  return out;
}

ordered_json to_json(const IdentityStats& stats) {
  auto namespaces = ordered_json::array(), labels = ordered_json::array();
  for (const NamespaceStats& one : stats.namespaces)
    namespaces.push_back({{"namespace", one.name}, {"identities", one.identities}, {"endpoints", one.endpoints}, {"pods", one.pods}});
  for (const LabelStats& one : stats.labels) labels.push_back({{"key", one.key}, {"values", one.values}, {"identities", one.identities}, {"saved", one.saved}});
  return {{"cluster", stats.cluster}, {"clusterLimit", kClusterIdentities}, {"unused", stats.unused},     {"reserved", stats.reserved}, {"otherClusters", stats.other_clusters},
          {"external", stats.external}, {"node", stats.node},               {"namespaces", namespaces}, {"labels", labels}};
}

}  // namespace netpolc::compiler::lists
