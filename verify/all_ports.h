// verify/all_ports.h — everything that may pass between two references, on every protocol and
// port: answered from decision tables, both ends together. The cost of a pair is a few look-ups;
// sets are computed once for each distinct table, set of selector bits, and pair of sets.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/decide/table.h"
#include "verify/judge.h"
#include "verify/side_access.h"

namespace netpolc::verify {

// What answers are given for: all ends that people know by one name.
struct Party {
  std::string name;
  std::vector<End> ends;
};
using Parties = std::vector<Party>;

struct Traffic {
  Word word = Word::Denied;
  AccessId allowed = nothing;   // in every case that the names stand for
  AccessId possible = nothing;  // in some case: more than `allowed` where replicas, nodes or addresses differ
  std::string reason;           // of Undecided
};

class AllPorts {
 public:
  // Everything outlives it. `judge` names the ends, and judges peers that have no identity.
  AllPorts(const ir::eval::World& world, const ir::IdentityLock& lock, Judge& judge);

  // `any` is every workload and everything else that policies tell apart: the node's host and
  // other nodes, the API server, the world, and each external prefix with an identity.
  tl::expected<Parties, RefError> parties(const std::string& reference) const;
  Traffic between(const Party& from, const Party& to);
  // Whether policy of either party's says anything: false between externals.
  bool decided(const Party& from, const Party& to) const;
  // Of each party the number of its class: parties of one class may send and receive the same, from and to everybody
  // in `parties`, each other included. Classes are numbered as they appear. Costs little per party, and nothing per pair.
  std::vector<std::uint32_t> classes(const Parties& parties);

  // What tables alone say of a party, for whoever compares many without asking about each pair: one end, which is the same
  // to everybody, with an identity. None: ask `cases`. What X may send to Y, both of this kind, is what X's egress says of Y's
  // identity and Y's ingress of X's, but for the overlay's port of nodes.
  struct Plain {
    std::uint32_t identity = 0;
    bool judged = false;                                       // somebody's policy is asked
    const SideAccess *ingress = nullptr, *egress = nullptr;  // of `judged`; owned by this
  };
  std::optional<Plain> plain(const Party& party);
  // What `between` draws together: one by one. Precondition: neither is incomputable.
  struct Case {
    Meeting meeting;
    AccessId access = nothing;
  };
  std::vector<Case> cases(const Party& from, const Party& to);
  // What policy of one side says, whatever the other's says. Precondition: it is not incomputable.
  AccessId side(SubjectId subject, ir::Direction direction, FactsId peer);
  // The first reason of any end. Owned by the judge.
  const ir::Incomputable* incomputable(const Party& party);
  // Of every end that has one. Owned by this.
  std::vector<const ir::DecisionTable*> tables(const Party& party);
  bool managed(const Party& party) const;
  // Of endpoints, and of hosts where they are managed: as many programs are compiled of them at most.
  std::size_t distinct_policies() const { return decisions_.tables.size(); }

  const AccessSets& sets() const { return sets_; }
  const ir::Identities& identities() const { return identities_; }
  // Called once for each side that an answer is made of and that has a table: whose policy, for whom, and what it allows.
  using SideCheck = std::function<void(const ir::Subject&, ir::Direction, const ir::PeerFacts&, const Access&)>;
  void check_sides(SideCheck check) { check_ = std::move(check); }

 private:
  void index_identities();
  void index_subjects();
  void add_nodes(Parties& out) const;
  void add_prefixes(Parties& out) const;

  std::optional<std::uint32_t> identity_of(FactsId peer);
  std::optional<std::uint32_t> find_identity(const ir::PeerFacts& facts) const;
  const ir::DecisionTable* table_of(SubjectId subject) const;
  const SideAccess& side_of(std::uint32_t table, ir::Direction direction);
  AccessId checked(SubjectId subject, ir::Direction direction, FactsId peer, AccessId access);
  AccessId interpreted(SubjectId subject, ir::Direction direction, FactsId peer, const ir::DecisionTable& table);
  const std::vector<Stretch>& all_stretches();
  const ir::Incomputable* incomputable(SubjectId subject);
  AccessId sendable(const Meeting& meeting);
  AccessId passing(const Meeting& meeting);
  struct Side;
  Side all_sides(ir::Direction direction);
  std::optional<Encounters::Face> plain_face(const Party& party);
  bool add(const Meeting& meeting, const Party& from, const Party& to, const End& end, bool first, Traffic& out);

  const ir::eval::World world_;
  Judge& judge_;
  const ir::Identities identities_;
  const ir::Decisions decisions_;
  AccessSets sets_;
  std::unordered_map<std::string, std::uint32_t> identity_ids_;      // by labels and ports
  std::vector<std::optional<std::uint32_t>> subject_tables_;         // by SubjectId
  std::vector<std::optional<SideAccess>> ingress_, egress_;          // by table
  std::vector<std::optional<std::optional<std::uint32_t>>> peers_;   // by FactsId: its identity, if it has one
  std::unordered_map<std::uint64_t, AccessId> interpreted_;
  std::vector<Stretch> all_stretches_;
  SideCheck check_;
  std::unordered_set<std::uint64_t> checked_;  // table, peer and direction
};

}  // namespace netpolc::verify
