#include "compiler/replay/verdicts.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "ir/eval/match.h"

namespace netpolc::compiler::replay {
namespace {

using Kind = RecordedEnd::Kind;
using Word = SideAnswer::Word;

constexpr const char* kClusterLabel = "io.cilium.k8s.policy.cluster";

std::string key_of(const Connection& connection) {
  return std::to_string(connection.from) + ' ' + std::to_string(connection.to) + ' ' + std::to_string(static_cast<int>(connection.flow.protocol)) + ' ' + std::to_string(connection.flow.number);
}

using EndpointKey = std::tuple<std::string, std::string, std::string>;
EndpointKey order(const ir::Endpoint& endpoint) { return {endpoint.ns, endpoint.name, endpoint.kind}; }

// A pod that no manifest of the set has, as the recording has it.
ir::Endpoint recorded(const RecordedEnd& end, const ir::Config& config) {
  ir::Endpoint out;
  out.ns = end.ns;
  out.name = end.name;
  out.kind = "Recorded";
  out.labels = end.labels;
  out.remote = end.other_cluster;
  // What the recording calls this cluster is what the configuration does.
  for (ir::Label& label : out.labels)
    if (!end.other_cluster && label.source == "k8s" && label.key == kClusterLabel) label.value = config.cluster_name;
  ir::normalise(out.labels);
  return out;
}

std::optional<std::uint32_t> find(const std::vector<ir::Endpoint>& endpoints, const RecordedEnd& end, const ir::LabelSet* labels) {
  const auto before = [](const ir::Endpoint& endpoint, const std::pair<std::string, std::string>& name) { return std::tie(endpoint.ns, endpoint.name) < std::tie(name.first, name.second); };
  const std::pair<std::string, std::string> name{end.ns, end.name};
  for (auto at = std::lower_bound(endpoints.begin(), endpoints.end(), name, before); at != endpoints.end() && at->ns == end.ns && at->name == end.name; ++at) {
    const bool fits = labels != nullptr ? at->kind == "Recorded" && at->labels == *labels && at->remote == end.other_cluster : at->kind != "Recorded" && !at->host_network && !at->remote;
    if (fits) return static_cast<std::uint32_t>(at - endpoints.begin());
  }
  return std::nullopt;
}

bool concerns(const ir::PortMatch& match, ir::Flow flow) {
  const bool any = match.protocol == ir::Protocol::Any && flow.protocol >= ir::Protocol::Tcp && flow.protocol <= ir::Protocol::Sctp;
  if (!match.name.empty() || (!any && match.protocol != flow.protocol)) return false;
  return (match.first == 0 && match.last == 0) || (match.first <= flow.number && flow.number <= std::max(match.first, match.last));
}

// A list that every request is in.
bool has_everything(const ir::L7& l7) {
  if (!l7.redirects()) return true;
  const auto any_name = [](const ir::DnsRule& rule) { return rule.match_name.empty() && rule.match_pattern == "*"; };
  if (std::any_of(l7.dns.begin(), l7.dns.end(), any_name)) return true;
  return l7.server_names.empty() && !l7.listener && std::find(l7.http.begin(), l7.http.end(), ir::HttpRule{}) != l7.http.end();
}

}  // namespace

Verdicts::Verdicts(Session& session, const Recording& recording) : session_(session), recording_(recording) {
  for (const Connection& connection : recording.connections())
    if (connection.request) with_requests_.insert(key_of(connection));
  complete();
  const ir::eval::World world{session_.loaded.policies, session_.loaded.cluster, session_.resolutions};
  judge_ = std::make_unique<verify::Judge>(world, session_.lock);
  place();
}

void Verdicts::complete() {
  add_endpoints();
  learn_addresses();
}

void Verdicts::add_endpoints() {
  auto& endpoints = session_.loaded.cluster.endpoints;
  std::vector<ir::Endpoint> more;
  for (const RecordedEnd& end : recording_.ends()) {
    if (end.kind != Kind::Pod || (end.in_manifests && find(endpoints, end, nullptr))) continue;
    more.push_back(recorded(end, session_.loaded.cluster.config));
  }
  endpoints.insert(endpoints.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  std::stable_sort(endpoints.begin(), endpoints.end(), [](const ir::Endpoint& a, const ir::Endpoint& b) { return order(a) < order(b); });
  const auto same = [](const ir::Endpoint& a, const ir::Endpoint& b) { return a.kind == "Recorded" && b.kind == "Recorded" && order(a) == order(b) && a.labels == b.labels && a.remote == b.remote; };
  endpoints.erase(std::unique(endpoints.begin(), endpoints.end(), same), endpoints.end());
}

// Names that flows say an address has, and addresses that they call API servers.
void Verdicts::learn_addresses() {
  auto& servers = session_.loaded.cluster.kube_apiservers;
  for (const RecordedEnd& end : recording_.ends()) {
    if (end.api_server) servers.insert(servers.end(), end.addresses.begin(), end.addresses.end());
    for (const std::string& name : end.names) {
      auto& addresses = session_.resolutions[name];
      addresses.insert(addresses.end(), end.addresses.begin(), end.addresses.end());
    }
  }
  const auto tidy = [](std::vector<IpAddress>& all) {
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  };
  tidy(servers);
  for (auto& [name, addresses] : session_.resolutions) tidy(addresses);
}

// Of an end without names an address that no other flow gives a name, if there is one: an address counts under the names that the
// flow itself has.
IpAddress Verdicts::address_of(const RecordedEnd& end) const {
  if (!end.names.empty()) return *end.addresses.begin();
  for (const IpAddress& address : end.addresses) {
    const auto has = [&](const auto& known) { return std::binary_search(known.second.begin(), known.second.end(), address); };
    if (std::none_of(session_.resolutions.begin(), session_.resolutions.end(), has)) return address;
  }
  return *end.addresses.begin();
}

Verdicts::Placed Verdicts::place_host(const RecordedEnd& end) {
  auto& encounters = judge_->encounters();
  Placed out;
  const auto node = judge_->directory().node_by_name(end.node);
  if (node) {
    const auto& addresses = session_.loaded.cluster.nodes[*node].addresses;
    verify::End host{.kind = verify::EndKind::Node, .index = *node};
    host.address = !end.addresses.empty() ? std::optional(*end.addresses.begin()) : addresses.empty() ? std::nullopt : std::optional(addresses.front());
    out.seen = encounters.faces(host).front().seen;  // as pods on the node see it
    out.subject = encounters.host_subject(*node);
    return out;
  }
  verify::End host{.kind = verify::EndKind::Reserved, .labels = {{"reserved", "host", ""}}};
  if (end.api_server) host.labels.push_back({"reserved", "kube-apiserver", ""});
  out.seen = encounters.faces(host).front().seen;
  out.subject_unknown = encounters.hosts_are_managed();
  return out;
}

void Verdicts::place() {
  auto& encounters = judge_->encounters();
  const auto& cluster = session_.loaded.cluster;
  for (const RecordedEnd& end : recording_.ends()) {
    Placed out;
    switch (end.kind) {
      case Kind::Host: out = place_host(end); break;
      case Kind::Entity: {
        verify::End peer{.kind = verify::EndKind::Reserved, .labels = end.labels};
        if (!end.addresses.empty() && cluster.config.cidr_matches_nodes) peer.address = *end.addresses.begin();
        out.seen = encounters.faces(peer).front().seen;
        break;
      }
      case Kind::Outside: {
        const IpAddress address = address_of(end);
        out.seen = encounters.faces({.kind = verify::EndKind::Address, .address = address}).front().seen;
        break;
      }
      case Kind::Pod: {
        out.endpoint = end.in_manifests ? find(cluster.endpoints, end, nullptr) : std::nullopt;
        if (!out.endpoint) {
          const ir::LabelSet labels = recorded(end, cluster.config).labels;
          out.endpoint = find(cluster.endpoints, end, &labels);
        }
        const auto face = encounters.faces({.kind = verify::EndKind::Endpoint, .index = *out.endpoint}).front();
        out.subject = face.subject;
        out.seen = face.seen;
        break;
      }
    }
    placed_.push_back(out);
  }
}

bool Verdicts::nobodys(const Connection& connection) const {
  const Placed &from = placed_[connection.from], &to = placed_[connection.to];
  return !from.subject && !from.subject_unknown && !to.subject && !to.subject_unknown;
}

Answer Verdicts::answer(const Connection& connection) { return {side(connection, ir::Direction::Egress), side(connection, ir::Direction::Ingress)}; }

SideAnswer Verdicts::side(const Connection& connection, ir::Direction direction) {
  const bool outgoing = direction == ir::Direction::Egress;
  const EndId id = outgoing ? connection.from : connection.to;
  const Placed &own = placed_[id], &other = placed_[outgoing ? connection.to : connection.from];
  SideAnswer out;
  if (own.subject_unknown) {
    out.word = Word::Undecided;
    out.why = "policies select hosts, and no manifest has the node " + (recording_.ends()[id].node.empty() ? std::string("of this one") : "`" + recording_.ends()[id].node + "`");
    return out;
  }
  if (!own.subject) return out;
  out.side = verify::Side{.subject = to_string(recording_.ends()[id])};
  if (const auto& incomputable = judge_->policy(*own.subject).incomputable()) {
    out.side->incomputable = &*incomputable;
    out.word = Word::Undecided;
    out.why = "the policy of " + out.side->subject + " cannot be computed: " + incomputable->reason;
    return out;
  }
  out.side->verdict = &judge_->verdict(*own.subject, direction, other.seen, connection.flow);
  if (connection.request && out.side->verdict->verdict == ir::Verdict::AllowL7)
    out.side->request = judge_->policy(*own.subject).judge(direction, judge_->encounters().facts(other.seen), connection.flow, *connection.request);
  return weigh(connection, direction, std::move(out));
}

SideAnswer Verdicts::weigh(const Connection& connection, ir::Direction direction, SideAnswer out) const {
  const ir::SideVerdict& verdict = *out.side->verdict;
  const bool denied = verdict.verdict == ir::Verdict::Deny || verdict.verdict == ir::Verdict::DefaultDeny;
  out.word = denied ? Word::Denied : Word::Passes;
  if (port_names_matter(connection, direction, denied)) {
    out.word = Word::Undecided;
    out.why = "rules name ports, and no manifest says what the ports of " + to_string(recording_.ends()[connection.to]) + " are called";
    return out;
  }
  if (out.side->request) {
    using Of = ir::RequestVerdict::Word;
    if (out.side->request->word == Of::Allowed) return out;
    out.word = out.side->request->word == Of::Denied ? Word::Denied : Word::Undecided;
    out.refused_request = out.word == Word::Denied;
    if (out.word == Word::Undecided) out.why = out.side->request->why + " decides, and is not known";
    return out;
  }
  if (verdict.verdict != ir::Verdict::AllowL7 || connection.request || with_requests_.count(key_of(connection)) != 0) return out;
  const auto& policies = session_.loaded.policies.policies;
  const bool everything = std::any_of(verdict.rules.begin(), verdict.rules.end(), [&](const ir::RuleRef& ref) {
    const ir::Rule& rule = policies[ref.policy].rules[ref.rule];
    return rule.any_l4 || std::any_of(rule.ports.begin(), rule.ports.end(), [&](const ir::PortRule& ports) {
      return has_everything(ports.l7) && std::any_of(ports.ports.begin(), ports.ports.end(), [&](const ir::PortMatch& match) { return concerns(match, connection.flow); });
    });
  });
  if (everything) return out;
  out.word = Word::ByRequest;
  out.why = "a proxy decides by what is asked, and no requests are recorded";
  return out;
}

bool Verdicts::passes_dns_proxy(std::uint32_t from, std::uint32_t server, const std::string& name) {
  auto& encounters = judge_->encounters();
  const auto subject = encounters.endpoint_subject(from);
  if (!subject || judge_->policy(*subject).incomputable()) return false;
  const auto seen = encounters.faces({.kind = verify::EndKind::Endpoint, .index = server}).front().seen;
  const ir::Flow query{ir::Protocol::Udp, 53};
  const auto& verdict = judge_->verdict(*subject, ir::Direction::Egress, seen, query);
  if (verdict.verdict != ir::Verdict::AllowL7 || verdict.l7 != ir::L7Parser::Dns) return false;
  return judge_->policy(*subject).judge(ir::Direction::Egress, encounters.facts(seen), query, ir::DnsQuery{name}).word == ir::RequestVerdict::Word::Allowed;
}

// A pod of which only labels are known may have any names for its ports.
bool Verdicts::port_names_matter(const Connection& connection, ir::Direction direction, bool denied) const {
  const RecordedEnd& to = recording_.ends()[connection.to];
  const auto& cluster = session_.loaded.cluster;
  const auto own = placed_[direction == ir::Direction::Egress ? connection.from : connection.to].endpoint;
  if (to.kind != Kind::Pod || !own || cluster.endpoints[*placed_[connection.to].endpoint].kind != "Recorded") return false;
  const auto names_ports = [&](const ir::Rule& rule) {
    if (rule.direction != direction || (rule.action == ir::Action::Allow) != denied) return false;
    return std::any_of(rule.ports.begin(), rule.ports.end(), [&](const ir::PortRule& ports) {
      return std::any_of(ports.ports.begin(), ports.ports.end(), [&](const ir::PortMatch& match) {
        return !match.name.empty() && (match.protocol == ir::Protocol::Any || match.protocol == connection.flow.protocol);
      });
    });
  };
  const ir::LabelSet& labels = cluster.endpoints[*own].labels;
  const auto& policies = session_.loaded.policies.policies;
  return std::any_of(policies.begin(), policies.end(), [&](const ir::Policy& policy) {
    return std::any_of(policy.rules.begin(), policy.rules.end(), names_ports) && !policy.subject_is_node && ir::eval::matches(policy.subject, labels);
  });
}

}  // namespace netpolc::compiler::replay
