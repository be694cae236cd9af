#include "compiler/kernel_judge/witness.h"

#include <algorithm>
#include <stdexcept>

#include "compiler/kernel_judge/kernel.h"
#include "compiler/kernel_judge/reasons.h"
#include "ir/map_layout.h"

namespace netpolc::kernel_judge {
namespace {

using ir::Direction;
using verify::EndKind;

// Identity 1 has the labels that all nodes with pods have. A host that is meant is that of all pods here.
ir::Cluster around(const verify::Scene& scene) {
  ir::Cluster out = scene.cluster;
  for (const verify::SceneEnd* one : {&scene.from, &scene.to}) {
    if (one->end.kind != EndKind::Host || !one->node) continue;
    for (ir::Endpoint& endpoint : out.endpoints) {
      if (endpoint.pods.empty()) endpoint.pods.push_back({});
      for (ir::Pod& pod : endpoint.pods) pod.node = out.nodes[*one->node].name;
    }
  }
  return out;
}

bool has_packet(ir::Protocol protocol) {
  return protocol == ir::Protocol::Tcp || protocol == ir::Protocol::Udp || protocol == ir::Protocol::Sctp || protocol == ir::Protocol::Icmp || protocol == ir::Protocol::Icmpv6;
}

class Hearing {
 public:
  Hearing(const Testimony& testimony, Programs& programs)
      : testimony_(testimony), cluster_(around(testimony.scene)), numbered_(numbered(testimony.policies, testimony.scene, cluster_)), kernel_(programs),
        from_(numbered_.party(testimony.scene.from.end, testimony.scene.from.node)), to_(numbered_.party(testimony.scene.to.end, testimony.scene.to.node)) {}

  WitnessSaid hold() {
    WitnessSaid out;
    out.egress.not_asked = summon(Direction::Egress);
    out.ingress.not_asked = summon(Direction::Ingress);
    if (shots_.empty()) return out;
    kernel_.start(numbered_.ipcache(), cluster_.config);
    const std::vector<Seen> seen = kernel_.run(shots_);
    for (std::size_t i = 0; i < shots_.size(); ++i) hear(shots_[i], seen[i], shots_[i].direction == Direction::Egress ? out.egress : out.ingress);
    for (const std::string& differs : kernel_.audit()) throw std::logic_error("the program and its events disagree: " + differs);
    return out;
  }

 private:
  const Party& subject(Direction direction) const { return direction == Direction::Egress ? from_ : to_; }
  const Party& peer(Direction direction) const { return direction == Direction::Egress ? to_ : from_; }
  const std::optional<verify::WitnessSide>& word(Direction direction) const { return direction == Direction::Egress ? testimony_.egress : testimony_.ingress; }
  bool is_host(Direction direction) const { return subject(direction).end.kind == EndKind::Host; }
  const ir::DecidedEndpoint& decided(Direction direction) const { return numbered_.decisions().endpoints[*subject(direction).decided]; }
  const ir::DecisionTable& table(Direction direction) const { return numbered_.decisions().tables[decided(direction).table]; }

  std::string why_not(Direction direction) const {
    const std::string& name = subject(direction).end.name;
    if (!word(direction)) return name + " has no policy";
    if (!subject(direction).decided) {
      const bool open_host = is_host(direction) && !cluster_.config.host_firewall && word(direction)->verdict.enforcement == ir::Enforcement::None;
      if (!open_host) throw std::logic_error("the interpreter judges " + name + ", and there is no table for it");
      return name + " has no program without the host firewall";
    }
    if (const auto why = codegen_bpf::unenforceable(table(direction), {.l7_drop = true})) return name + " has no program: " + why->reason;
    const ir::Protocol protocol = testimony_.flow.protocol;
    const std::uint16_t type = testimony_.flow.number;
    if (!has_packet(protocol)) return std::string("programs do not know ") + ir::to_string(protocol);
    if (protocol != ir::Protocol::Icmpv6) return "";
    if (type >= 133 && type <= 136) return "neighbour discovery passes before policy is asked";
    return is_host(direction) && type != 128 && type != 129 ? "what a node does about this type of ICMPv6 is not policy's" : "";
  }

  // Loads the program and puts the packets on the list; or says why not.
  std::string summon(Direction direction) {
    if (std::string why = why_not(direction); !why.empty()) return why;
    const std::size_t before = shots_.size();
    // One table can be a pod's and a node's.
    const std::uint32_t called = decided(direction).table * 2 + is_host(direction);
    for (const bool v6 : {false, true}) {
      const auto &source = v6 ? from_.v6 : from_.v4, &destination = v6 ? to_.v6 : to_.v4;
      const bool fits = testimony_.flow.protocol != (v6 ? ir::Protocol::Icmp : ir::Protocol::Icmpv6);
      if (source && destination && fits) shots_.push_back({called, direction, *source, *destination, testimony_.flow});
    }
    if (shots_.size() == before) return "the ends have no address of one family for it";
    if (std::find(loaded_.begin(), loaded_.end(), called) == loaded_.end()) {
      kernel_.load(called, table(direction), is_host(direction) ? codegen_bpf::Subject::Node : codegen_bpf::Subject::Pod);
      loaded_.push_back(called);
    }
    return "";
  }

  std::string rule_text(const std::vector<ir::RuleRef>& own, std::uint32_t rule) const {
    if (rule >= own.size() || own[rule] == ir::synthesized_rule) return "no rule";
    const ir::Policy& policy = testimony_.policies.policies.at(own[rule].policy);
    return policy.rules.at(own[rule].rule).path + " of " + (policy.ns.empty() ? "" : policy.ns + "/") + policy.name;
  }

  void hear(const Shot& shot, const Seen& seen, SideSaid& out) const {
    const Direction direction = shot.direction;
    const ir::SideVerdict& expected = word(direction)->verdict;
    const bool egress = direction == Direction::Egress;
    const auto& own = egress ? decided(direction).egress_rules : decided(direction).ingress_rules;
    const auto differ = [&](const std::string& what) {
      throw std::logic_error("the program and the interpreter disagree: " + std::string(egress ? "egress of " : "ingress of ") + subject(direction).end.name + ", " +
                             ir::to_string(shot.flow.protocol) + "/" + std::to_string(shot.flow.number) + " from " + shot.source.to_string() + " to " + shot.destination.to_string() +
                             " is " + to_string(reason_of(expected)) + " to the interpreter; the program " + what);
    };
    if (!seen.reported) differ(std::string(seen.passed ? "passed" : "dropped") + " it without an event");
    const std::string said = std::string("said: ") + to_string(seen.reason) + " (" + std::to_string(seen.reason) + ")";
    if (seen.passed != (seen.reason == NP_REASON_FORWARDED)) differ(said + ", and " + (seen.passed ? "passed" : "dropped") + " it");
    const std::uint8_t wanted = reason_of(expected);
    // Which of several rules that allow decides about proxy and authentication differs there (docs/semantics.md).
    const bool chooses = cluster_.config.version >= 17;
    if (chooses ? seen.reason != wanted : is_allowed(seen.reason) != is_allowed(wanted)) differ(said);
    // What is dropped before policy is asked, nobody is looked up for.
    if (const std::uint32_t other = peer(direction).identity; seen.reason != NP_REASON_ENCAPSULATION && seen.identity != other)
      differ("took the other end for identity " + std::to_string(seen.identity) + ", which is " + std::to_string(other));
    if (chooses && !names_who_decided(egress ? table(direction).egress : table(direction).ingress, own, expected, seen.rule)) differ(said + ", by " + rule_text(own, seen.rule));
    out.reason = seen.reason;
    if (seen.rule < own.size() && own[seen.rule] != ir::synthesized_rule) out.rule = own[seen.rule];
    out.families.push_back(shot.source.v6 ? "IPv6" : "IPv4");
  }

  const Testimony& testimony_;
  const ir::Cluster cluster_;
  Numbered numbered_;
  Kernel kernel_;
  const Party from_, to_;
  std::vector<Shot> shots_;
  std::vector<std::uint32_t> loaded_;
};

}  // namespace

Numbered numbered(const ir::PolicySet& policies, const verify::Scene& scene, const ir::Cluster& cluster) {
  Numbered out(policies, cluster, scene.resolutions);
  for (const auto& [host, other] : {std::pair{&scene.from, &scene.to}, std::pair{&scene.to, &scene.from}}) {
    const bool itself = other->end.kind == EndKind::Node && host->node && other->end.index == *host->node;
    if (host->end.kind != EndKind::Host || !host->node || itself) continue;
    ir::Node node = cluster.nodes[*host->node];
    node.addresses.clear();
    if (host->end.address) node.addresses.push_back(*host->end.address);
    out.run_on(node);
  }
  return out;
}

WitnessSaid replay(const Testimony& testimony, Programs& programs) { return Hearing(testimony, programs).hold(); }

}  // namespace netpolc::kernel_judge
