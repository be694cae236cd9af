#include "compiler/explain/peers.h"

#include <algorithm>
#include <set>

#include "compiler/explain/words.h"
#include "ir/eval/fqdn.h"
#include "ir/identity/ipcache.h"
#include "ir/identity/services.h"

namespace netpolc::explain {
namespace {

namespace eval = ir::eval;

constexpr std::size_t kExamples = 3;

ir::PeerFacts reserved(const char* key) { return {.labels = {{"reserved", key, ""}}, .address = {}}; }

}  // namespace

Population::Population(const Sources& sources) : sources_(sources), cluster_(sources.world.cluster), address_labels_(sources.world, false) {
  for (std::uint32_t e = 0; e < cluster_.endpoints.size(); ++e) {
    const ir::Endpoint& endpoint = cluster_.endpoints[e];
    if (!endpoint.host_network) candidates_.push_back({name(e), {.labels = endpoint.labels, .address = {}}, e});
  }
  for (const char* entity : {"host", "remote-node", "kube-apiserver", "health", "ingress", "init", "unmanaged"}) candidates_.push_back({"entity:" + std::string(entity), reserved(entity)});
  const ir::Config& config = cluster_.config;
  if (config.ipv4) candidates_.push_back({"entity:world", {.labels = {ir::world_label(config, false)}, .address = {}}});
  if (config.ipv6) candidates_.push_back({"entity:world", {.labels = {ir::world_label(config, true)}, .address = {}}});
}

std::string Population::name(std::uint32_t endpoint) const { return cluster_.endpoints[endpoint].ns + "/" + cluster_.endpoints[endpoint].name; }

bool Population::means(const std::vector<eval::ResolvedPeer>& peers, const Candidate& candidate) const {
  const eval::PeerView view{candidate.facts, candidate.facts.labels, eval::is_external(candidate.facts)};
  return std::any_of(peers.begin(), peers.end(), [&](const eval::ResolvedPeer& peer) { return eval::matches(peer.matcher, view, cluster_.config, address_labels_); });
}

std::vector<eval::ResolvedPeer> Population::resolved(const ir::Rule& rule, const std::vector<ir::Requirement>& requirements) const {
  return eval::resolve_peers(rule, {sources_.world, requirements, eval::NamedPorts{}});
}

PeerView Population::view(const ir::Peer& peer, const ir::Rule& rule, const std::vector<ir::Requirement>& requirements) const {
  PeerView out{.words = peer_words(peer, rule)};
  ir::Rule alone = rule;
  alone.peer_kind = ir::PeerKind::Listed;
  alone.peers = {peer};
  alone.any_l4 = true;  // a service that is unknown stands for nobody here
  const auto peers = resolved(alone, requirements);
  for (const Candidate& candidate : candidates_)
    if (means(peers, candidate) && (out.now.empty() || out.now.back() != candidate.name)) out.now.push_back(candidate.name);
  if (const auto* labels = std::get_if<ir::LabelPeer>(&peer)) {
    ir::Selector effective = labels->selector;
    if (labels->endpoints) effective.requirements.insert(effective.requirements.end(), requirements.begin(), requirements.end());
    ir::normalise(effective);
    out.selector = ir::to_string(effective);
  }
  add_addresses(peer, out);
  return out;
}

// Pods and nodes inside of a prefix are not meant, which surprises (section 3.4).
void Population::note_addresses(const IpPrefix& prefix, PeerView& out) const {
  std::set<std::string> inside;
  for (std::uint32_t e = 0; e < cluster_.endpoints.size(); ++e)
    for (const ir::Pod& pod : cluster_.endpoints[e].pods)
      for (const IpAddress& address : pod.addresses)
        if (prefix.length != 0 && prefix.contains(address) && !cluster_.endpoints[e].host_network) inside.insert(name(e));
  if (!cluster_.config.cidr_matches_nodes)
    for (const ir::Node& node : cluster_.nodes)
      for (const IpAddress& address : node.addresses)
        if (prefix.length != 0 && prefix.contains(address)) inside.insert("node " + node.name);
  if (!inside.empty()) out.notes.push_back("not meant, though their addresses are in it: " + listed({inside.begin(), inside.end()}, kExamples));
}

void Population::add_addresses(const ir::Peer& peer, PeerView& out) const {
  if (const auto* cidr = std::get_if<ir::CidrPeer>(&peer)) {
    out.open = true;
    note_addresses(cidr->prefix, out);
  }
  if (const auto* group = std::get_if<ir::CidrGroupPeer>(&peer)) {
    for (const ir::CidrGroup& one : cluster_.cidr_groups)
      if (one.name == group->name)
        for (const IpPrefix& prefix : one.cidrs) out.now.push_back(prefix.to_string());
    out.open = group->selector.has_value();
  }
  if (const auto* names = std::get_if<ir::FqdnPeer>(&peer)) {
    for (const IpAddress& address : eval::resolve(*names, sources_.world.resolutions, cluster_.config.version)) out.now.push_back(address.to_string());
    out.open = out.now.empty();
    if (out.open) out.notes.push_back("no address is known: what it means is what DNS answers (--resolutions)");
  }
  if (const auto* service = std::get_if<ir::ServicePeer>(&peer)) {
    const auto found = ir::selected_services(*service, cluster_);
    if (found.empty()) out.notes.push_back("there is no such service here");
    for (const ir::Service* one : found)
      if (one->selector.empty())
        for (const IpAddress& address : one->endpoints) out.now.push_back(address.to_string());
  }
}

std::vector<std::uint32_t> Population::endpoints(const ir::Rule& rule) const {
  const auto peers = resolved(rule, {});
  std::vector<std::uint32_t> out;
  for (const Candidate& candidate : candidates_)
    if (candidate.endpoint && means(peers, candidate)) out.push_back(*candidate.endpoint);
  return out;
}

}  // namespace netpolc::explain
