#include "compiler/import/flows.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "compiler/import/match_type.h"

namespace netpolc::compiler::import {
namespace {

using Json = nlohmann::ordered_json;

// Cilium's numbers of reasons for a drop.
enum Reason { kPassed = 0, kPolicyDenied = 133, kProhibited = 170, kPolicyDeny = 181, kAuthRequired = 189 };

const char* name_of(Reason reason) {
  switch (reason) {
    case kPassed: return "";
    case kPolicyDenied: return "POLICY_DENIED";
    case kProhibited: return "ENCAPSULATION_TRAFFIC_IS_PROHIBITED";
    case kPolicyDeny: return "POLICY_DENY";
    case kAuthRequired: return "AUTH_REQUIRED";
  }
  return "";
}

Reason reason_of(const ir::SideVerdict& verdict) {
  if (verdict.encapsulation) return kProhibited;
  if (verdict.verdict == ir::Verdict::Deny) return kPolicyDeny;
  if (verdict.verdict == ir::Verdict::DefaultDeny) return kPolicyDenied;
  return verdict.auth == ir::AuthMode::AlwaysFail ? kAuthRequired : kPassed;
}

const char* word_of(const ir::SideVerdict& verdict, Reason reason) { return reason != kPassed ? "DROPPED" : verdict.verdict == ir::Verdict::AllowL7 ? "REDIRECTED" : "FORWARDED"; }

Json policy_json(const ir::Policy& policy) {
  Json out = {{"name", policy.name}};
  if (!policy.ns.empty()) out["namespace"] = policy.ns;
  out["labels"] = ir::hubble::policy_labels(ir::to_string(policy.kind), policy.ns, policy.name);
  out["kind"] = ir::to_string(policy.kind);
  return out;
}

// Each object once, however many of its rules decided.
Json policies_json(const ir::SideVerdict& verdict, const ir::PolicySet& policies) {
  Json out = Json::array();
  for (const ir::RuleRef& ref : verdict.rules)
    if (Json one = policy_json(policies.policies[ref.policy]); std::find(out.begin(), out.end(), one) == out.end()) out.push_back(std::move(one));
  return out;
}

Json l4_json(ir::Flow flow) {
  switch (flow.protocol) {
    case ir::Protocol::Icmp: return {{"ICMPv4", {{"type", flow.number}}}};
    case ir::Protocol::Icmpv6: return {{"ICMPv6", {{"type", flow.number}}}};
    case ir::Protocol::Tcp: return {{"TCP", {{"destination_port", flow.number}, {"flags", {{"SYN", true}}}}}};
    default: return {{ir::to_string(flow.protocol), {{"destination_port", flow.number}}}};
  }
}

const ir::Pod* pod_of(const verify::End& end, const ir::Cluster& cluster) {
  if (end.kind != verify::EndKind::Endpoint) return nullptr;
  const auto& pods = cluster.endpoints[end.index].pods;
  const std::size_t at = end.pod.value_or(0);
  return at < pods.size() ? &pods[at] : nullptr;
}

std::vector<IpAddress> addresses_of(const verify::End& end, const ir::Cluster& cluster) {
  if (end.address) return {*end.address};
  const ir::Pod* pod = pod_of(end, cluster);
  return pod != nullptr ? pod->addresses : std::vector<IpAddress>{};
}

// Of one family, where both have one of it; else what is known of either. ICMP has a family of its own.
Json ip_json(const verify::End& from, const verify::End& to, ir::Flow flow, const ir::Cluster& cluster) {
  const auto sources = addresses_of(from, cluster), destinations = addresses_of(to, cluster);
  const auto first = [](const std::vector<IpAddress>& all, bool v6) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const IpAddress& one) { return one.v6 == v6; });
    return found == all.end() ? std::string() : found->to_string();
  };
  Json best;
  for (const bool v6 : {false, true}) {
    if ((flow.protocol == ir::Protocol::Icmp && v6) || (flow.protocol == ir::Protocol::Icmpv6 && !v6)) continue;
    const std::string source = first(sources, v6), destination = first(destinations, v6);
    Json out;
    if (!source.empty()) out["source"] = source;
    if (!destination.empty()) out["destination"] = destination;
    if (out.size() <= best.size()) continue;
    best = std::move(out);
    best["ipVersion"] = v6 ? "IPv6" : "IPv4";
  }
  return best;
}

Json end_json(const verify::End& end, const ir::Cluster& cluster, const ir::Identities& identities) {
  const bool outside = end.kind == verify::EndKind::Address;
  const std::uint32_t id = outside ? identities.of_address(*end.address) : identities.of_endpoint(end.index);
  const ir::Identity* identity = identities.find(id);
  Json labels = Json::array();
  for (const ir::Label& label : outside ? (identity != nullptr ? identity->labels : ir::LabelSet{}) : cluster.endpoints[end.index].labels) labels.push_back(label.to_string());
  Json out = {{"identity", id}};
  if (outside) {
    out["labels"] = std::move(labels);
    return out;
  }
  const ir::Endpoint& endpoint = cluster.endpoints[end.index];
  out["namespace"] = endpoint.ns;
  out["labels"] = std::move(labels);
  if (const ir::Pod* pod = pod_of(end, cluster); pod != nullptr) out["pod_name"] = pod->name;
  if (endpoint.kind != "Pod" && endpoint.kind != "CiliumEndpoint") out["workloads"] = Json::array({{{"name", endpoint.name}, {"kind", endpoint.kind}}});
  return out;
}

std::string node_of(const verify::End& end, const ir::Cluster& cluster) {
  const ir::Pod* pod = pod_of(end, cluster);
  return pod == nullptr || pod->node.empty() ? "" : cluster.config.cluster_name + "/" + pod->node;
}

}  // namespace

bool FlowExport::side(const Packet& packet, ir::Direction direction, ExportCounts& counts, const std::function<void(const std::string&)>& put) {
  const bool egress = direction == ir::Direction::Egress;
  const auto subject = egress ? packet.meeting.source : packet.meeting.destination;
  if (!subject) return true;
  if (judge_.policy(*subject).incomputable()) return ++counts.undecided, false;
  const ir::SideVerdict& verdict = judge_.verdict(*subject, direction, egress ? packet.meeting.destination_seen : packet.meeting.source_seen, packet.flow);
  const Reason reason = reason_of(verdict);
  const std::string node = node_of(egress ? packet.from : packet.to, world_.cluster);
  Json flow = {{"time", time_}, {"verdict", word_of(verdict, reason)}};
  if (reason != kPassed) flow["drop_reason"] = static_cast<int>(reason);
  if (verdict.auth == ir::AuthMode::Required) flow["auth_type"] = "SPIRE";
  if (verdict.auth == ir::AuthMode::AlwaysFail) flow["auth_type"] = "TEST_ALWAYS_FAIL";
  if (Json ip = ip_json(packet.from, packet.to, packet.flow, world_.cluster); !ip.empty()) flow["IP"] = std::move(ip);
  flow["l4"] = l4_json(packet.flow);
  flow["source"] = end_json(packet.from, world_.cluster, identities_);
  flow["destination"] = end_json(packet.to, world_.cluster, identities_);
  flow["Type"] = "L3_L4";
  if (!node.empty()) flow["node_name"] = node;
  flow["event_type"] = {{"type", ir::hubble::kPolicyVerdict}};
  flow["traffic_direction"] = egress ? "EGRESS" : "INGRESS";
  if (const MatchType match = match_type(verdict, world_.policies, packet.flow); match != MatchType::None) flow["policy_match_type"] = static_cast<int>(match);
  if (reason != kPassed) flow["drop_reason_desc"] = name_of(reason);
  flow["is_reply"] = false;
  const bool names = verdict.verdict != ir::Verdict::DefaultDeny && !verdict.rules.empty();
  if (names) flow[std::string(egress ? "egress" : "ingress") + (verdict.verdict == ir::Verdict::Deny ? "_denied_by" : "_allowed_by")] = policies_json(verdict, world_.policies);
  Json line = {{"flow", std::move(flow)}};
  if (!node.empty()) line["node_name"] = node;
  line["time"] = time_;
  put(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  ++counts.flows;
  return reason == kPassed;
}

ExportCounts FlowExport::write(const FlowEnds& ends, const std::vector<ir::Flow>& flows, const std::function<void(const std::string&)>& put) {
  ExportCounts counts;
  for (const verify::End& from : ends.from)
    for (const verify::End& to : ends.to) {
      // A single pod's packets to itself never leave it.
      const bool itself = from.kind == verify::EndKind::Endpoint && to.kind == from.kind && from.index == to.index;
      if (itself && (from.pod || world_.cluster.endpoints[from.index].pods.size() == 1)) continue;
      const auto meetings = judge_.encounters().meet(from, to);
      for (const ir::Flow& flow : to.flows.empty() ? flows : to.flows)
        for (const verify::Meeting& meeting : meetings) {
          const Packet packet{from, to, flow, meeting};
          if (side(packet, ir::Direction::Egress, counts, put)) side(packet, ir::Direction::Ingress, counts, put);
        }
    }
  return counts;
}

std::vector<ir::Flow> flows_worth_asking(const ir::PolicySet& policies, const ir::Cluster& cluster) {
  std::vector<ir::Flow> out;
  const auto add = [&](ir::Protocol protocol, std::uint16_t port) {
    const bool any = protocol == ir::Protocol::Any;
    const bool has_ports = any || protocol == ir::Protocol::Tcp || protocol == ir::Protocol::Udp || protocol == ir::Protocol::Sctp;
    const bool icmp = protocol == ir::Protocol::Icmp || protocol == ir::Protocol::Icmpv6;
    if ((has_ports && port == 0) || !(has_ports || icmp)) return;
    if (any) {
      out.push_back({ir::Protocol::Tcp, port});
      out.push_back({ir::Protocol::Udp, port});
    } else {
      out.push_back({protocol, port});
    }
  };
  for (const ir::Policy& policy : policies.policies)
    for (const ir::Rule& rule : policy.rules)
      for (const ir::PortRule& ports : rule.ports)
        for (const ir::PortMatch& port : ports.ports) add(port.protocol, port.first);
  for (const ir::Endpoint& endpoint : cluster.endpoints)
    for (const ir::NamedPort& port : endpoint.named_ports) add(port.protocol, port.port);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<verify::End> managed_ends(const verify::Directory& directory) {
  std::vector<verify::End> out;
  const auto& endpoints = directory.cluster().endpoints;
  for (std::uint32_t i = 0; i < endpoints.size(); ++i)
    if (!endpoints[i].host_network && !endpoints[i].remote) out.push_back(directory.endpoint_end(i, std::nullopt));
  return out;
}

bool can_be_written(const verify::End& end, const ir::Cluster& cluster) {
  return (end.kind == verify::EndKind::Endpoint && !cluster.endpoints[end.index].host_network) || (end.kind == verify::EndKind::Address && end.address);
}

}  // namespace netpolc::compiler::import
