#include "compiler/assumed_options.h"

#include <algorithm>
#include <functional>
#include <set>

namespace netpolc::compiler {
namespace {

constexpr std::string_view kClusterKey = "io.cilium.k8s.policy.cluster";

using InPolicy = std::function<bool(const ir::Policy&)>;
using InRule = std::function<bool(const ir::Rule&)>;

class Search {
 public:
  explicit Search(const frontend::Loaded& loaded) : policies_(loaded.policies.policies), cluster_(loaded.cluster), named_(!loaded.given.cluster_name.empty()) {}

  std::vector<AssumedOption> run() {
    const ir::Config& config = cluster_.config;
    const auto text = [](bool value) { return value ? "true" : "false"; };
    in_rule("allow-localhost", "auto", "what a node sends to its own pods, such as the kubelet's probes", [](const ir::Rule& rule) { return rule.direction == ir::Direction::Ingress; });
    if (!named_) in_policy("cluster-name", config.cluster_name, "selectors that name clusters", [&](const ir::Policy& policy) { return names_cluster(policy); });
    in_policy("enable-host-firewall", text(config.host_firewall), "policies of nodes", [](const ir::Policy& policy) { return policy.subject_is_node; });
    in_rule("enable-icmp-rules", text(config.icmp_rules), "rules for ICMP", has_icmp);
    in_rule("enable-ipv6", text(config.ipv6), "rules for IPv6 addresses", has_ipv6);
    in_policy("enable-k8s-cluster-network-policy", text(config.cluster_network_policies), "ClusterNetworkPolicies", [](const ir::Policy& policy) { return policy.kind == ir::PolicyKind::ClusterNetworkPolicy; });
    in_rule("enable-l7-proxy", text(config.l7_proxy), "rules that a proxy enforces", [](const ir::Rule& rule) {
      return std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& ports) { return ports.l7.redirects(); });
    });
    in_policy("enable-non-default-deny-policies", text(config.non_default_deny_policies), "policies that switch default deny off", spares_default_deny);
    if (!cluster_.endpoints.empty() || !policies_.empty()) out_.push_back({"enable-policy", "default", "what no policy selects: `always` denies it all, `never` enforces nothing", std::nullopt});
    in_policy("labels", "", "selectors that ask for labels that make no identity", [&](const ir::Policy& policy) { return asks_for_filtered(policy); });
    in_rule("policy-cidr-match-mode", "", "CIDR rules that hold the address of a node", [&](const ir::Rule& rule) { return holds_node(rule); });
    if (std::any_of(cluster_.endpoints.begin(), cluster_.endpoints.end(), [](const ir::Endpoint& one) { return one.remote; }))
      in_policy("policy-default-local-cluster", text(config.default_local_cluster), "whether selectors mean endpoints of other clusters", [](const ir::Policy&) { return true; });
    if (!cluster_.nodes.empty()) in_rule("routing-mode", "tunnel", "what pods send to UDP port " + std::to_string(config.tunnel_port) + " of nodes", [](const ir::Rule& rule) { return rule.direction == ir::Direction::Egress; });
    return std::move(out_);
  }

 private:
  void in_policy(const char* option, std::string value, std::string matters, const InPolicy& matches) {
    const auto found = std::find_if(policies_.begin(), policies_.end(), matches);
    if (found != policies_.end()) out_.push_back({option, std::move(value), std::move(matters), found->where});
  }

  void in_rule(const char* option, std::string value, std::string matters, const InRule& matches) {
    for (const ir::Policy& policy : policies_)
      for (const ir::Rule& rule : policy.rules)
        if (matches(rule)) return out_.push_back({option, std::move(value), std::move(matters), rule.where});
  }

  static bool has_icmp(const ir::Rule& rule) {
    return std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) {
      return std::any_of(item.ports.begin(), item.ports.end(), [](const ir::PortMatch& one) { return one.protocol == ir::Protocol::Icmp || one.protocol == ir::Protocol::Icmpv6; });
    });
  }

  static bool has_ipv6(const ir::Rule& rule) {
    return std::any_of(rule.peers.begin(), rule.peers.end(), [](const ir::Peer& peer) {
      const auto* cidr = std::get_if<ir::CidrPeer>(&peer);
      return cidr != nullptr && cidr->prefix.address.v6;
    });
  }

  static bool spares_default_deny(const ir::Policy& policy) {
    if (policy.tier != ir::Tier::Normal) return false;
    return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& rule) { return rule.direction == ir::Direction::Ingress ? !policy.default_deny_ingress : !policy.default_deny_egress; });
  }

  static void each_selector(const ir::Policy& policy, const std::function<void(const ir::Selector&)>& visit) {
    visit(policy.subject);
    for (const ir::Rule& rule : policy.rules)
      for (const ir::Peer& peer : rule.peers)
        if (const auto* labels = std::get_if<ir::LabelPeer>(&peer)) visit(labels->selector);
  }

  static bool asks(const ir::Policy& policy, const std::function<bool(const ir::Requirement&)>& matches) {
    bool out = false;
    each_selector(policy, [&](const ir::Selector& selector) { out = out || std::any_of(selector.requirements.begin(), selector.requirements.end(), matches); });
    return out;
  }

  // Not what Cilium itself puts into selectors from 1.19 on.
  bool names_cluster(const ir::Policy& policy) const {
    return asks(policy, [&](const ir::Requirement& one) {
      const bool own = cluster_.config.default_local_cluster && one.op == ir::Operator::In && one.values == std::vector<std::string>{cluster_.config.cluster_name};
      return one.key == kClusterKey && !own;
    });
  }

  bool asks_for_filtered(const ir::Policy& policy) const {
    if (!filtered_) {
      filtered_.emplace();
      for (const ir::Endpoint& endpoint : cluster_.endpoints)
        for (const ir::Label& label : endpoint.filtered_out) filtered_->insert(label.key);
    }
    return asks(policy, [&](const ir::Requirement& one) { return filtered_->count(one.key) != 0; });
  }

  bool is_of_node(const IpPrefix& prefix, const std::vector<IpPrefix>& except) const {
    const auto in = [&](const IpAddress& address) {
      return prefix.contains(address) && std::none_of(except.begin(), except.end(), [&](const IpPrefix& one) { return one.contains(address); });
    };
    return std::any_of(cluster_.nodes.begin(), cluster_.nodes.end(), [&](const ir::Node& node) { return std::any_of(node.addresses.begin(), node.addresses.end(), in); });
  }

  bool holds_node(const ir::Rule& rule) const {
    return std::any_of(rule.peers.begin(), rule.peers.end(), [&](const ir::Peer& peer) {
      if (const auto* cidr = std::get_if<ir::CidrPeer>(&peer)) return is_of_node(cidr->prefix, cidr->except);
      const auto* group = std::get_if<ir::CidrGroupPeer>(&peer);
      return group != nullptr && std::any_of(cluster_.cidr_groups.begin(), cluster_.cidr_groups.end(), [&](const ir::CidrGroup& one) {
               if (!group->selector && one.name != group->name) return false;
               return std::any_of(one.cidrs.begin(), one.cidrs.end(), [&](const IpPrefix& prefix) { return is_of_node(prefix, group->except); });
             });
    });
  }

  const std::vector<ir::Policy>& policies_;
  const ir::Cluster& cluster_;
  const bool named_;  // by --cluster-name
  mutable std::optional<std::set<std::string>> filtered_;
  std::vector<AssumedOption> out_;
};

}  // namespace

std::vector<AssumedOption> assumed_options(const frontend::Loaded& loaded) {
  if (loaded.agent_config) return {};
  return Search(loaded).run();
}

std::string to_text(const AssumedOption& option, const SourceManager& sources) {
  std::string out = "assumed " + option.option + "=" + option.value + ": " + option.matters;
  if (option.where) out += " (" + sources.path(option.where->file) + ":" + std::to_string(sources.locate(option.where->file, option.where->begin).line) + ")";
  return out;
}

}  // namespace netpolc::compiler
