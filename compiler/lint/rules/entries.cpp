// Rules about entries that say more or less than they seem to: what is empty, and what is cut in two (semantics reference,
// sections 1.5, 4.2 and 6.1).
#include <algorithm>
#include <set>

#include "compiler/lint/selectors.h"

namespace netpolc::lint {
namespace {

using ir::Direction;

constexpr Direction kDirections[] = {Direction::Ingress, Direction::Egress};
const char* word(Direction direction) { return direction == Direction::Ingress ? "ingress" : "egress"; }

// An entry as it is written: in a NetworkPolicy each of its peers is a rule.
struct Entry {
  const ir::Rule* first;
  bool everyone = false;  // names no peers
};

bool is_everyone(const ir::Rule& rule) {
  if (rule.peer_kind == ir::PeerKind::Unspecified) return !rule.any_l4;
  if (rule.peer_kind != ir::PeerKind::Listed || rule.peers.size() != 1) return false;
  const auto* labels = std::get_if<ir::LabelPeer>(&rule.peers.front());
  return labels != nullptr && labels->selector.requirements.empty() && labels->endpoints;
}

// Of a direction; none where something is denied, too.
std::vector<Entry> entries_of(const ir::Policy& policy, Direction direction) {
  std::vector<Entry> out;
  for (const ir::Rule& rule : policy.rules) {
    if (rule.direction != direction) continue;
    if (rule.action != ir::Action::Allow) return {};
    if (out.empty() || out.back().first->where != rule.where) out.push_back({&rule, is_everyone(rule)});
  }
  return out;
}

// ---- everyone, in a NetworkPolicy ----------------------------------------------------------------
void find_everyone(const Facts& facts, Findings& out) {
  for (const ir::Policy& policy : facts.policies()) {
    if (policy.kind != ir::PolicyKind::NetworkPolicy) continue;
    for (const Direction direction : kDirections) {
      const auto entries = entries_of(policy, direction);
      if (entries.size() < 2) continue;
      for (const Entry& entry : entries) {
        if (!entry.everyone || !entry.first->any_l4) continue;
        out.push_back({.kind = DiagKind::EntryOfEveryone,
                       .where = entry.first->where,
                       .message = std::string("this entry allows all ") + word(direction) + ", so the other entries change nothing",
                       .label = "remove it, or name whom it is for",
                       .severity = Severity::Warning});
      }
    }
  }
}

// ---- no rules in a list --------------------------------------------------------------------------
bool has_rules(const ir::Policy& policy, Direction direction) {
  return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& rule) { return rule.direction == direction; });
}

// Only files that such words are in are read again.
std::set<FileId> files_with_empty_lists(const SourceManager& sources) {
  std::set<FileId> out;
  for (std::uint32_t file = 0; file < sources.size(); ++file)
    if (sources.text({file}).find("gress: []") != std::string_view::npos) out.insert({file});
  return out;
}

void find_empty_list(const Facts& facts, Findings& out) {
  const auto files = files_with_empty_lists(facts.places().sources());
  for (const ir::Policy& policy : facts.policies()) {
    const bool cilium = policy.kind == ir::PolicyKind::CiliumNetworkPolicy || policy.kind == ir::PolicyKind::CiliumClusterwideNetworkPolicy;
    if (!cilium || files.count(policy.where.file) == 0) continue;
    const frontend::Node* spec = facts.places().node_at(policy.where);
    if (spec == nullptr || !spec->is_mapping()) continue;
    for (const Direction direction : kDirections) {
      const frontend::Node* list = spec->find(word(direction));
      if (list == nullptr || !list->is_sequence() || !list->items.empty() || has_rules(policy, direction)) continue;
      out.push_back({.kind = DiagKind::EmptyRuleList,
                     .where = list->span,
                     .message = std::string("an empty `") + word(direction) + "` has no effect: all " + word(direction) + " stays allowed",
                     .label = "`[{}]` denies it; leave the list out to say nothing",
                     .severity = Severity::Warning});
    }
  }
}

// ---- an entry in two -----------------------------------------------------------------------------
bool is_plain(const ir::Rule& rule) {
  return std::all_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) { return !item.l7.redirects() && !item.ports.empty(); });
}

// Entities are mostly let in on every port, and beside them everyone on some.
bool is_for_pods(const ir::Rule& rule) {
  return std::all_of(rule.peers.begin(), rule.peers.end(), [](const ir::Peer& peer) {
    const auto* labels = std::get_if<ir::LabelPeer>(&peer);
    return labels != nullptr && labels->endpoints;
  });
}

void find_split(const Facts& facts, Findings& out) {
  for (const ir::Policy& policy : facts.policies())
    for (const Direction direction : kDirections) {
      const auto entries = entries_of(policy, direction);
      if (entries.size() != 2) continue;
      const Entry &peers = entries[0], &ports = entries[1];
      if (peers.everyone || peers.first->peer_kind != ir::PeerKind::Listed || !peers.first->any_l4 || !is_for_pods(*peers.first)) continue;
      if (!ports.everyone || ports.first->any_l4 || !is_plain(*ports.first)) continue;
      out.push_back({.kind = DiagKind::SplitEntry,
                     .where = ports.first->where,
                     .message = "this entry names ports and no peers, the one before it peers and no ports: each is enough",
                     .label = "everyone is allowed on these ports; without the `-` they belong to the peers above",
                     .notes = {{peers.first->where, "allowed on every port"}},
                     .severity = Severity::Note});
    }
}

// ---- a peer in two -------------------------------------------------------------------------------
// A mapping with this key alone, that asks for something.
bool is_only(const frontend::Node& peer, const char* key) {
  if (!peer.is_mapping() || peer.entries.size() != 1) return false;
  const frontend::Node* selector = peer.find(key);
  return selector != nullptr && selector->is_mapping() && !selector->entries.empty();
}

// Namespaces by their labels, then pods of the policy's own: worth reading the text again.
bool may_be_two(const ir::Policy& policy, const ir::Rule& namespaces, const ir::Rule& pods) {
  const auto *first = std::get_if<ir::LabelPeer>(&namespaces.peers.front()), *second = std::get_if<ir::LabelPeer>(&pods.peers.front());
  if (first == nullptr || second == nullptr || namespace_of(second->selector) != policy.ns) return false;
  return std::any_of(first->selector.requirements.begin(), first->selector.requirements.end(), [](const ir::Requirement& one) { return one.key.rfind("io.cilium.k8s.namespace.labels.", 0) == 0; });
}

void find_two_peers(const Facts& facts, Findings& out) {
  for (const ir::Policy& policy : facts.policies()) {
    if (policy.kind != ir::PolicyKind::NetworkPolicy) continue;
    for (std::size_t r = 0; r + 1 < policy.rules.size(); ++r) {
      const ir::Rule& rule = policy.rules[r];
      if (policy.rules[r + 1].where != rule.where || (r > 0 && policy.rules[r - 1].where == rule.where)) continue;
      if (!may_be_two(policy, rule, policy.rules[r + 1])) continue;
      const frontend::Node* entry = facts.places().node_at(rule.where);
      const frontend::Node* list = entry == nullptr || !entry->is_mapping() ? nullptr : entry->find(rule.direction == Direction::Ingress ? "from" : "to");
      if (list == nullptr || list->items.size() != 2 || !is_only(list->items[0], "namespaceSelector") || !is_only(list->items[1], "podSelector")) continue;
      out.push_back({.kind = DiagKind::TwoPeers,
                     .where = list->items[1].entries.front().first.span,
                     .message = "`namespaceSelector` and `podSelector` are two peers here, and either is enough",
                     .label = "these pods of this namespace, and all pods of those; without the `-` both are asked for",
                     .severity = Severity::Note});
    }
  }
}

}  // namespace

std::vector<Rule> entry_rules() {
  return {
          {DiagKind::EntryOfEveryone, Severity::Warning, Needs::Policies, find_everyone,
           "In a NetworkPolicy an entry that names neither peers nor ports allows everyone. Entries add up: those beside it change "
           "nothing. (In Cilium's own policies such an entry allows nobody: NP011.) Alone, `ingress: [{}]` is how one writes that "
           "all is allowed, and nothing is said.",
           R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  podSelector: {matchLabels: {app: cart}}
  ingress:
  - {}
  - from: [{podSelector: {matchLabels: {app: checkout}}}]
)",
           R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  podSelector: {matchLabels: {app: cart}}
  ingress:
  - {}
)"},
          {DiagKind::EmptyRuleList, Severity::Warning, Needs::Policies, find_empty_list,
           "In Cilium's own policies a list without entries is the same as no list: it does not even deny by default. In a "
           "NetworkPolicy `ingress: []` denies all. Write `ingress: [{}]` to deny, or leave the list out.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress: []
  egress:
  - toEndpoints: [{matchLabels: {app: checkout}}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress: [{}]
  egress:
  - toEndpoints: [{matchLabels: {app: checkout}}]
)"},
          {DiagKind::SplitEntry, Severity::Note, Needs::Policies, find_split,
           "Peers and ports of one entry must both be met; entries add up. A `-` too many makes two entries of one: then the peers "
           "are allowed on every port, and everyone on these ports. A note, since that may be what is meant.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: checkout}}]
  - toPorts:
    - ports: [{port: "8080"}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - fromEndpoints: [{matchLabels: {app: checkout}}]
    toPorts:
    - ports: [{port: "8080"}]
)"},
          {DiagKind::TwoPeers, Severity::Note, Needs::Policies, find_two_peers,
           "In a NetworkPolicy the items of `from` and `to` add up. `namespaceSelector` and `podSelector` in one item mean these "
           "pods of those namespaces; in two items they mean all pods of those namespaces, and these pods of the policy's own. A "
           "note, since that may be what is meant.",
           R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  podSelector: {matchLabels: {app: cart}}
  ingress:
  - from:
    - namespaceSelector: {matchLabels: {team: blue}}
    - podSelector: {matchLabels: {app: checkout}}
)",
           R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: cart
  namespace: shop
spec:
  podSelector: {matchLabels: {app: cart}}
  ingress:
  - from:
    - namespaceSelector: {matchLabels: {team: blue}}
      podSelector: {matchLabels: {app: checkout}}
)"}};
}

}  // namespace netpolc::lint
