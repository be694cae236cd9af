#include "compiler/lint/selectors.h"

#include <algorithm>

#include "ir/base/edit_distance.h"

namespace netpolc::lint {
namespace {

constexpr std::string_view kClusterKey = "io.cilium.k8s.policy.cluster";
constexpr std::size_t kFar = 3;        // changes that are no slip any more
constexpr std::size_t kLongest = 100;  // bytes of a word that is looked up

// Short words are near to everything: "v1" and "v2" are two things.
std::size_t allowed_changes(std::string_view word) { return word.size() < 4 ? 0 : word.size() < 6 ? 1 : 2; }

// Those that differ in digits alone are members of a series.
bool same_series(std::string_view a, std::string_view b) {
  const auto bare = [](std::string_view word) {
    std::string out;
    std::copy_if(word.begin(), word.end(), std::back_inserter(out), [](char c) { return c < '0' || c > '9'; });
    return out;
  };
  return bare(a) == bare(b);
}

class Nearest {
 public:
  explicit Nearest(std::string_view word) : word_(word) {}
  void offer(const std::string& other) {
    const std::size_t longer = std::max(word_.size(), other.size()), shorter = std::min(word_.size(), other.size());
    if (longer > kLongest || longer - shorter > allowed_changes(word_)) return;
    const std::size_t distance = edit_distance(word_, other);
    if (distance > allowed_changes(word_) || same_series(word_, other)) return;
    if (distance < best_) best_ = distance, word_found_ = other, several_ = false;
    else if (distance == best_) several_ = true;
  }
  std::optional<std::string> found() const { return best_ < kFar && !several_ ? std::optional(word_found_) : std::nullopt; }

 private:
  std::string_view word_;
  std::string word_found_;
  std::size_t best_ = kFar;
  bool several_ = false;
};

}  // namespace

const char* SelectorUse::list() const {
  const bool cilium = policy.kind == ir::PolicyKind::CiliumNetworkPolicy || policy.kind == ir::PolicyKind::CiliumClusterwideNetworkPolicy;
  if (rule == nullptr) return cilium ? "endpointSelector" : policy.kind == ir::PolicyKind::NetworkPolicy ? "podSelector" : "subject";
  const bool ingress = rule->direction == ir::Direction::Ingress;
  return cilium ? (ingress ? "fromEndpoints" : "toEndpoints") : (ingress ? "from" : "to");
}

void each_selector(const Facts& facts, const std::function<void(const SelectorUse&)>& visit) {
  for (const ir::Policy& policy : facts.policies()) {
    if (!policy.subject_is_node) visit({policy, policy.subject, policy.where});
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Peer& peer : rule.peers)
        if (const auto* labels = std::get_if<ir::LabelPeer>(&peer); labels != nullptr && labels->endpoints) visit({policy, labels->selector, rule.where, &rule});
  }
}

std::optional<std::string> namespace_of(const ir::Selector& selector) {
  for (const ir::Requirement& one : selector.requirements)
    if (one.key == namespace_key && one.op == ir::Operator::In && one.values.size() == 1) return one.values.front();
  return std::nullopt;
}

ir::Selector without_namespace(const ir::Selector& selector) {
  ir::Selector out = selector;
  std::erase_if(out.requirements, [](const ir::Requirement& one) { return one.key == namespace_key; });
  return out;
}

bool is_implied(const ir::Requirement& requirement) { return requirement.key == namespace_key || requirement.key == kClusterKey; }

bool is_negative(const ir::Requirement& requirement) { return requirement.op == ir::Operator::NotIn || requirement.op == ir::Operator::DoesNotExist; }

Span place_of(const Facts& facts, const SelectorUse& use) {
  for (const ir::Requirement& one : use.selector.requirements) {
    if (is_implied(one)) continue;
    for (const std::string& value : one.values)
      if (const Span at = facts.places().label_value(use.inside, one.key, value); at != use.inside) return at;
    if (const Span at = facts.places().label_key(use.inside, one.key); at != use.inside) return at;
  }
  return facts.places().key(use.inside, use.list());
}

std::string in_words(const ir::Selector& selector) {
  std::string out;
  for (const ir::Requirement& one : selector.requirements) {
    if (is_implied(one)) continue;
    std::string text;
    switch (one.op) {
      case ir::Operator::In: text = one.key + (one.values.size() == 1 ? "=" + one.values.front() : " in (" + std::to_string(one.values.size()) + " values)"); break;
      case ir::Operator::NotIn: text = one.key + (one.values.size() == 1 ? "!=" + one.values.front() : " not in (" + std::to_string(one.values.size()) + " values)"); break;
      case ir::Operator::Exists: text = one.key; break;
      case ir::Operator::DoesNotExist: text = "!" + one.key; break;
    }
    out += (out.empty() ? "`" : ", `") + text + "`";
  }
  return out;
}

std::optional<Nearby> nearby(const Facts& facts, const ir::Selector& selector) {
  for (const ir::Requirement& one : selector.requirements) {
    if (is_negative(one)) continue;
    const auto known = facts.values().find(one.key);
    if (known == facts.values().end()) {
      Nearest nearest(one.key);
      for (const auto& [key, values] : facts.values()) nearest.offer(key);
      if (const auto better = nearest.found()) return Nearby{one.key, "", *better, true};
      continue;
    }
    for (const std::string& value : one.values) {
      if (std::binary_search(known->second.begin(), known->second.end(), value)) continue;
      Nearest nearest(value);
      for (const std::string& other : known->second) nearest.offer(other);
      if (const auto better = nearest.found()) return Nearby{one.key, value, *better, false};
    }
  }
  return std::nullopt;
}

}  // namespace netpolc::lint
