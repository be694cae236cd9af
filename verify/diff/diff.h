// verify/diff/diff.h — what two sets of manifests let pass, compared: every pair of workloads, entities and outside addresses
// that either set tells apart, on every protocol and port, with what proxies and authentication ask on top. Exact for what is
// there: a pair is in no change if and only if the interpreter says the same of each of its flows in both (docs/diff.md says
// what an end stands for); of Cilium 1.16 tables don't know which redirect wins where several hold (section 5.4). Requests that
// proxies judge are not compared: where they could differ, that is said (`requests`).
// Pure. The cost is that of the tables of both sets, and then of what changed.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/decide/table.h"
#include "ir/request.h"
#include "verify/access.h"

namespace netpolc::verify {

// Everything outlives the call. The two need not have the same cluster, configuration or version.
struct DiffWorld {
  const ir::PolicySet& policies;
  const ir::Cluster& cluster;
  const ir::Resolutions& resolutions;
  const ir::IdentityLock& lock;
};

struct DiffEnd {
  enum class Kind : std::uint8_t {
    Workload,
    Entity,
    World,    // of one family, where both sets have two
    Outside,  // addresses that have no narrower prefix among the ends
    Name,     // what a name of a toFQDNs rule resolves to, where --resolutions doesn't say; a destination only
    Node,
  };
  std::string name;  // "shop/web", "entity:host", "entity:world-ipv4", "cidr:192.0.2.0/24", "fqdn:*.example.com", "ip:192.0.2.1"
  Kind kind = Kind::Workload;
  bool internet = false;     // the world, or outside addresses that are routed there
};
using DiffEndId = std::uint32_t;
using DiffEndIds = std::vector<DiffEndId>;

// What passes: in every case that two names stand for, and in some (see Traffic).
struct DiffAccess {
  AccessId allowed = nothing, possible = nothing;
  auto operator<=>(const DiffAccess&) const = default;
};

enum class ChangeKind : std::uint8_t {
  Opened,    // nothing passed before
  Closed,    // nothing passes now
  Widened,   // all that passed does, and more
  Narrowed,
  Changed,   // some of it doesn't, and other does
  OtherWay,  // the same passes, but a proxy or authentication came or went
};

// Both sides of one pair for one flow, in one of the sets. None: nobody's policy is asked.
struct DiffSides {
  std::optional<ir::SideVerdict> egress, ingress;
};

// Every end of `from` and every end of `to`; an end that is in both is also its own peer if it has replicas.
struct TrafficChange {
  ChangeKind kind = ChangeKind::Changed;
  DiffEndIds from, to;  // sorted
  std::uint64_t pairs = 0;
  DiffAccess before, after;
  bool in_cases = false;  // of some replicas, nodes or addresses, and all of them together look alike
  bool opens = false, closes = false;
  AccessId opened = nothing, closed = nothing;  // what passes in one only, or asks for less
  bool exposes = false;  // a workload is newly reached from the internet
  // Why, for one of the pairs and one flow of what differs.
  DiffEndId example_from = 0, example_to = 0;
  ir::Flow flow;
  DiffSides why_before, why_after;
};

// An endpoint that is enforced in another way than before.
struct EnforcementChange {
  DiffEndId end = 0;
  ir::Direction direction = ir::Direction::Ingress;
  ir::Enforcement before = ir::Enforcement::None, after = ir::Enforcement::None;
  std::vector<ir::RuleRef> rules_before, rules_after;  // that switch default deny on, where it is
};

// A workload, or a node that policy knows by more than being one, that only one of the sets has.
struct Arrival {
  DiffEndId end = 0;
  bool came = false;
  AccessId from_internet = nothing;  // of one that came: what reaches it from the world
};

// Policy that can't be computed. "": it can, in this set.
struct UndecidedEnd {
  DiffEndId end = 0;
  std::string before, after;
};

// A request that proxies of one set only let through.
struct RequestExample {
  ir::Request request;
  DiffEndId peer = 0;  // one of those whom it is about
  ir::Flow flow;
  ir::RequestVerdict before, after;
};

// Proxies of an endpoint that are asked in both sets, by rules that differ.
struct RequestsChange {
  enum class Kind : std::uint8_t { Widened, Narrowed, Changed, Undecided };  // Undecided: one half of the answer may still be known
  DiffEndId end = 0;
  ir::Direction direction = ir::Direction::Ingress;
  std::vector<ir::RuleRef> rules_before, rules_after;  // those that the other set doesn't have
  Kind kind = Kind::Undecided;
  DiffEndIds peers;             // sorted: of traffic with whom this is said
  AccessId traffic = nothing;  // that gets to the proxies in both sets
  std::optional<RequestExample> opened, closed;  // now let through; no more
  std::string why;              // of Undecided
};

struct Diff {
  std::vector<DiffEnd> ends;
  AccessSets sets;
  std::vector<TrafficChange> traffic;
  std::vector<EnforcementChange> enforcement;
  std::vector<Arrival> arrivals;
  std::vector<UndecidedEnd> undecided;
  std::vector<RequestsChange> requests;
  std::uint64_t pairs = 0, changed_pairs = 0;  // pairs that policy of either set could say something about
  // Pairs of which the traffic is the same, and other requests pass; or where that is undecided.
  std::uint64_t request_pairs = 0, undecided_request_pairs = 0;
  std::size_t policies_before = 0, policies_after = 0;  // of endpoints: distinct ones

  bool differs() const;
  bool is_undecided() const;
};

Diff diff(const DiffWorld& before, const DiffWorld& after);

// Whether networks outside route any of it: it is not within a private, shared, local or loopback range (RFC 6890).
bool is_routed(const IpPrefix& prefix);

}  // namespace netpolc::verify
