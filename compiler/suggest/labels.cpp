#include "compiler/suggest/labels.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "frontend/label_filter.h"

namespace netpolc::compiler::suggest {
namespace {

// A key, and how many policies ask about it.
using Uses = std::map<std::string, std::size_t>;

void collect(const ir::Selector& selector, std::set<std::string>& keys) {
  for (const ir::Requirement& requirement : selector.requirements)
    if (requirement.source == "k8s" || requirement.source == "any") keys.insert(requirement.key);
}

std::set<std::string> keys_of(const ir::Policy& policy, const ir::Cluster& cluster) {
  std::set<std::string> out;
  collect(policy.subject, out);
  for (const ir::Rule& rule : policy.rules) {
    for (const ir::Selector& required : rule.requires_all) collect(required, out);
    for (const ir::Peer& peer : rule.peers) {
      if (const auto* labels = std::get_if<ir::LabelPeer>(&peer)) collect(labels->selector, out);
      if (!std::holds_alternative<ir::ServicePeer>(peer)) continue;
      for (const ir::Service& service : cluster.services)  // pods are found by the service's selector
        for (const auto& [key, value] : service.selector) out.insert(key);
    }
  }
  return out;
}

Uses uses_of(const ir::PolicySet& policies, const ir::Cluster& cluster) {
  std::map<std::string, std::set<std::string>> askers;  // several specs of one object are one policy
  for (const ir::Policy& policy : policies.policies)
    for (const std::string& key : keys_of(policy, cluster)) askers[key].insert(std::string(ir::to_string(policy.kind)) + '\n' + policy.ns + '\n' + policy.name);
  Uses out;
  for (const auto& [key, names] : askers) out[key] = names.size();
  return out;
}

// As a pattern: the key itself and nothing else. Patterns match from the key's begin.
std::string pattern(const std::string& key) {
  std::string out = "k8s:";
  for (const char c : key) {
    if (std::string_view(".\\+*?()[]{}|^$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out + '$';
}

bool excludes(const std::string& word) {
  const auto colon = word.find(':');
  return word.substr(colon == std::string::npos ? 0 : colon + 1).starts_with('!');
}

constexpr const char* kNamespace = "io.kubernetes.pod.namespace";
constexpr const char* kCluster = "io.cilium.k8s.policy.cluster";
constexpr const char* kTaken[] = {kNamespace, kCluster, "io.cilium.k8s.policy.serviceaccount"};
constexpr const char* kNamespaceLabels = "io.cilium.k8s.namespace.labels";

// Cilium takes these in by patterns of its own, the last two from 1.18 on; they are spelled out where it doesn't.
bool is_taken(const std::string& key) { return key.starts_with(kNamespaceLabels) || std::find(std::begin(kTaken), std::end(kTaken), key) != std::end(kTaken); }

// What policies ask about and no pod has today is named, too: a pod of tomorrow may have it.
std::string value_for(const Uses& uses, const ir::Config& config) {
  std::string out;
  const frontend::LabelFilter today(config);
  const auto add = [&](const std::string& word) { out += (out.empty() ? "" : " ") + word; };
  std::istringstream words(config.labels.value_or(""));
  for (std::string word; words >> word;)
    if (excludes(word)) add(word);
  add(pattern(kNamespace));  // one including pattern is needed, so that what none takes in is left out
  const bool spelled_out = config.version < 18;
  if (spelled_out) add(pattern(kCluster));  // the entity `cluster` asks about it
  for (const auto& [key, policies] : uses) {
    const bool by_itself = key == kNamespace || key == kCluster || key.starts_with(kNamespaceLabels) || (is_taken(key) && !spelled_out);
    if (!by_itself && today.keeps({"k8s", key, ""})) add(pattern(key));
  }
  return out;
}

using LabelSets = std::set<ir::LabelSet>;

LabelSets identities_of(const ir::Cluster& cluster) {
  LabelSets out;
  for (const ir::Endpoint& endpoint : cluster.endpoints)
    if (!endpoint.host_network && !endpoint.remote) out.insert(endpoint.labels);
  for (const ir::KnownIdentity& identity : cluster.identities) out.insert(identity.labels);
  return out;
}

template <class Keep>
std::size_t left_with(const LabelSets& sets, const Keep& keep) {
  LabelSets out;
  for (ir::LabelSet labels : sets) {
    std::erase_if(labels, [&](const ir::Label& label) { return !keep(label); });
    out.insert(std::move(labels));
  }
  return out.size();
}

// The same endpoints with the labels that the option leaves. Those of other clusters are filtered there.
ir::Cluster with_option(ir::Cluster cluster, const std::string& value, const frontend::LabelFilter& filter) {
  cluster.config.labels = value;
  const auto drop = [&](ir::LabelSet& labels) { std::erase_if(labels, [&](const ir::Label& label) { return label.source == "k8s" && !filter.keeps(label); }); };
  for (ir::Endpoint& endpoint : cluster.endpoints) {
    if (endpoint.remote) continue;
    drop(endpoint.labels);
    endpoint.identity.reset();  // numbers are of the old label sets
  }
  cluster.identities.clear();
  return cluster;
}

void add_uses(const Uses& uses, const LabelSets& sets, const frontend::LabelFilter& filter, LabelSuggestion& out) {
  std::map<std::string, std::set<std::string>> values;
  std::map<std::string, bool> kept;
  for (const ir::LabelSet& labels : sets)
    for (const ir::Label& label : labels) {
      if (label.source != "k8s") continue;
      values[label.key].insert(label.value);
      kept[label.key] = filter.keeps(label);
    }
  for (const auto& [key, policies] : uses)
    if (kept.count(key) == 0 && filter.keeps({"k8s", key, ""})) values[key], kept[key] = true;
  for (const auto& [key, seen] : values) {
    if (is_taken(key)) continue;
    const auto asked = uses.find(key);
    LabelUse use{.key = key, .values = seen.size(), .policies = asked == uses.end() ? 0 : asked->second};
    if (kept[key]) {
      out.kept.push_back(std::move(use));
      continue;
    }
    use.costs = left_with(sets, [&](const ir::Label& label) { return label.source != "k8s" || label.key == key || filter.keeps(label); }) - out.after;
    out.left_out.push_back(std::move(use));
  }
  std::stable_sort(out.left_out.begin(), out.left_out.end(), [](const LabelUse& a, const LabelUse& b) { return std::pair(a.costs, a.values) > std::pair(b.costs, b.values); });
}

std::string counted(std::size_t number, const char* one, const char* many) { return std::to_string(number) + " " + (number == 1 ? one : many); }

void add_table(const char* title, const std::vector<LabelUse>& uses, bool left_out, std::string& out) {
  std::size_t width = 0;
  for (const LabelUse& use : uses) width = std::max(width, use.key.size());
  bool first = true;
  for (const LabelUse& use : uses) {
    out += "  " + std::string(first ? title : std::string(std::char_traits<char>::length(title), ' ')) + "  " + use.key + std::string(width - use.key.size() + 2, ' ') + counted(use.values, "value", "values");
    out += left_out ? "; with it, " + counted(use.costs, "identity", "identities") + " more\n"
                    : "; " + (use.policies == 0 ? std::string("no policy asks, but Cilium takes it in") : counted(use.policies, "policy asks", "policies ask")) + "\n";
    first = false;
  }
}

}  // namespace

LabelSuggestion suggest_labels(const verify::DiffWorld& world) {
  LabelSuggestion out;
  const LabelSets sets = identities_of(world.cluster);
  const Uses uses = uses_of(world.policies, world.cluster);
  ir::Config config = world.cluster.config;
  out.value = value_for(uses, config);
  config.labels = out.value;
  const frontend::LabelFilter filter(config);
  out.endpoints = world.cluster.endpoints.size();
  out.before = sets.size();
  out.after = left_with(sets, [&](const ir::Label& label) { return label.source != "k8s" || filter.keeps(label); });
  add_uses(uses, sets, filter, out);
  ir::Cluster before = world.cluster;
  before.identities.clear();  // numbers are no part of a verdict
  const ir::Cluster after = with_option(world.cluster, out.value, filter);
  out.diff = verify::diff({world.policies, before, world.resolutions, world.lock}, {world.policies, after, world.resolutions, world.lock});
  return out;
}

std::string to_text(const LabelSuggestion& suggestion) {
  std::string out = suggestion.proved() ? "labels: '" + suggestion.value + "'\n\n" : "nothing is suggested instead of what `labels` is; what policies ask about:\n\n";
  out += "  identities  " + std::to_string(suggestion.before) + " → " + std::to_string(suggestion.after) + "\n";
  add_table("keeps     ", suggestion.kept, false, out);
  add_table("leaves out", suggestion.left_out, true, out);
  if (suggestion.proved()) out += "  proved      no verdict changes: " + counted(suggestion.diff.pairs, "pair", "pairs") + " of ends, every protocol and port\n";
  else if (suggestion.diff.differs()) out += "  refuted     " + std::to_string(suggestion.diff.changed_pairs) + " of " + counted(suggestion.diff.pairs, "pair", "pairs") + " of ends would have other verdicts\n";
  else out += "  undecided   policies that cannot be computed select some of the workloads\n";
  return out;
}

}  // namespace netpolc::compiler::suggest
