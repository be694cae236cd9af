#include "compiler/explain/endpoint.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "compiler/explain/words.h"
#include "frontend/label_filter.h"
#include "ir/eval/fqdn.h"

namespace netpolc::explain {
namespace {

namespace eval = ir::eval;
using ir::Direction;

class EndpointExplainer {
 public:
  EndpointExplainer(std::uint32_t endpoint, verify::AllPorts& ports, const Sources& sources)
      : ports_(ports), sources_(sources), endpoint_(sources.world.cluster.endpoints[endpoint]) {
    out_.endpoint = endpoint;
    self_ = {sources.judge.directory().endpoint_end(endpoint, std::nullopt).name, {sources.judge.directory().endpoint_end(endpoint, std::nullopt)}};
  }

  EndpointView view() {
    const frontend::LabelFilter filter(config());
    for (const ir::Label& label : endpoint_.filtered_out) out_.dropped.push_back({label, filter.why_dropped(label)});
    if (endpoint_.host_network) out_.notes.push_back("in the host's network: to policy it is its node, and its labels select nothing");
    if (endpoint_.remote) out_.notes.push_back("of another cluster: a peer here, whose own policy is not asked");
    const auto subject = sources_.judge.encounters().endpoint_subject(out_.endpoint);
    out_.identity = endpoint_.host_network ? 0 : ports_.identities().of_endpoint(out_.endpoint);
    if (!subject) return std::move(out_);
    subject_ = *subject;
    if (const auto& why = sources_.judge.policy(subject_).incomputable()) {
      out_.incomputable = why->reason;
      out_.conflict = why->rules;
    }
    parties_ = *ports_.parties("any");
    for (const Direction direction : {Direction::Ingress, Direction::Egress}) out_.directions.push_back(side(direction));
    return std::move(out_);
  }

 private:
  const ir::Config& config() const { return sources_.world.cluster.config; }
  const std::vector<ir::Policy>& policies() const { return sources_.world.policies.policies; }

  EndpointDirection side(Direction direction) {
    EndpointDirection out;
    out.direction = direction;
    const eval::SubjectPolicy& policy = sources_.judge.policy(subject_);
    out.enforcement = policy.enforcement(direction);
    select(direction, out);
    if (out.enforcement == ir::Enforcement::None) {
      if (!out_.incomputable.empty()) return out;
      out.open = config().mode == ir::PolicyMode::Never ? "`enable-policy` is `never`" : "no policy selects it in this direction";
      return out;
    }
    out.switched_on = policy.inspect(direction, {}, {}).default_deny;
    if (!out_.incomputable.empty()) return out;
    for (const verify::Party& party : parties_)
      if (party.name != self_.name) allow(party, direction, out);
    return out;
  }

  void select(Direction direction, EndpointDirection& out) {
    const ir::Subject& subject = sources_.judge.encounters().subject(subject_);
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

  void allow(const verify::Party& party, Direction direction, EndpointDirection& out) {
    const bool ingress = direction == Direction::Ingress;
    const verify::End& self = self_.ends.front();
    std::set<verify::AccessId> found;
    for (const verify::End& end : party.ends)
      for (const verify::Meeting& meeting : ingress ? sources_.judge.encounters().meet(end, self) : sources_.judge.encounters().meet(self, end))
        found.insert(ports_.side(subject_, direction, ingress ? meeting.source_seen : meeting.destination_seen));
    if (found.empty()) return;
    if (found == std::set{verify::nothing}) return out.nothing_for.push_back(party.name);
    const std::vector<verify::AccessId> traffic(found.begin(), found.end());
    auto same = std::find_if(out.allowed.begin(), out.allowed.end(), [&](const Allowed& other) { return other.traffic == traffic; });
    if (same == out.allowed.end()) same = out.allowed.insert(same, {{}, traffic});
    same->peers.push_back(party.name);
  }

  verify::AllPorts& ports_;
  const Sources& sources_;
  const ir::Endpoint& endpoint_;
  verify::Party self_;
  verify::SubjectId subject_ = 0;
  verify::Parties parties_;
  EndpointView out_;
};

}  // namespace

EndpointView view_of(std::uint32_t endpoint, verify::AllPorts& ports, const Sources& sources) { return EndpointExplainer(endpoint, ports, sources).view(); }

}  // namespace netpolc::explain
