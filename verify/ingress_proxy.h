// verify/ingress_proxy.h — the proxy of Ingress and Gateway: an endpoint of each node that has the identity `ingress`, with policy
// of its own. Section 9.6: its ingress policy is asked about whoever calls it; then it connects to the backend itself.
#pragma once
#include "verify/service_cases.h"

namespace netpolc::verify {

class IngressProxy {
 public:
  // The cluster is copied, with the proxy as one more endpoint; everything in `world` outlives this.
  IngressProxy(const ir::eval::World& world, const ir::IdentityLock& lock);
  Judge& judge() { return judge_; }
  void add(const ServiceWay& way, const ir::Request* request, PathAnswer& out);

 private:
  Hop called(const End& client, FactsId seen, std::uint16_t port, const ir::Request* request);
  Hop connects(const Meeting& meeting, const ServiceWay& way, const ir::Request* request);
  std::string doubt(const ServiceWay& way, const ir::Request* request);
  void add(const ServiceWay& way, FactsId client, const Hop& second, const ir::Request* request, PathAnswer& out);

  ir::Cluster cluster_;
  Judge judge_;
  End end_, shown_;  // as who it is judged, and as who it is shown
};

}  // namespace netpolc::verify
