#include "compiler/explain/policy.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/explain/peers.h"
#include "compiler/explain/ports.h"
#include "compiler/explain/words.h"
#include "ir/base/near_names.h"

namespace netpolc::explain {
namespace {

namespace eval = ir::eval;
using ir::Direction;

std::string kind_and_name(const ir::Policy& policy) { return std::string(ir::to_string(policy.kind)) + " " + full_name(policy); }

bool is_clusterwide(const ir::Policy& policy) {
  return policy.kind == ir::PolicyKind::CiliumClusterwideNetworkPolicy || policy.kind == ir::PolicyKind::ClusterNetworkPolicy;
}

struct Subject {
  std::string name;
  verify::SubjectId id = 0;
  std::optional<std::uint32_t> endpoint = std::nullopt;
};

std::vector<Subject> selected(const ir::Policy& policy, const Sources& sources) {
  std::vector<Subject> out;
  const ir::Cluster& cluster = sources.world.cluster;
  verify::Encounters& encounters = sources.judge.encounters();
  const auto add = [&](std::string name, std::optional<verify::SubjectId> id, std::optional<std::uint32_t> endpoint) {
    if (id && eval::selects(policy, encounters.subject(*id))) out.push_back({std::move(name), *id, endpoint});
  };
  for (std::uint32_t e = 0; e < cluster.endpoints.size(); ++e) add(cluster.endpoints[e].ns + "/" + cluster.endpoints[e].name, encounters.endpoint_subject(e), e);
  for (std::uint32_t n = 0; n < cluster.nodes.size(); ++n) add("node " + cluster.nodes[n].name, encounters.host_subject(n), std::nullopt);
  return out;
}

// Endpoints that every node has, and that no manifest shows.
std::vector<std::string> unseen(const ir::Policy& policy) {
  std::vector<std::string> out;
  if (policy.subject_is_node || !is_clusterwide(policy)) return out;
  for (const char* entity : {"health", "ingress"})
    if (eval::matches(policy.subject, {{"reserved", entity, ""}})) out.push_back(entity);
  return out;
}

class SpecExplainer {
 public:
  SpecExplainer(std::size_t index, const Sources& sources)
      : sources_(sources), policy_(sources.world.policies.policies[index]), population_(sources), subjects_(selected(policy_, sources)) {
    out_.policy = index;
  }

  SpecView view() {
    select();
    for (const Direction direction : {Direction::Ingress, Direction::Egress}) out_.directions[direction == Direction::Egress] = switched_on(direction);
    for (std::uint32_t r = 0; r < policy_.rules.size(); ++r) add_rule(r);
    for (RuleView& rule : out_.rules) rule.ports = ports_view(with_all_peers(rule.ref.rule), endpoints(), population_, sources_);
    std::stable_sort(out_.rules.begin(), out_.rules.end(), [](const RuleView& a, const RuleView& b) {
      const auto rank = [](const RuleView& rule) { return std::pair(rule.direction, rule.action == ir::Action::Deny ? 0 : 1); };
      return rank(a) < rank(b);
    });
    // In a ClusterNetworkPolicy the order is what decides.
    if (policy_.kind == ir::PolicyKind::ClusterNetworkPolicy) std::stable_sort(out_.rules.begin(), out_.rules.end(), [](const RuleView& a, const RuleView& b) { return a.ref < b.ref; });
    return std::move(out_);
  }

 private:
  const ir::Config& config() const { return sources_.world.cluster.config; }

  void select() {
    out_.words = subject_words(policy_);
    out_.selector = ir::to_string(policy_.subject);
    for (const Subject& subject : subjects_) out_.selected.push_back(subject.name);
    if (subjects_.empty()) out_.notes.push_back("no effect now: it selects nobody");
    if (const auto more = unseen(policy_); !more.empty()) out_.notes.push_back("it also selects the " + listed(more, 0) + " endpoint of each node, which no manifest shows");
    if (policy_.subject_is_node && !config().host_firewall) out_.notes.push_back("no effect now: the host firewall is off (`enable-host-firewall`)");
    if (config().mode == ir::PolicyMode::Never) out_.notes.push_back("no effect now: `enable-policy` is `never`");
    for (const ir::Endpoint& endpoint : sources_.world.cluster.endpoints)
      if (endpoint.host_network && !policy_.subject_is_node && (is_clusterwide(policy_) || endpoint.ns == policy_.ns) && eval::matches(policy_.subject, endpoint.labels))
        out_.notes.push_back(endpoint.ns + "/" + endpoint.name + " has these labels, but is in the host's network: to policy it is its node");
  }

  DirectionView switched_on(Direction direction) {
    DirectionView out{direction, 0, false, {}};
    for (const ir::Rule& rule : policy_.rules) out.rules += rule.direction == direction;
    out.default_deny = out.rules != 0 && denies_by_default(policy_, direction, config());
    if (!out.default_deny) return out;
    std::map<verify::SubjectId, bool> alone;
    for (const Subject& subject : subjects_) {
      const auto [known, fresh] = alone.try_emplace(subject.id);
      if (fresh) known->second = only_here(subject.id, direction);
      if (known->second) out.alone.push_back(subject.name);
    }
    return out;
  }

  // Whether no other object switches it on for the subject.
  bool only_here(verify::SubjectId id, Direction direction) {
    if (config().mode != ir::PolicyMode::Default) return false;
    const ir::Subject& subject = sources_.judge.encounters().subject(id);
    for (const ir::Policy& other : sources_.world.policies.policies) {
      if (other.kind == policy_.kind && other.ns == policy_.ns && other.name == policy_.name) continue;
      const bool rules = std::any_of(other.rules.begin(), other.rules.end(), [&](const ir::Rule& rule) { return rule.direction == direction; });
      if (rules && denies_by_default(other, direction, config()) && eval::selects(other, subject)) return false;
    }
    return true;
  }

  std::vector<ir::Requirement> required(const ir::Rule& rule) const {
    std::vector<ir::Requirement> out;
    if (config().version >= 19) return out;
    for (const ir::Rule& other : policy_.rules) {
      if (other.direction != rule.direction || (other.action == ir::Action::Allow) != (rule.action == ir::Action::Allow)) continue;
      for (const ir::Selector& selector : other.requires_all) out.insert(out.end(), selector.requirements.begin(), selector.requirements.end());
    }
    return out;
  }

  void add_rule(std::uint32_t index) {
    const ir::Rule& rule = policy_.rules[index];
    const auto same = [&](const RuleView& view) { return policy_.rules[view.ref.rule].path == rule.path; };
    auto at = std::find_if(out_.rules.begin(), out_.rules.end(), same);
    if (at == out_.rules.end()) at = out_.rules.insert(at, RuleView{{static_cast<std::uint32_t>(out_.policy), index}, rule.direction, rule.action, {}, {}, auth_words(rule.auth), {}});
    RuleView& view = *at;
    add_peers(rule, view);
    // Judged anew for each of its peers: the last one has seen all.
    view.notes = notes(rule, view);
  }

  ir::Rule with_all_peers(std::uint32_t index) const {
    ir::Rule out = policy_.rules[index];
    for (std::size_t r = index + 1; r < policy_.rules.size(); ++r)
      if (policy_.rules[r].path == out.path) out.peers.insert(out.peers.end(), policy_.rules[r].peers.begin(), policy_.rules[r].peers.end());
    return out;
  }

  std::vector<std::uint32_t> endpoints() const {
    std::vector<std::uint32_t> out;
    for (const Subject& subject : subjects_)
      if (subject.endpoint) out.push_back(*subject.endpoint);
    return out;
  }

  void add_peers(const ir::Rule& rule, RuleView& view) {
    const auto required_labels = required(rule);
    for (const ir::Peer& peer : rule.peers) view.peers.push_back(population_.view(peer, rule, required_labels));
    const bool unresolved = rule.peer_kind == ir::PeerKind::Listed && !rule.any_l4 && eval::resolve_peers(rule, {sources_.world, required_labels, eval::NamedPorts{}}).size() == 1 && !view.peers.empty() && std::holds_alternative<ir::ServicePeer>(rule.peers.front()) && view.peers.front().now.empty();
    if ((rule.peer_kind == ir::PeerKind::Unspecified && !rule.any_l4) || unresolved) {
      PeerView everyone{.words = "everyone: pods, nodes and the world"};
      if (unresolved) everyone.notes.push_back("since its services stand for nobody, the ports count for everyone");
      everyone.open = true;
      view.peers.push_back(std::move(everyone));
    }
  }

  std::vector<std::string> notes(const ir::Rule& rule, const RuleView& view) const {
    std::vector<std::string> out;
    if (!rule.requires_all.empty() && config().version < 19) out.push_back("requires labels of every peer that this and other policies select in this direction");
    const bool allow = rule.action == ir::Action::Allow;
    if (rule.peer_kind == ir::PeerKind::Nobody) return out.push_back("an empty list of peers: it " + std::string(allow ? "allows" : "denies") + " nothing, and counts for default deny only"), out;
    if (view.peers.empty()) return out.push_back(std::string("without peers and ports: it ") + (allow ? "allows" : "denies") + " nothing, and counts for default deny only"), out;
    if (std::all_of(view.peers.begin(), view.peers.end(), [](const PeerView& peer) { return peer.now.empty() && !peer.open; })) out.push_back("no effect now: it matches nobody");
    if (!rule.any_l4 && std::all_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) { return item.ports.empty(); })) out.push_back("no effect: its `toPorts` have no port");
    return out;
  }

  const Sources& sources_;
  const ir::Policy& policy_;
  const Population population_;
  const std::vector<Subject> subjects_;
  SpecView out_;
};

bool is_in(const ir::Policy& policy, const std::string& ns) { return ns.empty() || policy.ns.empty() || policy.ns == ns; }

}  // namespace

std::vector<std::string> policy_names(const PolicyQuery& query, const ir::PolicySet& policies) {
  std::set<std::string> out;
  for (const ir::Policy& policy : policies.policies)
    if ((query.kind.empty() || query.kind == ir::to_string(policy.kind)) && is_in(policy, query.ns)) out.insert(full_name(policy));
  return {out.begin(), out.end()};
}

std::string full_name(const ir::Policy& policy) { return policy.ns.empty() ? policy.name : policy.ns + "/" + policy.name; }

tl::expected<std::vector<std::size_t>, std::string> find_policy(const PolicyQuery& query, const ir::PolicySet& policies) {
  std::map<std::string, std::vector<std::size_t>> found;  // by kind and name
  for (std::size_t p = 0; p < policies.policies.size(); ++p) {
    const ir::Policy& policy = policies.policies[p];
    if (!query.kind.empty() && query.kind != ir::to_string(policy.kind)) continue;
    if (full_name(policy) == query.reference || (policy.name == query.reference && is_in(policy, query.ns))) found[kind_and_name(policy)].push_back(p);
  }
  const bool bare = query.reference.find('/') == std::string::npos && !query.ns.empty();
  const std::string asked = bare ? query.ns + "/" + query.reference : query.reference;
  const PolicyQuery any{.reference = "", .kind = query.kind};
  if (found.empty()) return tl::unexpected("no policy `" + asked + "`" + (query.kind.empty() ? "" : " of kind " + query.kind) + did_you_mean(asked, policy_names(any, policies)));
  if (found.size() == 1) return found.begin()->second;
  std::string all;
  for (const auto& [name, indices] : found) all += (all.empty() ? "" : ", ") + name;
  return tl::unexpected("`" + query.reference + "` may be any of: " + all + "; say which with NAMESPACE/NAME and --kind");
}

std::string subject_words(const ir::Policy& policy) {
  if (policy.subject_is_node) return "the hosts of nodes with " + ir::to_string(policy.subject);
  ir::Selector of_pods = policy.subject;
  // Nothing is added to the subject of a clusterwide policy.
  const bool scoped = std::any_of(of_pods.requirements.begin(), of_pods.requirements.end(), [](const ir::Requirement& one) { return one.source == "reserved" || one.key == kNamespaceKey || one.key.starts_with("io.cilium.k8s.namespace.labels."); });
  if (is_clusterwide(policy) && !scoped) of_pods.requirements.push_back({"k8s", std::string(kNamespaceKey), ir::Operator::Exists, {}});
  return selector_words(of_pods);
}

bool denies_by_default(const ir::Policy& policy, Direction direction, const ir::Config& config) {
  if (policy.tier != ir::Tier::Normal) return false;
  return !config.non_default_deny_policies || (direction == Direction::Ingress ? policy.default_deny_ingress : policy.default_deny_egress);
}

SpecView view_of(std::size_t policy, const Sources& sources) { return SpecExplainer(policy, sources).view(); }

}  // namespace netpolc::explain
