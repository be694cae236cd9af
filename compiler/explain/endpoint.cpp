#include "compiler/explain/endpoint.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "compiler/explain/place.h"
#include "compiler/explain/words.h"
#include "frontend/label_filter.h"
#include "ir/eval/fqdn.h"
#include "verify/node_labels.h"

namespace netpolc::explain {
namespace {

namespace eval = ir::eval;
using ir::Direction;

constexpr std::uint32_t kHostIdentity = 1;
constexpr const char* kFirewallOff = "the host firewall is off (`enable-host-firewall` of `cilium-config` is not `true`)";

class EndpointExplainer {
 public:
  EndpointExplainer(verify::AllPorts& ports, const Sources& sources) : ports_(ports), sources_(sources) {}

  EndpointView of_endpoint(std::uint32_t number) {
    const ir::Endpoint& endpoint = sources_.world.cluster.endpoints[number];
    const verify::End self = sources_.judge.directory().endpoint_end(number, std::nullopt);
    self_ = {self.name, {self}};
    out_.endpoint = number;
    out_.labels = endpoint.labels;
    const frontend::LabelFilter filter(config());
    for (const ir::Label& label : endpoint.filtered_out) out_.dropped.push_back({label, filter.why_dropped(label)});
    if (endpoint.host_network) out_.notes.push_back("in the host's network: to policy it is its node, and its labels select nothing");
    if (endpoint.remote) out_.notes.push_back("of another cluster: a peer here, whose own policy is not asked");
    subject_ = sources_.judge.encounters().endpoint_subject(number);
    out_.identity = endpoint.host_network ? 0 : ports_.identities().of_endpoint(number);
    if (subject_) explain();
    return std::move(out_);
  }

  EndpointView of_hosts(const std::vector<std::uint32_t>& nodes) {
    const ir::Node& first = sources_.world.cluster.nodes[nodes.front()];
    self_ = {"entity:host", {}};
    out_.nodes = nodes;
    out_.labels = verify::host_labels(first);
    out_.identity = kHostIdentity;
    if (nodes.size() == 1) drop_labels_of(first);
    note_pods();
    subject_ = sources_.judge.encounters().host_subject(nodes.front());
    explain();
    note_what_passes();
    return std::move(out_);
  }

 private:
  const ir::Config& config() const { return sources_.world.cluster.config; }
  const std::vector<ir::Policy>& policies() const { return sources_.world.policies.policies; }

  bool is_host() const { return !out_.nodes.empty(); }

  void explain() {
    if (subject_)
      if (const auto& why = sources_.judge.policy(*subject_).incomputable()) {
        out_.incomputable = why->reason;
        out_.conflict = why->rules;
      }
    parties_ = *ports_.parties("any");
    for (const Direction direction : {Direction::Ingress, Direction::Egress}) out_.directions.push_back(side(direction));
  }

  // Cilium's own patterns, whatever `labels` says.
  void drop_labels_of(const ir::Node& node) {
    const frontend::LabelFilter filter{ir::Config{}};
    for (const auto& [key, value] : node.labels) {
      const ir::Label label{"k8s", key, value};
      if (!verify::is_host_label(key)) out_.dropped.push_back({label, filter.keeps(label) ? "left out of the labels of nodes" : filter.why_dropped(label)});
    }
  }

  void note_pods() {
    const ir::Cluster& cluster = sources_.world.cluster;
    std::vector<std::string> names;
    for (const ir::Endpoint& endpoint : cluster.endpoints)
      if (endpoint.host_network && std::any_of(endpoint.pods.begin(), endpoint.pods.end(), [&](const ir::Pod& pod) { return runs_here(pod); })) names.push_back(endpoint.ns + "/" + endpoint.name);
    if (!names.empty()) out_.notes.push_back("pods in its network are it, to policy: " + listed(names, kNamesShown));
  }

  bool runs_here(const ir::Pod& pod) const {
    const auto node = sources_.judge.directory().node_by_name(pod.node);
    return node && std::find(out_.nodes.begin(), out_.nodes.end(), *node) != out_.nodes.end();
  }

  // Sections 8.5 and 9.4.
  void note_what_passes() {
    if (!config().host_firewall) return;
    if (config().ipv6) out_.notes.push_back("whatever policy says, ICMPv6 errors and neighbour discovery pass (types 1-4, 130-136, 141-143, 148, 149, 151-153), and what else of ICMPv6 is not echo is dropped");
    if (out_.directions.front().enforcement != ir::Enforcement::None) out_.notes.push_back("in spite of its ingress policy NodePorts that eBPF serves are reached: what comes to them is translated before, and meets policy of the pods behind them");
  }

  EndpointDirection side(Direction direction) {
    EndpointDirection out;
    out.direction = direction;
    if (!subject_) {
      out.open = kFirewallOff;
      return out;
    }
    const eval::SubjectPolicy& policy = sources_.judge.policy(*subject_);
    out.enforcement = policy.enforcement(direction);
    select(direction, out);
    if (out.enforcement == ir::Enforcement::None) {
      if (!out_.incomputable.empty()) return out;
      if (is_host() && !config().host_firewall) out.open = kFirewallOff;
      else out.open = config().mode == ir::PolicyMode::Never ? "`enable-policy` is `never`" : "no policy selects it in this direction";
      return out;
    }
    out.switched_on = policy.inspect(direction, {}, {}).default_deny;
    if (!out_.incomputable.empty()) return out;
    for (const verify::Party& party : parties_)
      if (party.name != self_.name) allow(party, direction, out);
    return out;
  }

  void select(Direction direction, EndpointDirection& out) {
    const ir::Subject& subject = sources_.judge.encounters().subject(*subject_);
    for (std::size_t p = 0; p < policies().size(); ++p) {
      const ir::Policy& policy = policies()[p];
      SelectingPolicy one{p, 0, 0, 0, false};
      std::vector<Denied> denied;
      for (std::uint32_t r = 0; r < policy.rules.size(); ++r) {
        const ir::Rule& rule = policy.rules[r];
        if (rule.direction != direction) continue;
        ++(rule.action == ir::Action::Allow ? one.allows : rule.action == ir::Action::Deny ? one.denies : one.passes);
        if (rule.action == ir::Action::Deny) denied.push_back({{static_cast<std::uint32_t>(p), r}, peers_words(rule), ports_words(rule)});
      }
      if (one.allows + one.denies + one.passes == 0 || !eval::selects(policy, subject)) continue;
      out.policies.push_back(one);
      for (const ir::Rule& rule : policy.rules)
        if (rule.direction == direction && rule.action == ir::Action::Allow) note_names(rule, out);
      out.denied.insert(out.denied.end(), denied.begin(), denied.end());
    }
    const auto key = [&](const SelectingPolicy& one) {
      const ir::Policy& policy = policies()[one.policy];
      return std::tie(policy.kind, policy.ns, policy.name);
    };
    std::stable_sort(out.policies.begin(), out.policies.end(), [&](const SelectingPolicy& a, const SelectingPolicy& b) { return key(a) < key(b); });
  }

  // Which addresses these are is known to Cilium's DNS proxy only.
  void note_names(const ir::Rule& rule, EndpointDirection& out) const {
    for (const ir::Peer& peer : rule.peers)
      if (const auto* names = std::get_if<ir::FqdnPeer>(&peer); names != nullptr && eval::resolve(*names, sources_.world.resolutions, config().version).empty())
        out.unknown.push_back(peer_words(peer, rule) + ", on " + ports_words(rule));
  }

  // As what it sees the other end. A node may be told from others by where its pods run; to a host other nodes are remote.
  std::vector<verify::FactsId> seen(const verify::End& end, Direction direction) {
    verify::Encounters& encounters = sources_.judge.encounters();
    if (is_host()) {
      if (end.kind == verify::EndKind::Node && is_itself_alone(end.index)) return {};
      return {encounters.faces(end).back().seen};
    }
    const bool ingress = direction == Direction::Ingress;
    const verify::End& self = self_.ends.front();
    std::vector<verify::FactsId> out;
    for (const verify::Meeting& meeting : ingress ? encounters.meet(end, self) : encounters.meet(self, end)) out.push_back(ingress ? meeting.source_seen : meeting.destination_seen);
    return out;
  }

  // A node stands for all that have its identity.
  bool is_itself_alone(std::uint32_t node) const {
    if (out_.nodes != std::vector{node}) return false;
    for (std::uint32_t n = 0; n < sources_.world.cluster.nodes.size(); ++n)
      if (n != node && ports_.identities().of_node(n) == ports_.identities().of_node(node)) return false;
    return true;
  }

  void allow(const verify::Party& party, Direction direction, EndpointDirection& out) {
    std::set<verify::AccessId> found;
    for (const verify::End& end : party.ends)
      for (const verify::FactsId peer : seen(end, direction)) found.insert(ports_.side(*subject_, direction, peer));
    if (found.empty()) return;
    if (found == std::set{verify::nothing}) return out.nothing_for.push_back(party.name);
    const std::vector<verify::AccessId> traffic(found.begin(), found.end());
    auto same = std::find_if(out.allowed.begin(), out.allowed.end(), [&](const Allowed& other) { return other.traffic == traffic; });
    if (same == out.allowed.end()) same = out.allowed.insert(same, {{}, traffic});
    same->peers.push_back(party.name);
  }

  verify::AllPorts& ports_;
  const Sources& sources_;
  verify::Party self_;
  std::optional<verify::SubjectId> subject_;  // none: nothing could hold for it
  verify::Parties parties_;
  EndpointView out_;
};

}  // namespace

EndpointView view_of(std::uint32_t endpoint, verify::AllPorts& ports, const Sources& sources) { return EndpointExplainer(ports, sources).of_endpoint(endpoint); }

std::vector<EndpointView> host_views(const std::vector<std::uint32_t>& nodes, verify::AllPorts& ports, const Sources& sources) {
  std::vector<std::vector<std::uint32_t>> alike;
  std::map<ir::LabelSet, std::size_t> groups;
  for (const std::uint32_t node : nodes) {
    const auto [found, fresh] = groups.try_emplace(verify::host_labels(sources.world.cluster.nodes[node]), alike.size());
    if (fresh) alike.emplace_back();
    alike[found->second].push_back(node);
  }
  std::vector<EndpointView> out;
  for (const auto& group : alike) out.push_back(EndpointExplainer(ports, sources).of_hosts(group));
  return out;
}

}  // namespace netpolc::explain
