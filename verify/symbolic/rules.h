// verify/symbolic/rules.h — the policies of a world with every name looked up that has nothing to do with who is judged:
// what the encoding of verdicts reads, made once for all questions. Semantics reference 1.5 to 1.9, 4.4, 5.10.
#pragma once
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "ir/eval/eval.h"
#include "ir/eval/resolve.h"

namespace netpolc::verify::symbolic {

using Level = std::tuple<ir::Tier, std::uint16_t, std::uint16_t>;  // tier, priority, order

struct PreparedRule {
  ir::RuleRef ref;
  const ir::Rule* rule = nullptr;
  Level level;
  std::vector<ir::eval::ResolvedPeer> peers;  // without from/toRequires
  bool names = false;  // it lists server names
};
struct PreparedPolicy {
  const ir::Policy* policy = nullptr;
  bool default_denies[2] = {};  // by direction, where it has rules of it
  std::vector<PreparedRule> rules[2];
};

struct PreparedRules {
  // `world` outlives it.
  explicit PreparedRules(const ir::eval::World& world);
  // Those that could select somebody of this namespace, or of none that is known: in their order.
  std::vector<const PreparedPolicy*> of_namespace(const std::optional<std::string>& ns) const;

  std::vector<PreparedPolicy> policies;
  const ir::eval::AddressLabels address_labels;
  // What toFQDNs ask for, by their text: addresses outside have labels `fqdn:TEXT` of them (section 2.1).
  std::map<std::string, ir::eval::AddressList> names;
  // What endpoints of the cluster call a port; 0: they disagree.
  std::map<std::pair<std::string, ir::Protocol>, std::uint16_t> known_ports;

 private:
  std::map<std::string, std::vector<std::uint32_t>> by_namespace_;  // policies that select within one
  std::vector<std::uint32_t> clusterwide_;
};

// Whether a selector asks for a label that an address has by this name.
inline bool asks_for_name(const ir::Requirement& requirement, const std::string& text) {
  return requirement.key == text && (requirement.source == "fqdn" || requirement.source == "any");
}

// QUIRK: endPort beside a port's name, before 1.20 (section 1.6).
inline bool is_named_range(const ir::PortMatch& match) { return !match.name.empty() && match.last != 0; }
inline bool has_named_range(const ir::Rule& rule) {
  return std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) { return std::any_of(item.ports.begin(), item.ports.end(), is_named_range); });
}

inline bool is_clusterwide(const ir::Policy& policy) {
  return policy.kind == ir::PolicyKind::CiliumClusterwideNetworkPolicy || policy.kind == ir::PolicyKind::ClusterNetworkPolicy;
}
inline std::size_t index(ir::Direction direction) { return direction == ir::Direction::Ingress ? 0 : 1; }

}  // namespace netpolc::verify::symbolic
