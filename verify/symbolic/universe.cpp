#include "verify/symbolic/universe.h"

#include <algorithm>

namespace netpolc::verify {

std::optional<PodPattern> parse_pattern(std::string_view reference) {
  PodPattern out{std::string(reference), std::nullopt, {}};
  const auto open = reference.find('[');
  if (open == std::string_view::npos || reference.back() != ']') return std::nullopt;
  if (open > 0) {
    if (open < 2 || reference[open - 1] != '/') return std::nullopt;
    out.ns = std::string(reference.substr(0, open - 1));
  }
  for (std::string_view rest = reference.substr(open + 1, reference.size() - open - 2); !rest.empty();) {
    const auto comma = rest.find(',');
    std::string_view part = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    std::string_view key = part.substr(0, equals);
    for (const std::string_view source : {"k8s:", "any:"})
      if (key.starts_with(source)) key.remove_prefix(source.size());
    out.labels.emplace_back(key, part.substr(equals + 1));
  }
  return out;
}

namespace symbolic {
namespace {

void keep_sorted(std::vector<std::string>& all) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
}

std::string none_of(const std::vector<std::string>& taken, const std::string& wish) {
  std::string name = wish;
  for (int n = 2; std::binary_search(taken.begin(), taken.end(), name); ++n) name = wish + "-" + std::to_string(n);
  return name;
}

}  // namespace

Universe::Universe(const std::vector<const ir::PolicySet*>& sets, const std::vector<const ir::Cluster*>& clusters, const std::vector<PodPattern>& patterns, KeepsLabel keeps,
                   const std::optional<std::string>& asked)
    : cluster_(*clusters.front()), keeps_(std::move(keeps)) {
  for (const ir::Namespace& ns : cluster_.namespaces) {
    known_namespaces_[ns.name] = &ns.labels;
    namespaces_.push_back(ns.name);
  }
  for (const ir::Endpoint& endpoint : cluster_.endpoints)
    if (!endpoint.remote) namespaces_.push_back(endpoint.ns);
  for (const ir::PolicySet* policies : sets)
    for (const ir::Policy& policy : policies->policies) mention(policy);
  for (const ir::Cluster* cluster : clusters)
    for (const ir::Service& service : cluster->services) mention(service);
  for (const PodPattern& pattern : patterns) {
    if (pattern.ns) namespaces_.push_back(*pattern.ns);
    for (const auto& [key, value] : pattern.labels) mention(key, value);
  }
  if (asked) values_[*asked];
  finish();
}

void Universe::mention(const ir::Policy& policy) {
  mention(policy.subject);
  if (!policy.ns.empty()) namespaces_.push_back(policy.ns);
  for (const ir::Rule& rule : policy.rules) {
    for (const ir::Peer& peer : rule.peers)
      if (const auto* labels = std::get_if<ir::LabelPeer>(&peer)) mention(labels->selector);
    for (const ir::Selector& selector : rule.requires_all) mention(selector);
  }
}

// What toServices becomes: its pods by their labels; before 1.20 of a key with a dot what is before that may be taken
// for a source (section 1.9).
void Universe::mention(const ir::Service& service) {
  for (const auto& [key, value] : service.selector) {
    mention(key, value);
    for (const std::string_view source : {"k8s.", "any."})
      if (key.starts_with(source)) mention(key.substr(source.size()), value);
  }
  namespaces_.push_back(service.ns);
}

void Universe::mention(const ir::Selector& selector) {
  for (const ir::Requirement& requirement : selector.requirements) {
    if (requirement.source != "k8s" && requirement.source != "any") continue;
    auto& values = values_[requirement.key];
    values.insert(values.end(), requirement.values.begin(), requirement.values.end());
  }
}

void Universe::mention(const std::string& key, const std::string& value) { values_[key].push_back(value); }

void Universe::finish() {
  for (auto& [key, values] : values_) {
    // What a namespace of the manifests has must have a code, too.
    if (kind(key) == KeyKind::NamespaceLabel)
      for (const auto& [name, labels] : known_namespaces_)
        if (const auto found = labels->find(key.substr(std::string_view(kNamespaceLabels).size())); found != labels->end()) values.push_back(found->second);
    if (key == kNamespaceKey || key == kNamespaceNameKey) namespaces_.insert(namespaces_.end(), values.begin(), values.end());
    keep_sorted(values);
  }
  std::erase(namespaces_, "");
  keep_sorted(namespaces_);
}

KeyKind Universe::kind(const std::string& key) const {
  if (!keeps_(key)) return KeyKind::Never;
  if (key == kNamespaceKey || key == kNamespaceNameKey) return KeyKind::Namespace;
  if (key == kServiceAccountKey) return KeyKind::ServiceAccount;
  if (key == kClusterKey) return KeyKind::Cluster;
  if (key.starts_with(kNamespaceLabels)) return KeyKind::NamespaceLabel;
  return key.starts_with("io.cilium.k8s") ? KeyKind::Never : KeyKind::Own;
}

const std::vector<std::string>& Universe::values(const std::string& key) const {
  static const std::vector<std::string> none;
  const auto found = values_.find(key);
  return found == values_.end() ? none : found->second;
}

std::optional<std::size_t> Universe::namespace_code(const std::string& name) const {
  const auto at = std::lower_bound(namespaces_.begin(), namespaces_.end(), name);
  if (at == namespaces_.end() || *at != name) return std::nullopt;
  return static_cast<std::size_t>(at - namespaces_.begin());
}

const std::map<std::string, std::string>* Universe::labels_of_namespace(const std::string& name) const {
  const auto found = known_namespaces_.find(name);
  return found == known_namespaces_.end() ? nullptr : found->second;
}

std::string Universe::other_value(const std::string& key) const {
  return none_of(values(key), key == kServiceAccountKey ? "default" : "other");
}

std::string Universe::other_namespace() const { return none_of(namespaces_, "new"); }

}  // namespace symbolic
}  // namespace netpolc::verify
