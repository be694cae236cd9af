// verify/claims.h — questions about every packet and every pod that could ever be: is there a connection between these
// and those that is allowed (or denied, or allowed without a proxy)? The solver looks for one among pods with unknown
// labels; what it finds is made small, replayed through the interpreter, and shown; if it finds none, the rules that forbid
// it are named. Claims (`never`, `only`, `isolated` …) are such questions whose answer should be no.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/request.h"
#include "verify/judge.h"
#include "verify/scene.h"
#include "verify/symbolic/request_range.h"
#include "verify/symbolic/traffic_range.h"
#include "verify/symbolic/universe.h"

namespace netpolc::verify {

// Who is meant: pods by pattern, also those that don't exist, and ends that do.
struct EndSet {
  std::string name;
  std::vector<PodPattern> pods;
  Ends ends;
  std::vector<IpPrefix> prefixes;  // of references to addresses outside: all of them
};

enum class Wanted : std::uint8_t { Allowed, Denied, AllowedWithoutProxy };

struct Inquiry {
  std::string name;  // of the question: what an undecided answer is called
  EndSet from, to;
  EndSet not_from, not_to;  // left out
  FlowRange traffic;
  std::vector<FlowRange> not_traffic;    // each of a protocol: left out
  // A request over such a connection, which is allowed if both sides let it pass. Not with AllowedWithoutProxy.
  std::optional<RequestRange> request = std::nullopt;
  bool other_requests = false;  // of that kind, which are not so
  Wanted wanted = Wanted::Allowed;
  std::vector<std::string> without;      // keys of labels that no pod by pattern has
  // Allowed (without a proxy, if that is wanted) by one policy set and not by the other: by the first and not the second, or the other way round.
  enum class Compare : std::uint8_t { No, FirstAllows, SecondAllows } compare = Compare::No;
  std::optional<std::string> differing;  // label key: the two ends have different values of it (or one lacks it)
  bool unknown_alike = false;  // sets that both let pass what is not modelled do not differ in that
};

struct WitnessSide {
  std::string subject;
  ir::SideVerdict verdict;
  std::optional<ir::RequestVerdict> request = std::nullopt;  // where one was asked about
};
// A connection that is as wanted.
struct Witness {
  std::string from, to;  // an end that exists, or "ns/[labels]" of a pod that could
  ir::Flow flow;
  std::optional<ir::Request> request;
  std::optional<WitnessSide> egress, ingress;  // none: nothing is enforced there
  std::optional<WitnessSide> other_egress, other_ingress;  // where two policy sets are compared: what the other one says
  std::vector<std::string> besides;            // what else must be so: other pods' named ports
  std::shared_ptr<const Scene> scene, other_scene;  // where it was replayed, and where with the other set
};

struct Found {
  Witness witness;
};
// What forbids: a deny rule; a policy that turns on default deny, by its first rule in that direction; or that a rule's
// lists have no such request.
struct Forbids {
  ir::RuleRef rule;
  bool by_default = false;
  bool by_list = false;
  auto operator<=>(const Forbids&) const = default;
};
// There is none. `because`: what suffices to forbid it; `possible`: whether there could be such ends and such traffic at
// all, and `request_possible`, where not, whether there could be such a request; `left_out`: what the answer does not speak of.
struct NoneFound {
  std::vector<Forbids> because;
  bool possible = true;
  bool request_possible = true;
  bool nothing_enforced = false;  // where not possible: there are such ends, but no policy is for either
  std::vector<std::string> left_out;
};
struct NotKnown {
  std::string why;
};
using Finding = std::variant<Found, NoneFound, NotKnown>;

struct SolverBudget {
  std::uint32_t steps = 100'000'000;
  std::uint32_t milliseconds = 60'000;
};

class Claims {
 public:
  // Everything outlives it. `other`: a second policy set, for comparisons, over the same cluster; then `judge`, which
  // says who the ends are, has the policies of both.
  Claims(const ir::eval::World& world, Judge& judge, KeepsLabel keeps, SolverBudget budget = {}, const ir::eval::World* other = nullptr);
  ~Claims();

  // "[k=v]" and "ns/[k=v]" are every pod that could be so; "any" is every pod and everybody else; the rest is what it is
  // to `Directory`. `cuts`: prefixes that shall not be mixed with what is around them, where addresses outside are meant.
  tl::expected<EndSet, RefError> ends(const std::string& reference, const std::vector<IpPrefix>& cuts = {}) const;
  // Throws std::logic_error where a witness doesn't survive its replay: then one of the engines is wrong.
  Finding look_for(const Inquiry& inquiry);
  std::uint64_t solver_steps() const { return steps_; }

 private:
  Ends node_ends(const std::function<bool(const ir::Node&)>& wanted) const;
  struct Prepared;
  const ir::eval::World world_;
  Judge& judge_;
  KeepsLabel keeps_;
  SolverBudget budget_;
  const ir::eval::World* const other_;
  std::unique_ptr<Prepared> prepared_, other_prepared_;
  std::uint64_t steps_ = 0;
};

}  // namespace netpolc::verify
