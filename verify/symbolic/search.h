// verify/symbolic/search.h — one search: a connection between two ends, of which at least one may be a pod with unknown
// labels. Finds, makes small, and says in the model's words; or says which guards forbid it.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "verify/claims.h"
#include "verify/symbolic/encode.h"

namespace netpolc::verify::symbolic {

// One end of a search.
struct Choice {
  const PodPattern* pattern = nullptr;  // or somebody that there is:
  std::string name;
  const ir::Subject* subject = nullptr;
  const ir::PeerFacts* facts = nullptr;
  std::string dns_name = {};  // that resolves to it
  bool names_known = false;   // an address outside has the names that are known to resolve to it, and no others
  // Of a pattern: whether this endpoint can meet the other end as that is seen here (a node is another one to its own pods).
  // None: each can.
  std::function<bool(std::uint32_t)> may_be = {};
  // Of somebody that there is, where the other set knows them as somebody else: as that set does. Both or neither.
  const ir::Subject* other_subject = nullptr;
  const ir::PeerFacts* other_facts = nullptr;
};

// What a model says of an end.
struct Met {
  std::string name;
  std::optional<ir::Subject> subject;      // none: nothing is enforced for it
  ir::PeerFacts facts;
  bool is_new = false;                     // no endpoint of the cluster
  std::optional<std::uint32_t> endpoint = std::nullopt;  // of the cluster, that a pattern means
  std::vector<ir::NamedPort> identity_ports = {};  // of a new one: what policy knows its identity's ports by, from 1.20 on; 0: nothing
};
struct Model {
  Met from, to;
  ir::Flow flow;
  std::optional<ir::Request> request;
  std::vector<std::string> names;  // that resolve to the address that `to` is
  bool unmodelled = false;  // it may turn on what lists let pass that are not modelled
  std::vector<ir::NamedPort> cluster_ports;  // what egress rules' names mean, before 1.20; 0: nothing
};
struct Forbidden {
  std::vector<Forbids> because;
  bool possible = true;  // such ends and such traffic could be
  bool request_possible = true;  // where not: such a request could
};
using Outcome = std::variant<Model, Forbidden, NotKnown>;

struct SearchWorld {
  const ir::eval::World& world;
  const PreparedRules& rules;
  const Universe& universe;
  SolverBudget budget;
  // What is allowed above and denied by these is looked for, if there are any. The same cluster.
  const ir::eval::World* other = nullptr;
  const PreparedRules* other_rules = nullptr;
};

// `alike`: two sets are compared that have the same rules for these ends, so that only whether there can be such ends is asked.
Outcome search(const SearchWorld& world, z3::context& context, const Inquiry& inquiry, const Choice& from, const Choice& to, bool alike, std::uint64_t& steps);

}  // namespace netpolc::verify::symbolic
