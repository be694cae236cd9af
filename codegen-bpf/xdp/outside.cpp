#include "codegen-bpf/xdp/outside.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace netpolc::codegen_bpf {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(ir::Protocol protocol) {
  return protocol == ir::Protocol::Tcp ? "TCP" : protocol == ir::Protocol::Udp ? "UDP" : protocol == ir::Protocol::Sctp ? "SCTP" : protocol == ir::Protocol::Icmp ? "ICMP" : "ICMPv6";
}

// Numbers that follow each other as [first, last]: prefixes are many, and numbered in a row.
Json in_runs(const std::vector<std::uint32_t>& identities) {
  Json out = Json::array();
  for (std::size_t i = 0; i < identities.size();) {
    std::size_t last = i;
    while (last + 1 < identities.size() && identities[last + 1] == identities[last] + 1) ++last;
    out.push_back({identities[i], identities[last]});
    i = last + 1;
  }
  return out;
}

std::vector<IpAddress> behind_services(const ir::Cluster& cluster) {
  std::set<IpAddress> behind(cluster.kube_apiservers.begin(), cluster.kube_apiservers.end());
  for (const ir::Service& service : cluster.services) behind.insert(service.endpoints.begin(), service.endpoints.end());
  // pods and nodes are not outside
  for (const ir::Endpoint& endpoint : cluster.endpoints)
    for (const ir::Pod& pod : endpoint.pods)
      for (const IpAddress& address : pod.addresses) behind.erase(address);
  for (const ir::Node& node : cluster.nodes)
    for (const IpAddress& address : node.addresses) behind.erase(address);
  return {behind.begin(), behind.end()};
}

}  // namespace

bool Outside::worth_it() const {
  return std::any_of(by_program.begin(), by_program.end(), [](const ir::DeniedOutside& denied) { return !denied.empty(); });
}

Outside denied_from_outside(const ir::Decisions& decisions, const ir::Cluster& cluster, const ir::Identities& identities,
                            const std::vector<Program>& programs) {
  const std::vector<std::uint32_t> outside = ir::outside_identities(identities);
  Outside out;
  for (const Program& program : programs) {
    const bool pods = program.subject == Subject::Pod;  // nothing is dropped there that is for the node
    out.by_program.push_back(pods ? ir::denied_outside(decisions.tables[program.table], outside) : ir::DeniedOutside());
  }
  out.behind_services = behind_services(cluster);
  out.services = !cluster.services.empty() || !cluster.kube_apiservers.empty();
  return out;
}

Json to_json(const ir::DeniedOutside& denied) {
  Json out = Json::array();
  for (const ir::DeniedGroup& group : denied) {
    Json ranges = Json::array();
    for (const ir::DeniedRange& range : group.ranges) ranges.push_back({name_of(range.protocol), range.first, range.last, range.by_rule ? "rule" : "default"});
    out.push_back({{"identities", in_runs(group.identities)}, {"denied", std::move(ranges)}, {"egressDenied", group.egress_denied}});
  }
  return out;
}

Json xdp_json(const Outside& outside) {
  Json behind = Json::array();
  for (const IpAddress& address : outside.behind_services) behind.push_back(address.to_string());
  return {{"object", kOutsideObject}, {"services", outside.services}, {"behindServices", std::move(behind)}};
}

}  // namespace netpolc::codegen_bpf
