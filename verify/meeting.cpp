#include "verify/meeting.h"

#include <algorithm>

#include "verify/node_labels.h"

namespace netpolc::verify {
namespace {

void append(std::string& key, const ir::LabelSet& labels) {
  for (const auto& label : labels) {
    key += label.source;
    key += '\0';
    key += label.key;
    key += '\0';
    key += label.value;
    key += '\1';
  }
}

void append(std::string& key, const std::vector<ir::NamedPort>& ports) {
  key += '\4';
  for (const auto& port : ports)
    key += port.name + '\0' + std::to_string(port.port) + '/' + std::to_string(static_cast<int>(port.protocol)) + '\1';
}

ir::Label reserved(const char* name) { return {"reserved", name, ""}; }

}  // namespace

// Hosts are judged where something could hold for them: with the host firewall, or when a
// policy selects nodes (which enforces nothing without the firewall, section 4.1).
Encounters::Encounters(const ir::PolicySet& policies, const Directory& directory)
    : directory_(directory), endpoint_faces_(directory.cluster().endpoints.size()) {
  hosts_managed_ = directory.cluster().config.host_firewall ||
                   std::any_of(policies.policies.begin(), policies.policies.end(),
                               [](const ir::Policy& policy) { return policy.subject_is_node; });
  for (const auto& endpoint : directory.cluster().endpoints) {
    if (directory.cluster().nodes.empty()) break;
    for (const auto& pod : endpoint.pods)
      if (auto node = directory.node_by_name(pod.node); node && !endpoint.remote) nodes_with_pods_.push_back(*node);
  }
  std::sort(nodes_with_pods_.begin(), nodes_with_pods_.end());
  nodes_with_pods_.erase(std::unique(nodes_with_pods_.begin(), nodes_with_pods_.end()), nodes_with_pods_.end());
  if (nodes_with_pods_.empty())
    for (std::uint32_t n = 0; n < directory.cluster().nodes.size(); ++n)
      if (!directory.cluster().nodes[n].remote_cluster) nodes_with_pods_.push_back(n);
}

FactsId Encounters::intern(ir::PeerFacts facts) {
  ir::normalise(facts.labels);
  std::string key = facts.address ? facts.address->to_string() : "-";
  key += '\2';
  append(key, facts.labels);
  if (facts.named_ports) append(key, *facts.named_ports);
  const auto [at, added] = facts_ids_.emplace(std::move(key), static_cast<FactsId>(facts_.size()));
  if (added) facts_.push_back(std::move(facts));
  return at->second;
}

SubjectId Encounters::intern(ir::Subject subject) {
  ir::normalise(subject.labels);
  std::string key = subject.ns + (subject.is_host ? "\3" : "\2");
  append(key, subject.labels);
  append(key, subject.named_ports);
  const auto [at, added] = subject_ids_.emplace(std::move(key), static_cast<SubjectId>(subjects_.size()));
  if (added) subjects_.push_back(std::move(subject));
  return at->second;
}

std::optional<SubjectId> Encounters::endpoint_subject(std::uint32_t endpoint) {
  const auto& e = directory_.cluster().endpoints[endpoint];
  if (e.remote || e.host_network) return std::nullopt;
  return intern(ir::Subject{.labels = e.labels, .ns = e.ns, .named_ports = e.named_ports});
}

std::optional<SubjectId> Encounters::host_subject(std::uint32_t node) {
  if (!hosts_managed_) return std::nullopt;
  ir::Subject subject{.labels = host_labels(directory_.cluster().nodes[node]), .ns = "", .named_ports = {}, .is_host = true};
  return intern(std::move(subject));
}

bool Encounters::may_not_encapsulate(SubjectId source, FactsId destination, ir::Flow flow) const {
  const std::uint16_t port = directory_.cluster().config.tunnel_port;
  if (port == 0 || flow != ir::Flow{ir::Protocol::Udp, port}) return false;
  return !subjects_[source].is_host && is_node(facts_[destination].labels);
}

bool Encounters::serves_api(std::uint32_t node) const {
  const auto& addresses = directory_.cluster().nodes[node].addresses;
  return std::any_of(addresses.begin(), addresses.end(), [&](const IpAddress& a) { return directory_.is_apiserver(a); });
}

ir::PeerFacts Encounters::local_node(std::uint32_t node, const std::optional<IpAddress>& address) const {
  ir::PeerFacts facts;
  facts.labels = hosts_managed_ ? host_labels(directory_.cluster().nodes[node]) : ir::LabelSet{reserved("host")};
  if (serves_api(node)) facts.labels.push_back(reserved("kube-apiserver"));
  if (directory_.cluster().config.cidr_matches_nodes) facts.address = address;
  return facts;
}

// Identities 6 and 7, and those of node scope (section 3.1).
ir::PeerFacts Encounters::remote_node(std::uint32_t node, const std::optional<IpAddress>& address) const {
  const auto& config = directory_.cluster().config;
  ir::PeerFacts facts;
  facts.labels.push_back(reserved("remote-node"));
  if (serves_api(node)) facts.labels.push_back(reserved("kube-apiserver"));
  if (config.node_selector_labels)
    for (const auto& [key, value] : directory_.cluster().nodes[node].labels) facts.labels.push_back({"node", key, value});
  if (config.cidr_matches_nodes) facts.address = address;
  return facts;
}

// Section 3.1 and 3.6: world of the family, and the API server where it runs outside.
ir::PeerFacts Encounters::external(const IpAddress& address) const {
  const auto& config = directory_.cluster().config;
  ir::PeerFacts facts;
  const bool dual = config.ipv4 && config.ipv6;
  facts.labels.push_back(reserved(!dual ? "world" : address.v6 ? "world-ipv6" : "world-ipv4"));
  if (directory_.is_apiserver(address)) facts.labels.push_back(reserved("kube-apiserver"));
  facts.address = address;
  return facts;
}

Encounters::Face Encounters::face(const End& end) {
  switch (end.kind) {
    case EndKind::Endpoint: {
      auto& kept = endpoint_faces_[end.index];
      const auto& endpoint = directory_.cluster().endpoints[end.index];
      if (!kept)
        kept = Face{endpoint_subject(end.index),
                    intern(ir::PeerFacts{.labels = endpoint.labels, .address = {}, .named_ports = endpoint.named_ports})};
      return *kept;
    }
    case EndKind::Node:
      return {std::nullopt, intern(remote_node(end.index, end.address))};
    case EndKind::Host:
      return {std::nullopt, intern(ir::PeerFacts{.labels = {reserved("host")}, .address = {}})};
    case EndKind::Address:
      return {std::nullopt, intern(external(*end.address))};
    case EndKind::Reserved:
      return {std::nullopt, intern(ir::PeerFacts{.labels = end.labels, .address = end.address})};
  }
  return {};
}

// `anywhere`: some replica's node is not known.
std::vector<std::uint32_t> Encounters::nodes_of(const End& end, bool& anywhere) const {
  std::vector<std::uint32_t> nodes;
  const auto& endpoint = directory_.cluster().endpoints[end.index];
  anywhere = endpoint.pods.empty();
  for (std::uint32_t p = 0; p < endpoint.pods.size(); ++p) {
    if (end.pod && *end.pod != p) continue;
    if (auto node = directory_.node_by_name(endpoint.pods[p].node))
      nodes.push_back(*node);
    else
      anywhere = true;
  }
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

// entity:host: the bare identity 1, or the host of the other side's node where hosts are managed.
// Of another cluster's endpoint the node isn't ours: any of our hosts may be meant.
std::vector<Encounters::Face> Encounters::host_faces(const End& other) {
  const bool remote = other.kind == EndKind::Endpoint && directory_.cluster().endpoints[other.index].remote;
  if (!hosts_managed_) return {face({.kind = EndKind::Host})};
  bool anywhere = true;
  std::vector<std::uint32_t> nodes;
  if (other.kind == EndKind::Endpoint && !remote) nodes = nodes_of(other, anywhere);
  if (anywhere) nodes = nodes_with_pods_;
  std::vector<Face> out;
  for (auto node : nodes) {
    if (other.kind == EndKind::Node && other.index == node && nodes.size() > 1) continue;
    out.push_back({host_subject(node), intern(ir::PeerFacts{.labels = host_labels(directory_.cluster().nodes[node]), .address = {}})});
  }
  if (out.empty()) out.push_back(face({.kind = EndKind::Host}));
  return out;
}

// A node by its address: the host to pods that run there, a remote node to everyone else.
std::vector<Encounters::Face> Encounters::node_faces(const End& end, const End& other) {
  const Face remote = face(end);
  if (other.kind != EndKind::Endpoint || directory_.cluster().endpoints[other.index].remote) return {remote};
  bool anywhere = false;
  const auto nodes = nodes_of(other, anywhere);
  const bool local = anywhere || std::binary_search(nodes.begin(), nodes.end(), end.index);
  const bool elsewhere = anywhere || nodes.size() > (local ? 1U : 0U);
  std::vector<Face> out;
  if (local) out.push_back({std::nullopt, intern(local_node(end.index, end.address))});
  if (elsewhere || out.empty()) out.push_back(remote);
  return out;
}

std::vector<Encounters::Face> Encounters::faces(const End& end, const End& other) {
  if (end.kind == EndKind::Host) return host_faces(other);
  if (end.kind == EndKind::Node) return node_faces(end, other);
  return {face(end)};
}

std::vector<Encounters::Face> Encounters::faces(const End& end) {
  if (end.kind == EndKind::Host && hosts_managed_) {
    std::vector<Face> out;
    const auto& nodes = directory_.cluster().nodes;
    for (std::uint32_t n = 0; n < nodes.size(); ++n)
      if (!nodes[n].remote_cluster) out.push_back({host_subject(n), intern(ir::PeerFacts{.labels = host_labels(nodes[n]), .address = {}})});
    if (!out.empty()) return out;
  }
  if (end.kind != EndKind::Node) return {face(end)};
  return {{std::nullopt, intern(local_node(end.index, end.address))}, face(end)};
}

std::vector<Meeting> Encounters::meet(const End& from, const End& to) {
  if (from.kind == EndKind::Endpoint && to.kind == EndKind::Endpoint) {
    const Face source = face(from);
    const Face destination = face(to);
    return {{source.subject, destination.subject, source.seen, destination.seen}};
  }
  std::vector<Meeting> out;
  for (const auto& source : faces(from, to))
    for (const auto& destination : faces(to, from))
      out.push_back({source.subject, destination.subject, source.seen, destination.seen});
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace netpolc::verify
