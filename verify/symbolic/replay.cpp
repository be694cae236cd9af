#include "verify/symbolic/replay.h"

#include <algorithm>

#include "verify/node_labels.h"

namespace netpolc::verify::symbolic {
namespace {

ir::Endpoint endpoint(const ir::Subject& subject, const std::string& name) {
  ir::Endpoint out;
  out.ns = subject.ns;
  out.name = name;
  out.kind = "Pod";
  out.labels = subject.labels;
  out.named_ports = subject.named_ports;
  return out;
}

ir::Endpoint with_port(const ir::NamedPort& port, const std::string& name) {
  ir::Endpoint out;
  out.ns = "default";
  out.name = name;
  out.kind = "Pod";
  out.labels = {{"k8s", "io.kubernetes.pod.namespace", "default"}};
  out.named_ports = {port};
  return out;
}

// The table of names has what the model says: where it doesn't, other pods make it so (section 5.9).
void agree_on_ports(ir::Cluster& cluster, const std::vector<ir::NamedPort>& ports, std::vector<std::string>& besides) {
  for (const ir::NamedPort& wanted : ports) {
    ir::eval::NamedPorts table;
    for (const ir::Endpoint& e : cluster.endpoints)
      if (!e.host_network) table.add(e.named_ports);
    if (table.find(wanted.name, wanted.protocol).value_or(0) == wanted.port) continue;
    const std::string what = wanted.name + "/" + to_string(wanted.protocol);
    if (wanted.port != 0) {
      cluster.endpoints.push_back(with_port(wanted, "port"));
      besides.push_back("some pod calls port " + std::to_string(wanted.port) + " " + what);
      continue;
    }
    for (const std::uint16_t number : {std::uint16_t{1}, std::uint16_t{2}}) cluster.endpoints.push_back(with_port({wanted.name, number, wanted.protocol}, "port"));
    besides.push_back("pods disagree on what port " + what + " is");
  }
}

// Nor does a new pod speak alone for its identity.
void agree_on_identity(ir::Cluster& cluster, const Met& pod, std::vector<std::string>& besides) {
  for (const ir::NamedPort& wanted : pod.identity_ports) {
    ir::eval::NamedPorts own;
    own.add(pod.subject->named_ports);
    const std::uint16_t number = own.find(wanted.name, wanted.protocol).value_or(0);
    if (number == wanted.port) continue;
    ir::Endpoint other = endpoint(*pod.subject, "alike");
    const std::string what = wanted.name + "/" + to_string(wanted.protocol);
    other.named_ports = {wanted};
    if (wanted.port == 0) other.named_ports.front().port = number == 1 ? 2 : 1;
    besides.push_back(wanted.port == 0 ? "pods with the labels of " + pod.name + " disagree on what port " + what + " is"
                                       : "another pod with the labels of " + pod.name + " calls port " + std::to_string(wanted.port) + " " + what);
    cluster.endpoints.push_back(std::move(other));
  }
}

}  // namespace

bool Replayed::allowed() const {
  for (const auto* side : {&egress, &ingress}) {
    if (!*side) continue;
    if ((*side)->verdict.verdict == ir::Verdict::Deny || (*side)->verdict.verdict == ir::Verdict::DefaultDeny) return false;
    if ((*side)->request && (*side)->request->word == ir::RequestVerdict::Word::Denied) return false;
  }
  return true;
}

std::string Replayed::unknown() const {
  for (const auto* side : {&egress, &ingress})
    if (*side && (*side)->request && (*side)->request->word == ir::RequestVerdict::Word::Unknown) return (*side)->request->why + " is not known";
  return "";
}

bool Replayed::proxied() const {
  for (const auto* side : {&egress, &ingress})
    if (*side && (*side)->verdict.verdict == ir::Verdict::AllowL7) return true;
  return false;
}

Replayed replay(const ir::eval::World& world, const Model& model) {
  Replayed out;
  out.scene.cluster = world.cluster;
  ir::Cluster& cluster = out.scene.cluster;
  int number = 0;
  for (const bool sends : {true, false}) {
    const Met& met = sends ? model.from : model.to;
    std::optional<std::uint32_t> index = met.endpoint;
    if (met.is_new) {
      index = static_cast<std::uint32_t>(cluster.endpoints.size());
      cluster.endpoints.push_back(endpoint(*met.subject, "new-" + std::to_string(++number)));
      agree_on_identity(cluster, met, out.besides);
    }
    if (index) (sends ? out.scene.from : out.scene.to).end = {.kind = EndKind::Endpoint, .name = met.name, .index = *index};
  }
  for (const Met* met : {&model.from, &model.to})
    for (const ir::Endpoint& known : world.cluster.endpoints)
      if (met->is_new && !met->identity_ports.empty() && known.labels == met->subject->labels) {
        out.incomputable = met->name + " would be of one identity with " + known.ns + "/" + known.name + ", whose port names count, too: the label filter leaves nothing to tell them apart";
        return out;
      }
  agree_on_ports(cluster, model.cluster_ports, out.besides);
  ir::Resolutions& resolutions = out.scene.resolutions;
  resolutions = world.resolutions;
  for (const std::string& name : model.names) {
    auto& addresses = resolutions[name];
    if (std::find(addresses.begin(), addresses.end(), *model.to.facts.address) != addresses.end()) continue;
    addresses.push_back(*model.to.facts.address);
    out.besides.push_back(name + " resolves to " + model.to.facts.address->to_string());
  }
  const ir::eval::World changed{world.policies, cluster, resolutions};
  const auto side = [&](ir::Direction direction, const Met& subject, const Met& peer) -> std::optional<WitnessSide> {
    if (!subject.subject) return std::nullopt;
    const ir::eval::SubjectPolicy policy(changed, *subject.subject);
    if (const auto& incomputable = policy.incomputable()) {
      out.incomputable = "the policy of " + subject.name + " cannot be computed: " + incomputable->reason;
      return std::nullopt;
    }
    WitnessSide judged{subject.name, policy.judge(direction, peer.facts, model.flow)};
    if (model.request && judged.verdict.verdict == ir::Verdict::AllowL7) judged.request = policy.judge(direction, peer.facts, model.flow, *model.request);
    if (subject.is_new && !cluster.config.host_firewall && ir::eval::has_key(subject.subject->labels, "host"))
      out.besides.push_back("Cilium enforces nothing for a pod with a label whose key is `host` (to rule that out: --without-label host)");
    if (subject.is_new && ir::eval::has_key(subject.subject->labels, "init"))
      out.besides.push_back("Cilium denies by default what concerns a pod with a label whose key is `init` (to rule that out: --without-label init)");
    const std::uint16_t overlay = cluster.config.tunnel_port;
    const bool encapsulates = overlay != 0 && model.flow == ir::Flow{ir::Protocol::Udp, overlay};
    if (direction == ir::Direction::Egress && encapsulates && !subject.subject->is_host && is_node(peer.facts.labels)) {
      judged.verdict = {};
      judged.verdict.verdict = ir::Verdict::Deny;
      judged.verdict.encapsulation = true;
      judged.request.reset();
    }
    return judged;
  };
  out.egress = side(ir::Direction::Egress, model.from, model.to);
  out.ingress = side(ir::Direction::Ingress, model.to, model.from);
  return out;
}

}  // namespace netpolc::verify::symbolic
