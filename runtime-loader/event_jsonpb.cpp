// Flows as Hubble writes them (Cilium's api/v1/flow/flow.proto in Protocol Buffers' JSON): zeros and what isn't known are left out.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "runtime-loader/drop_words.h"
#include "runtime-loader/event_output.h"
#include "runtime-loader/names.h"

namespace netpolc::loader {
namespace {

using Json = nlohmann::ordered_json;
namespace hubble = ir::hubble;

Json end_json(const EventEnd& end) {
  Json out = Json::object();
  if (end.identity != 0) out["identity"] = end.identity;
  if (!end.name.ns.empty()) out["namespace"] = end.name.ns;
  if (!end.labels.empty()) out["labels"] = end.labels;
  if (!end.name.pod.empty()) out["pod_name"] = end.name.pod;
  if (!end.name.workload.empty() && end.name.kind != "Pod" && end.name.kind != "CiliumEndpoint")
    out["workloads"] = Json::array({{{"name", end.name.workload}, {"kind", end.name.kind}}});
  return out;
}

Json tcp_json(const Json& ports, std::uint8_t flags) {
  Json out = ports;
  for (const hubble::TcpFlag& flag : hubble::kTcpFlags)
    if ((flags & flag.bit) != 0) out["flags"][flag.name] = true;
  return out;
}

Json l4_json(const Seen& seen) {
  const Json ports = {{"source_port", seen.source.port.value_or(0)}, {"destination_port", seen.destination.port.value_or(0)}};
  switch (seen.event.protocol) {
    case 1: return {{"ICMPv4", {{"type", seen.event.destination_port}}}};
    case 58: return {{"ICMPv6", {{"type", seen.event.destination_port}}}};
    case 6: return {{"TCP", tcp_json(ports, seen.event.tcp_flags)}};
    case 17: return {{"UDP", ports}};
    case 132: return {{"SCTP", ports}};
  }
  return nullptr;
}

Json policies_json(const std::vector<RuleOrigin>& origins) {
  Json out = Json::array();
  for (const RuleOrigin& origin : origins) {
    Json one = {{"name", origin.name}};
    if (!origin.ns.empty()) one["namespace"] = origin.ns;
    one["labels"] = hubble::policy_labels(origin.kind, origin.ns, origin.name);
    one["kind"] = origin.kind;
    if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(std::move(one));
  }
  return out;
}

// "cluster/node", as far as it is known: the cluster from a label that all pods have.
std::string node_of(const Seen& seen) {
  const std::string& node = seen.generation->state().node;
  constexpr std::string_view kCluster = "k8s:io.cilium.k8s.policy.cluster=";
  for (const std::string& label : seen.local().labels)
    if (!node.empty() && label.starts_with(kCluster)) return label.substr(kCluster.size()) + "/" + node;
  return node;
}

void add_reason(Json& flow, const Seen& seen) {
  // As in Hubble, an audited flow has none: it was not dropped.
  if (!seen.allowed() && !seen.audited()) flow["drop_reason"] = seen.event.reason;
}

void add_packet(Json& flow, const Seen& seen) {
  if (seen.event.family == 0) return;
  flow["IP"] = {{"source", seen.source.address.to_string()}, {"destination", seen.destination.address.to_string()}, {"ipVersion", seen.event.family == 6 ? "IPv6" : "IPv4"}};
  if (Json l4 = l4_json(seen); seen.has_transport() && !l4.is_null()) flow["l4"] = std::move(l4);
}

void add_policy(Json& flow, const Seen& seen) {
  flow["traffic_direction"] = seen.ingress() ? "INGRESS" : "EGRESS";
  if (seen.match.value_or(hubble::MatchType::None) != hubble::MatchType::None) flow["policy_match_type"] = static_cast<int>(*seen.match);
  const char* name = drop_words(seen.event.reason).name;
  if (!seen.allowed() && !seen.audited() && name != nullptr) flow["drop_reason_desc"] = name;
  if (seen.policy_verdict() && (seen.allowed() || seen.audited())) flow["is_reply"] = false;
  // Not of rules that would have allowed it, had somebody authenticated or enforced them.
  const bool denied = seen.event.reason == NP_REASON_DENY;
  if ((denied || seen.allowed()) && !seen.origins.empty())
    flow[std::string(seen.ingress() ? "ingress" : "egress") + (denied ? "_denied_by" : "_allowed_by")] = policies_json(seen.origins);
}

}  // namespace

std::string event_jsonpb(const Seen& seen) {
  const std::string node = node_of(seen), time = utc_time(seen.time, 9);
  Json flow = {{"time", time}, {"verdict", seen.allowed() ? "FORWARDED" : seen.audited() ? "AUDIT" : "DROPPED"}};
  add_reason(flow, seen);
  add_packet(flow, seen);
  flow["source"] = end_json(seen.source);
  flow["destination"] = end_json(seen.destination);
  flow["Type"] = "L3_L4";
  if (!node.empty()) flow["node_name"] = node;
  flow["event_type"] = {{"type", seen.policy_verdict() ? hubble::kPolicyVerdict : hubble::kDrop}};
  if (!seen.policy_verdict()) flow["event_type"]["sub_type"] = seen.event.reason;
  add_policy(flow, seen);
  flow["Summary"] = packet_summary(seen);
  Json line = {{"flow", std::move(flow)}};
  if (!node.empty()) line["node_name"] = node;
  line["time"] = time;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace netpolc::loader
