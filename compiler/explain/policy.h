// compiler/explain/policy.h — what one policy object means here and now: whom it selects, what it switches on, and each rule in
// words with who matches it. Explanations only: verdicts are the interpreter's.
#pragma once
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "compiler/explain/why.h"

namespace netpolc::explain {

struct PeerView {
  std::string words;               // "pods with app=web in namespace shop"
  std::string selector = {};       // as Cilium sees it, of label selectors
  std::vector<std::string> now = {};  // who matches now: endpoints, entities, addresses; sorted as the cluster has them
  bool open = false;               // what it means is outside: who matches can't be listed
  std::vector<std::string> notes = {};
};

struct PortsView {
  std::string words;               // "TCP 8080, TCP `http`"
  std::vector<std::string> l7;     // what a proxy lets pass; none: no proxy
  std::vector<std::string> notes;  // named ports, ports of services
};

// One element as written; a NetworkPolicy's rule is several rules of the IR, one a peer.
struct RuleView {
  ir::RuleRef ref;
  ir::Direction direction = ir::Direction::Ingress;
  ir::Action action = ir::Action::Allow;
  std::vector<PeerView> peers;
  std::vector<PortsView> ports;
  std::string auth;
  std::vector<std::string> notes;  // "no effect now: …"
};

struct DirectionView {
  ir::Direction direction = ir::Direction::Ingress;
  std::size_t rules = 0;
  bool default_deny = false;         // switched on by this spec
  std::vector<std::string> alone;    // those for whom no other policy does
};

struct SpecView {
  std::size_t policy = 0;  // index into PolicySet::policies
  std::string words, selector;
  std::vector<std::string> selected;
  std::vector<std::string> notes;
  DirectionView directions[2];
  std::vector<RuleView> rules;  // deny before allow
};

struct PolicyQuery {
  std::string reference;  // "ns/name" or "name"
  std::string kind;       // "" for any
  std::string ns = {};    // of a name without one; policies of all namespaces, which are of none, go by their name alone. "" for any
};
// The specs of the one object that is meant, as indices. An error says what there is instead.
tl::expected<std::vector<std::size_t>, std::string> find_policy(const PolicyQuery& query, const ir::PolicySet& policies);
// Names of those of the kind and in the namespace, sorted, each once.
std::vector<std::string> policy_names(const PolicyQuery& query, const ir::PolicySet& policies);

// "pods with app=web in namespace shop", "the hosts of nodes with …".
std::string subject_words(const ir::Policy& policy);
// Whether its rules of this direction switch on default deny.
bool denies_by_default(const ir::Policy& policy, ir::Direction direction, const ir::Config& config);
SpecView view_of(std::size_t policy, const Sources& sources);

std::string policy_text(const std::vector<SpecView>& specs, const Sources& sources, bool wide);
std::string policy_json(const std::vector<SpecView>& specs, const Sources& sources);

std::string full_name(const ir::Policy& policy);  // "shop/web", "everyone" of a clusterwide one

}  // namespace netpolc::explain
