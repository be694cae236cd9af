#include "verify/service_cases.h"

#include <algorithm>
#include <set>

#include "verify/conclude.h"

namespace netpolc::verify {
namespace {

ir::Label reserved(const char* name) { return {"reserved", name, ""}; }

End reserved_end(std::string name, ir::LabelSet labels) {
  ir::normalise(labels);
  return {.kind = EndKind::Reserved, .name = std::move(name), .labels = std::move(labels)};
}

bool is_world(const ir::LabelSet& labels) {
  return std::any_of(labels.begin(), labels.end(), [](const ir::Label& label) { return label.source == "reserved" && label.key.starts_with("world"); });
}

const char* name_of(Seen seen) {
  switch (seen) {
    case Seen::Itself: return "itself";
    case Seen::World: return "world";
    case Seen::Host: return "host";
    case Seen::RemoteNode: return "remote-node";
  }
  return "";
}

std::string not_certain(const std::vector<Seen>& seen) {
  std::string out = "as whom policy sees the client is not certain: ";
  for (std::size_t i = 0; i < seen.size(); ++i) out += std::string(i == 0 ? "" : i + 1 == seen.size() ? " or " : ", ") + name_of(seen[i]);
  return out + ", which are not treated alike";
}

std::vector<Word> words_of(const std::vector<Hop>& hops) {
  std::vector<Word> out;
  for (const Hop& hop : hops) out.push_back(hop.pair.word);
  return out;
}

std::string reason_of(const std::vector<Hop>& hops) {
  for (const Hop& hop : hops)
    if (hop.pair.word == Word::Undecided) return hop.pair.reason;
  return "";
}

}  // namespace

Client client_of(const End& end, const ir::Cluster& cluster) {
  switch (end.kind) {
    case EndKind::Address: return Client::Outside;
    case EndKind::Endpoint: return cluster.endpoints[end.index].remote ? Client::OtherCluster : Client::Pod;
    case EndKind::Node: return cluster.nodes[end.index].remote_cluster ? Client::OtherCluster : Client::Node;
    case EndKind::Host: return Client::Node;
    case EndKind::Reserved: return is_world(end.labels) ? Client::Outside : Client::Node;
  }
  return Client::Node;
}

std::optional<std::vector<std::string>> node_names(const End& end, const ir::Cluster& cluster) {
  if (end.kind == EndKind::Node) return std::vector<std::string>{cluster.nodes[end.index].name};
  if (end.kind != EndKind::Endpoint || cluster.endpoints[end.index].pods.empty()) return std::nullopt;
  std::vector<std::string> out;
  const auto& pods = cluster.endpoints[end.index].pods;
  for (std::size_t p = 0; p < pods.size(); ++p) {
    if (end.pod && *end.pod != p) continue;
    if (pods[p].node.empty()) return std::nullopt;
    out.push_back(pods[p].node);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool has_one_node(const ir::Cluster& cluster) {
  return std::count_if(cluster.nodes.begin(), cluster.nodes.end(), [](const ir::Node& node) { return !node.remote_cluster; }) == 1;
}

Word all_of(const std::vector<Word>& words) {
  const auto any = [&](Word word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  return any(Word::Denied) ? Word::Denied : any(Word::Undecided) ? Word::Undecided : Word::Allowed;
}

bool same_hops(const std::vector<Hop>& a, const std::vector<Hop>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Hop& x, const Hop& y) { return x.seen == y.seen && repeats(x.pair, y.pair); });
}

const End& Cases::keep(End end) {
  out_.ends.push_back(std::move(end));
  return out_.ends.back();
}

PathCase Cases::start(const Way& way, const Step& step) const {
  PathCase out{.from = way.client.name, .to = way.backend.name, .flow = way.flow, .arrival = step.arrival, .cause = step.cause, .node = {}, .reason = {}, .hops = {}};
  out.sibling = way.client.kind == EndKind::Endpoint && way.backend.kind == EndKind::Endpoint && way.client.index == way.backend.index;
  return out;
}

// Cases that differ in addresses or placement only are one to the reader. `firewall`: one of the node is before it, whose verdict
// about a node port that it does not translate itself is not modelled.
void Cases::put(PathCase one, bool firewall) {
  if (firewall && one.word == Word::Allowed) {
    one.word = Word::Undecided;
    one.reason = "the host firewall is on, and kube-proxy serves the service behind it";
  }
  const auto same = [&](const PathCase& other) {
    return other.from == one.from && other.to == one.to && other.flow == one.flow && other.arrival == one.arrival && other.cause == one.cause && other.node == one.node &&
           other.itself == one.itself && other.word == one.word && other.reason == one.reason && same_hops(other.hops, one.hops);
  };
  const auto earlier = out_.cases.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(out_.cases.size(), 8));
  if (std::none_of(earlier, out_.cases.end(), same)) out_.cases.push_back(std::move(one));
}

bool Cases::add_itself(const Way& way, Cause cause) {
  if (way.client.kind != EndKind::Endpoint || way.backend.kind != EndKind::Endpoint || way.client.index != way.backend.index) return true;
  const ir::Endpoint& endpoint = judge_.directory().cluster().endpoints[way.client.index];
  PathCase one = start(way, {Arrival::Any, cause});
  one.itself = true;
  one.sibling = false;
  put(std::move(one));
  return endpoint.kind != "Pod" && endpoint.pods.size() != 1;
}

void Cases::add_without_policy(const Way& way, const Step& step, Word word, std::string reason) {
  PathCase one = start(way, step);
  one.word = word;
  one.reason = std::move(reason);
  put(std::move(one));
}

// Nodes of the cluster other than that of the backend, as its policy sees them: identity 6, or 7 where the API server runs.
std::vector<Cases::Sight> Cases::remote_nodes(const End& backend) {
  std::vector<Sight> out;
  std::set<FactsId> seen;
  const auto add = [&](const End& from, const std::string& node) {
    const FactsId facts = judge_.encounters().faces(from).back().seen;
    if (seen.insert(facts).second) out.push_back({&from, facts, node});
  };
  const ir::Cluster& cluster = judge_.directory().cluster();
  const auto own = node_names(backend, cluster);
  for (std::uint32_t n = 0; n < cluster.nodes.size(); ++n) {
    if (cluster.nodes[n].remote_cluster || (own && own->size() == 1 && own->front() == cluster.nodes[n].name)) continue;
    const auto& addresses = cluster.nodes[n].addresses;
    for (std::size_t a = 0; a < std::max<std::size_t>(addresses.size(), 1); ++a)
      add(keep({.kind = EndKind::Node, .name = "entity:remote-node", .index = n, .address = addresses.empty() ? std::nullopt : std::optional(addresses[a])}), cluster.nodes[n].name);
  }
  if (!out.empty()) return out;
  add(keep(reserved_end("entity:remote-node", {reserved("remote-node")})), "");
  add(keep(reserved_end("entity:remote-node", {reserved("remote-node"), reserved("kube-apiserver")})), "one that serves the API server");
  return out;
}

// Of the client's family, where that is known.
std::vector<Cases::Sight> Cases::world(const End& client) {
  const ir::Config& config = judge_.directory().cluster().config;
  std::vector<const char*> names;
  if (!config.ipv4 || !config.ipv6) names = {"world"};
  else if (client.kind == EndKind::Address) names = {client.address->v6 ? "world-ipv6" : "world-ipv4"};
  else names = {"world-ipv4", "world-ipv6"};
  std::vector<Sight> out;
  if (client.kind == EndKind::Reserved && is_world(client.labels)) return {{&client, judge_.encounters().faces(client).front().seen, ""}};
  for (const char* name : names) {
    const End& end = keep(reserved_end("entity:world", {reserved(name)}));
    out.push_back({&end, judge_.encounters().faces(end).front().seen, ""});
  }
  return out;
}

std::vector<Cases::Sight> Cases::sights(Seen seen, const Way& way) {
  if (seen == Seen::World) return world(way.client);
  if (seen == Seen::RemoteNode) return remote_nodes(way.backend);
  const End& from = seen == Seen::Itself ? way.client : keep({.kind = EndKind::Host, .name = "entity:host"});
  std::vector<Sight> out;
  for (const Meeting& meeting : judge_.encounters().meet(from, way.backend)) out.push_back({&from, meeting.source_seen, ""});
  return out;
}

// The hop to the backend, if it sees the client so. A client that sends to the backend itself is asked for its own policy, too.
std::vector<Hop> Cases::received(const Way& way, const Step& step, Seen seen, std::vector<std::string>* nodes) {
  std::vector<Hop> out;
  const auto add = [&](const Sight& sight, const std::optional<SubjectId>& source, FactsId destination_seen, const std::optional<SubjectId>& destination) {
    Hop hop{.pair = {.from = way.client.name, .to = way.backend.name, .via = way.backend.via, .flow = way.flow}, .seen = seen, .cause = step.cause};
    if (step.to == SentTo::Backend) hop.pair.egress = judged_side(judge_, source, ir::Direction::Egress, destination_seen, way.flow, way.client, way.backend, request_);
    hop.pair.ingress = judged_side(judge_, destination, ir::Direction::Ingress, sight.facts, way.flow, way.backend, *sight.end, request_);
    conclude(hop.pair);
    out.push_back(std::move(hop));
    if (nodes != nullptr) nodes->push_back(sight.node);
  };
  if (seen == Seen::Itself) {
    for (const Meeting& m : judge_.encounters().meet(way.client, way.backend)) add({&way.client, m.source_seen, ""}, m.source, m.destination_seen, m.destination);
    return out;
  }
  const auto destination = way.backend.kind == EndKind::Endpoint ? judge_.encounters().endpoint_subject(way.backend.index) : std::nullopt;
  for (const Sight& sight : sights(seen, way)) add(sight, std::nullopt, 0, destination);
  return out;
}

// The hop to an address that is not translated where the client is: its egress policy alone.
std::vector<Hop> Cases::sent(const Way& way, const Step& step, std::string& problem) {
  std::vector<Hop> out;
  if (step.to == SentTo::Backend || way.client.kind != EndKind::Endpoint) return out;
  const auto subject = judge_.encounters().endpoint_subject(way.client.index);
  const ir::Flow flow = step.to == SentTo::BalancerAddress ? way.service : ir::Flow{way.service.protocol, way.node_port};
  if (flow.number == 0) problem = "the Service's nodePort is not in its manifest, and the client's egress policy is asked about it";
  const auto add = [&](const End& end, FactsId facts) {
    Hop hop{.pair = {.from = way.client.name, .to = end.name, .via = {}, .flow = flow}, .cause = step.cause};
    hop.pair.egress = judged_side(judge_, subject, ir::Direction::Egress, facts, flow, way.client, end, nullptr);
    conclude(hop.pair);
    if (std::none_of(out.begin(), out.end(), [&](const Hop& other) { return repeats(other.pair, hop.pair); })) out.push_back(std::move(hop));
  };
  if (!problem.empty()) return out;
  if (step.to == SentTo::OwnNode) {
    const End& host = keep({.kind = EndKind::Host, .name = "entity:host"});
    for (const Meeting& m : judge_.encounters().meet(way.client, host)) add(host, m.destination_seen);
  } else if (step.to == SentTo::OtherNode) {
    for (const Sight& sight : remote_nodes(way.client)) add(*sight.end, sight.facts);
  } else {
    for (const IpAddress& address : way.balancer) {
      const End& end = keep(judge_.directory().address_end(address));
      add(end, judge_.encounters().faces(end).back().seen);
    }
    if (out.empty()) problem = "the load balancer's address is not in the Service's status, and the client's egress policy is asked about it";
  }
  const auto words = words_of(out);
  if (together(words) == Word::Mixed) problem = "whether the client may send to the address depends on which one it is";
  return out;
}

// Each as whom the backend may see the client is a case of its own: which one it is depends on nodes.
void Cases::add_known(const Way& way, const Step& step, bool firewall) {
  std::vector<std::string> nodes;
  const std::vector<Hop> all = received(way, step, step.seen.front(), &nodes);
  const bool alike = together(words_of(all)) != Word::Mixed;
  std::set<Word> shown;
  for (std::size_t i = 0; i < all.size(); ++i) {
    PathCase one = start(way, step);
    if (step.seen.front() == Seen::RemoteNode) {
      if (!shown.insert(all[i].pair.word).second) continue;
      if (!alike) one.node = nodes[i];
    }
    one.word = all[i].pair.word;
    one.reason = all[i].pair.word == Word::Undecided ? all[i].pair.reason : "";
    one.hops = {all[i]};
    put(std::move(one), firewall);
  }
}

void Cases::add_one_of(const Way& way, const Step& step, bool firewall) {
  PathCase one = start(way, step);
  std::string problem;
  one.hops = sent(way, step, problem);
  const Word sends = !problem.empty() ? Word::Undecided : all_of(words_of(one.hops));
  std::vector<Hop> last;
  for (const Seen seen : step.seen)
    for (Hop& hop : received(way, step, seen, nullptr)) {
      hop.one_of = true;
      if (std::none_of(last.begin(), last.end(), [&](const Hop& other) { return other.seen == hop.seen && repeats(other.pair, hop.pair); })) last.push_back(std::move(hop));
    }
  Word arrives = together(words_of(last));
  std::string doubt = !problem.empty() ? problem : arrives == Word::Mixed ? not_certain(step.seen) : reason_of(last);
  if (arrives == Word::Mixed) arrives = Word::Undecided;
  one.hops.insert(one.hops.end(), last.begin(), last.end());
  one.word = all_of({sends, arrives});
  if (one.word == Word::Undecided) one.reason = doubt.empty() ? reason_of(one.hops) : doubt;
  put(std::move(one), firewall);
}

void Cases::add(const Way& way, const PathSettings& settings) {
  const ir::Cluster& cluster = judge_.directory().cluster();
  std::vector<Step> all = steps(client_of(way.client, cluster), settings);
  // What has no policy here sees whomever it sees, wherever traffic arrives.
  const bool plain = std::all_of(all.begin(), all.end(), [](const Step& step) { return step.to == SentTo::Backend && !step.seen.empty(); });
  if (way.backend.kind != EndKind::Endpoint && plain) all = {{Arrival::Any, all.front().cause, {Seen::Itself}}};
  for (const Step& step : all) {
    const bool by_kube_proxy = step.cause == Cause::KubeProxy || step.cause == Cause::KubeProxyClusterIp || (step.cause == Cause::KeptByLocal && !settings.cilium);
    const bool firewall = by_kube_proxy && cluster.config.host_firewall;
    const bool elsewhere = step.arrival == Arrival::OtherNode || step.arrival == Arrival::OtherNodeAddress;
    if (elsewhere && has_one_node(cluster)) continue;
    if (step.cause == Cause::ExternalClusterIp) add_without_policy(way, step, Word::Denied, "dropped before policy (174): a ClusterIP is not for clients outside, `bpf-lb-external-clusterip` is off");
    else if (step.seen.empty()) add_without_policy(way, step, Word::Undecided, settings.balancer_is_proxy ? "the load balancer connects to the nodes by itself (ipMode: Proxy): as whom policy sees the client is not known" : "the Service's status has no address of the load balancer: whether nodes serve it themselves is not known");
    else if (step.seen.size() == 1 && step.to == SentTo::Backend) add_known(way, step, firewall);
    else add_one_of(way, step, firewall);
  }
}

}  // namespace netpolc::verify
