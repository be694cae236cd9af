// verify/service_paths.h — questions about one way to a service's pods: `--via`. Every case that the way has is judged, hop by hop,
// with the rules of verify/service_path.h; what holds in some of them only is mixed, and what no rule is certain about undecided.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ir/exposure.h"
#include "verify/judge.h"
#include "verify/service_path.h"

namespace netpolc::verify {

// One policy decision on the way, or two: of who sends and of who receives.
struct Hop {
  PairAnswer pair;
  Seen seen = Seen::Itself;  // as whom the receiver sees the sender
  Cause cause = Cause::Direct;
  bool one_of = false;       // which of several identities it is, is not certain
  bool to_proxy = false;     // of Ingress: the first
};

struct PathCase {
  std::string from, to;
  ir::Flow flow;  // at the pod
  Arrival arrival = Arrival::Any;
  Cause cause = Cause::Direct;
  std::string node;         // where it matters which
  std::uint16_t entry = 0;  // Ingress: the proxy's port, where it matters which
  bool itself = false;      // a pod that reaches itself: policy is not asked
  bool sibling = false;     // another pod of the same workload
  Word word = Word::Allowed;
  std::string reason;       // of Undecided, and of what is dropped before policy
  std::vector<Hop> hops;
};

struct Assumption {
  std::string what, why;  // "bpf-lb-mode: snat", "Cilium's default"
};

struct PathAnswer {
  Via via = Via::Direct;
  Word word = Word::Undecided;
  std::string reason;                  // of Undecided
  std::vector<std::uint16_t> node_ports;  // of the asked ports, where they are known
  std::vector<PathCase> cases;
  std::vector<Assumption> assuming;
  bool others_drop = false;            // nodes without a backend do (externalTrafficPolicy: Local)
  const ir::Route* route = nullptr;    // Ingress: one that leads there
  Judge* judge = nullptr;              // who was asked: for explanations. Until the next question
  std::deque<End> ends;                // that sides point to
};

struct PathFacts {
  // An error: what in the Service's manifest makes no sense.
  std::function<tl::expected<ir::Exposure, std::string>(const ir::Service&)> exposure;
  ir::ServiceHandling handling;
};

class Cases;
class IngressProxy;
struct ServiceWay;

class ServicePaths {
 public:
  // Everything outlives it.
  ServicePaths(const ir::eval::World& world, const ir::IdentityLock& lock, Judge& judge, PathFacts facts);
  ~ServicePaths();
  // As Judge::ask; also an error where no such way leads to the service.
  tl::expected<PathAnswer, RefError> ask(const Question& question, Via via);

 private:
  struct Asked;
  PathSettings settings(const Asked& asked, ir::Protocol protocol) const;
  template <class Add>
  void for_each_way(const Asked& asked, const Ends& from, PathAnswer& out, Add&& add);
  bool in_source_ranges(const Asked& asked, const ServiceWay& way, Cases& cases) const;
  void answer(const Asked& asked, const Ends& from, PathAnswer& out);
  void through_proxy(const Asked& asked, const Ends& from, PathAnswer& out);
  void assume(const Asked& asked, const Ends& from, PathAnswer& out) const;

  ir::eval::World world_;
  const ir::IdentityLock& lock_;
  Judge& judge_;
  PathFacts facts_;
  std::unique_ptr<IngressProxy> proxy_;  // built when it is asked about
};

}  // namespace netpolc::verify
