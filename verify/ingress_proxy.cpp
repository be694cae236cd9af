#include "verify/ingress_proxy.h"

#include <algorithm>

#include "verify/conclude.h"

namespace netpolc::verify {
namespace {

// What listens for HTTP and for HTTPS, unless a Gateway says otherwise.
constexpr std::uint16_t kPorts[] = {80, 443};

ir::Cluster with_proxy(ir::Cluster cluster) {
  ir::Endpoint proxy;
  proxy.name = "ingress";
  proxy.labels = {{"reserved", "ingress", ""}};
  cluster.endpoints.push_back(std::move(proxy));
  return cluster;
}

}  // namespace

IngressProxy::IngressProxy(const ir::eval::World& world, const ir::IdentityLock& lock)
    : cluster_(with_proxy(world.cluster)),
      judge_({world.policies, cluster_, world.resolutions}, lock),
      end_{.kind = EndKind::Endpoint, .name = "entity:ingress", .index = static_cast<std::uint32_t>(world.cluster.endpoints.size())},
      shown_{.kind = EndKind::Reserved, .name = "entity:ingress", .labels = {{"reserved", "ingress", ""}}} {}

Hop IngressProxy::called(const End& client, FactsId seen, std::uint16_t port, const ir::Request* request) {
  Hop hop{.pair = {.from = client.name, .to = shown_.name, .via = {}, .flow = {ir::Protocol::Tcp, port}}, .cause = Cause::IngressProxy, .to_proxy = true};
  hop.pair.ingress = judged_side(judge_, judge_.encounters().endpoint_subject(end_.index), ir::Direction::Ingress, seen, hop.pair.flow, shown_, client, request);
  conclude(hop.pair);
  return hop;
}

Hop IngressProxy::connects(const Meeting& meeting, const ServiceWay& way, const ir::Request* request) {
  Hop hop{.pair = {.from = shown_.name, .to = way.backend.name, .via = way.backend.via, .flow = way.flow}, .cause = Cause::IngressProxy};
  hop.pair.egress = judged_side(judge_, meeting.source, ir::Direction::Egress, meeting.destination_seen, way.flow, shown_, way.backend, request);
  hop.pair.ingress = judged_side(judge_, meeting.destination, ir::Direction::Ingress, meeting.source_seen, way.flow, way.backend, shown_, request);
  conclude(hop.pair);
  return hop;
}

// A pod's own egress policy is asked about the backend of other services that a proxy serves; whether of these, is not said.
std::string IngressProxy::doubt(const ServiceWay& way, const ir::Request* request) {
  for (const Meeting& own : judge_.encounters().meet(way.client, way.backend)) {
    PairAnswer pair{.from = way.client.name, .to = way.backend.name, .via = {}, .flow = way.flow};
    pair.egress = judged_side(judge_, own.source, ir::Direction::Egress, own.destination_seen, way.flow, way.client, way.backend, request);
    conclude(pair);
    if (pair.word != Word::Allowed) return "whether the proxy asks the egress policy of " + way.client.name + ", too, is not certain, and that does not allow " + way.backend.name;
  }
  return "";
}

void IngressProxy::add(const ServiceWay& way, FactsId client, const Hop& second, const ir::Request* request, PathAnswer& out) {
  std::vector<PathCase> entries;
  for (const std::uint16_t port : kPorts) {
    const Hop first = called(way.client, client, port, request);
    PathCase one{.from = way.client.name, .to = way.backend.name, .flow = way.flow, .cause = Cause::IngressProxy, .node = {}, .entry = port, .reason = {}, .hops = {first, second}};
    one.word = all_of({first.pair.word, second.pair.word});
    if (one.word == Word::Undecided) one.reason = first.pair.word == Word::Undecided ? first.pair.reason : second.pair.reason;
    if (one.word == Word::Allowed) one.reason = doubt(way, request);
    if (!one.reason.empty()) one.word = Word::Undecided;
    entries.push_back(std::move(one));
  }
  std::vector<Hop> alike = entries.back().hops;
  alike.front().pair.flow = entries.front().hops.front().pair.flow;
  if (same_hops(alike, entries.front().hops)) {  // the port does not matter
    entries.pop_back();
    entries.front().entry = 0;
  }
  for (PathCase& one : entries) {
    const auto same = [&](const PathCase& other) { return other.from == one.from && other.to == one.to && other.flow == one.flow && other.entry == one.entry && other.word == one.word && same_hops(other.hops, one.hops); };
    const auto earlier = out.cases.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(out.cases.size(), 8));
    if (std::none_of(earlier, out.cases.end(), same)) out.cases.push_back(std::move(one));
  }
}

void IngressProxy::add(const ServiceWay& way, const ir::Request* request, PathAnswer& out) {
  if (client_of(way.client, cluster_) == Client::OtherCluster)
    return Cases(judge_, request, out).add_without_policy(way, {Arrival::Any, Cause::OtherCluster, {}}, Word::Undecided, "as whom the proxy sees a client of another cluster is not certain");
  for (const Meeting& meeting : judge_.encounters().meet(end_, way.backend)) {
    const Hop second = connects(meeting, way, request);
    for (const Encounters::Face& face : judge_.encounters().faces(way.client)) add(way, face.seen, second, request, out);
  }
}

}  // namespace netpolc::verify
