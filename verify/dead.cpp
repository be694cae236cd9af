#include "verify/dead.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "verify/smt/solver.h"
#include "verify/symbolic/encode.h"

namespace netpolc::verify {
namespace {

using symbolic::Encoder;
using symbolic::Party;
using symbolic::SymbolicPod;

// Written to allow nothing: it is there for default deny (section 1.5).
bool says_nothing(const ir::Rule& rule) {
  return rule.peer_kind == ir::PeerKind::Nobody || (rule.peer_kind == ir::PeerKind::Unspecified && rule.any_l4);
}

// Names without an address that is known: what the rule will decide can't be told.
bool speaks_of_unknown_names(const ir::Selector& selector, const symbolic::PreparedRules& rules) {
  return std::any_of(rules.names.begin(), rules.names.end(), [&](const auto& name) {
    return name.second.addresses.empty() && std::any_of(selector.requirements.begin(), selector.requirements.end(), [&](const auto& one) { return symbolic::asks_for_name(one, name.first); });
  });
}
bool speaks_of_unknown_names(const symbolic::PreparedRule& rule, const symbolic::PreparedRules& rules) {
  const auto unknown = [&](const ir::Selector& selector) { return speaks_of_unknown_names(selector, rules); };
  if (std::any_of(rule.rule->requires_all.begin(), rule.rule->requires_all.end(), unknown)) return true;
  return std::any_of(rule.peers.begin(), rule.peers.end(), [&](const ir::eval::ResolvedPeer& peer) {
    const auto* names = std::get_if<ir::eval::AddressList>(&peer.matcher);
    const auto* selector = std::get_if<ir::Selector>(&peer.matcher);
    return (names != nullptr && names->addresses.empty()) || (selector != nullptr && unknown(*selector));
  });
}

template <typename Lists>
bool lists(const ir::Rule& rule, const Lists& of) {
  return std::any_of(rule.ports.begin(), rule.ports.end(), [&](const ir::PortRule& item) { return of(item.l7); });
}
bool lists_names(const ir::Rule& rule) {
  return lists(rule, [](const ir::L7& l7) { return !l7.dns.empty(); });
}

// One requirement for a label, at most: then whatever it asks for, some pod has it.
bool asks_once_for_own_labels(const ir::Selector& selector, const symbolic::Universe& universe) {
  std::set<std::string> keys;
  return std::all_of(selector.requirements.begin(), selector.requirements.end(), [&](const ir::Requirement& one) {
    const bool own = (one.source == "k8s" || one.source == "any") && universe.kind(one.key) == symbolic::KeyKind::Own;
    return own && (one.op != ir::Operator::In || !one.values.empty()) && keys.insert(one.key).second;
  });
}

class Dead {
 public:
  Dead(const ir::eval::World& world, Judge& judge, const KeepsLabel& keeps, SolverBudget budget)
      : world_(world), rules_(world), universe_(std::vector<const ir::PolicySet*>{&world.policies}, std::vector<const ir::Cluster*>{&world.cluster}, std::vector<PodPattern>{}, keeps), budget_(budget) {
    named_ranges_ = std::any_of(world.policies.policies.begin(), world.policies.policies.end(), [](const ir::Policy& policy) { return std::any_of(policy.rules.begin(), policy.rules.end(), symbolic::has_named_range); });
    bool redirects = false, dns = false, server_names = false;
    for (const ir::Policy& policy : world.policies.policies)
      for (const ir::Rule& rule : policy.rules) {
        dns |= lists_names(rule);
        server_names |= lists(rule, [](const ir::L7& l7) { return !l7.server_names.empty(); });
        redirects |= lists(rule, [](const ir::L7& l7) { return l7.redirects(); });
      }
    if (redirects) asked_.push_back(RequestRange{});  // in clear, of which proxies for server names know no name
    if (dns) asked_.push_back(RequestRange{.kind = RequestRange::Kind::Dns});
    if (server_names) asked_.push_back(RequestRange{.kind = RequestRange::Kind::Tls});
    const Claims claims(world, judge, keeps, budget);
    std::set<FactsId> seen;
    const auto everybody = claims.ends("any");
    for (const End& end : everybody->ends)
      for (const auto& face : judge.encounters().faces(end))
        if (seen.insert(face.seen).second) everybody_.push_back(std::make_unique<Somebody>(judge.encounters().facts(face.seen), rules_));
  }

  std::vector<DeadPolicy> run(std::uint64_t& steps) {
    for (const auto& policy : rules_.policies) look_at(policy);
    std::sort(out_.begin(), out_.end(), [](const DeadPolicy& a, const DeadPolicy& b) { return a.rule < b.rule; });
    steps += steps_;
    return std::move(out_);
  }

 private:
  static const symbolic::PreparedRule* first_rule(const symbolic::PreparedPolicy& policy) {
    for (const auto& side : policy.rules)
      if (!side.empty()) return &side.front();
    return nullptr;
  }

  void look_at(const symbolic::PreparedPolicy& policy) {
    const auto* first = first_rule(policy);
    if (first == nullptr) return;
    if (!selects_somebody(policy, *first)) return;
    for (const auto direction : {ir::Direction::Ingress, ir::Direction::Egress}) {
      std::set<ir::RuleRef> silent;
      for (const auto& rule : policy.rules[symbolic::index(direction)])
        if (world_.cluster.config.version < 17 && named_ranges_)
          out_.push_back({DeadPolicy::Why::NotKnown, rule.ref, "which redirect Cilium 1.16 takes is not encoded where `endPort` is beside a port's name"});
        else if (speaks_of_unknown_names(rule, rules_))
          out_.push_back({DeadPolicy::Why::NotKnown, rule.ref, "no address is known for its names: --resolutions"});
        else if (!says_nothing(*rule.rule))
          silent.insert(rule.ref);
      std::string unknown = among(policy, direction, nullptr, silent);
      for (const Somebody* other : others(policy, direction)) {
        if (silent.empty()) break;
        if (!concerns(policy, direction, silent, *other)) continue;
        if (const std::string why = among(policy, direction, &other->facts, silent); unknown.empty()) unknown = why;
      }
      const bool off = policy.policy->subject_is_node && !world_.cluster.config.host_firewall;
      for (const ir::RuleRef& ref : silent)
        out_.push_back(unknown.empty() ? DeadPolicy{DeadPolicy::Why::NeverDecides, ref, off ? "the host firewall is off" : ""} : DeadPolicy{DeadPolicy::Why::NotKnown, ref, unknown});
    }
  }

  // Somebody who is no pod that could be. Policies see of it only this.
  struct Somebody {
    Somebody(const ir::PeerFacts& known, const symbolic::PreparedRules& rules)
        : facts(known), labels(known.address ? rules.address_labels.of(known) : known.labels), external(ir::eval::is_external(known)) {}
    const ir::PeerFacts facts;
    const ir::LabelSet labels;
    const bool external;
  };
  bool is(const ir::eval::Matcher& matcher, const Somebody& who) const {
    return ir::eval::matches(matcher, {who.facts, who.labels, who.external}, world_.cluster.config, rules_.address_labels);
  }

  // One of all that the policies which could select the same pods treat alike.
  const std::vector<const Somebody*>& others(const symbolic::PreparedPolicy& policy, ir::Direction direction) {
    const std::optional<std::string> ns = namespace_of(*policy.policy);
    const auto [found, fresh] = others_.try_emplace({ns, direction});
    if (!fresh) return found->second;
    std::map<std::string, const ir::eval::Matcher*> asked;
    std::vector<ir::eval::Matcher> required;
    for (const auto* one : rules_.of_namespace(ns))
      for (const auto& rule : one->rules[symbolic::index(direction)]) {
        for (const auto& peer : rule.peers) asked.emplace(peer.key, &peer.matcher);
        required.insert(required.end(), rule.rule->requires_all.begin(), rule.rule->requires_all.end());
      }
    std::set<std::string> seen;
    for (const auto& somebody : everybody_) {
      std::string answers;
      for (const auto& [key, matcher] : asked) answers += is(*matcher, *somebody) ? '1' : '0';
      for (const auto& selector : required) answers += is(selector, *somebody) ? '1' : '0';
      // Nodes, the host, and whose ports have names are more than what peers say of them.
      for (const ir::Label& label : somebody->facts.labels)
        if (label.source == "reserved" || somebody->facts.named_ports) answers += label.to_string() + ' ';
      if (seen.insert(answers).second) found->second.push_back(somebody.get());
    }
    return found->second;
  }

  // A rule that doesn't speak of somebody decides nothing about it, but for narrowing what others say.
  bool concerns(const symbolic::PreparedPolicy& policy, ir::Direction direction, const std::set<ir::RuleRef>& refs, const Somebody& who) const {
    for (const auto& rule : policy.rules[symbolic::index(direction)]) {
      if (!refs.contains(rule.ref)) continue;
      if (!rule.rule->requires_all.empty()) return true;
      if (std::any_of(rule.peers.begin(), rule.peers.end(), [&](const auto& peer) { return is(peer.matcher, who); })) return true;
    }
    return false;
  }

  static std::optional<std::string> namespace_of(const ir::Policy& policy) { return symbolic::is_clusterwide(policy) ? std::nullopt : std::optional(policy.ns); }

  static SymbolicPod::Is kind_of_subject(const ir::Policy& policy) { return policy.subject_is_node ? SymbolicPod::Is::Node : SymbolicPod::Is::Pod; }

  // Pods that it could select: what they must have is constant, so that the policies of others vanish.
  PodPattern subject(const ir::Policy& policy) const {
    PodPattern out{"[]", namespace_of(policy), {}};
    if (policy.subject_is_node) return out;
    for (const ir::Requirement& one : policy.subject.requirements)
      if (one.op == ir::Operator::In && one.values.size() == 1 && (one.source == "k8s" || one.source == "any") && universe_.kind(one.key) == symbolic::KeyKind::Own)
        out.labels.emplace_back(one.key, one.values.front());
    return out;
  }

  bool selects_somebody(const symbolic::PreparedPolicy& policy, const symbolic::PreparedRule& first) {
    if (!policy.policy->subject_is_node && asks_once_for_own_labels(policy.policy->subject, universe_)) return true;
    const PodPattern pattern = subject(*policy.policy);
    SymbolicPod pod(universe_, context_, "subject", pattern, kind_of_subject(*policy.policy));
    smt::Solver solver(context_, {budget_.steps, budget_.milliseconds});
    solver.add(pod.holds(policy.policy->subject));
    for (const z3::expr& fact : pod.facts()) solver.add(fact);
    const smt::Answer answer = solver.ask("selects somebody");
    steps_ += solver.steps();
    if (std::holds_alternative<smt::Possible>(answer)) return true;
    const auto* unknown = std::get_if<smt::Undecided>(&answer);
    out_.push_back({unknown != nullptr ? DeadPolicy::Why::NotKnown : DeadPolicy::Why::SelectsNobodyEver, first.ref, unknown != nullptr ? unknown->why : ""});
    return false;
  }

  // Takes out of `silent` the rules that decide something between what the policy selects and `other`, or any pod.
  // Says why something is not known, or "".
  std::string among(const symbolic::PreparedPolicy& policy, ir::Direction direction, const ir::PeerFacts* other, std::set<ir::RuleRef>& silent) {
    std::string unknown;
    for (const auto& request : asked_)
      if (const std::string why = among(policy, direction, other, request, silent); unknown.empty()) unknown = why;
    return unknown;
  }

  // Of connections, or of requests over them.
  std::string among(const symbolic::PreparedPolicy& policy, ir::Direction direction, const ir::PeerFacts* other, const std::optional<RequestRange>& range,
                    std::set<ir::RuleRef>& silent) {
    const PodPattern pattern = subject(*policy.policy), any{"[]", std::nullopt, {}};
    SymbolicPod pod(universe_, context_, "subject", pattern, kind_of_subject(*policy.policy)), peer(universe_, context_, "peer", any);
    std::vector<SymbolicPod*> pods{&pod};
    if (other == nullptr) pods.push_back(&peer);
    const symbolic::Traffic traffic(context_, {});
    const Party from{&pod, nullptr, nullptr}, to = other == nullptr ? Party{&peer, nullptr, nullptr} : Party{nullptr, nullptr, other};
    std::optional<symbolic::SymbolicRequest> request;
    if (range) request.emplace(context_, *range, world_.cluster.config.version);
    Encoder encoder(world_, rules_, context_, pods, false, request ? &*request : nullptr);
    const symbolic::SideTerms whole = encoder.side(direction, from, to, traffic);
    smt::Solver solver(context_, {budget_.steps, budget_.milliseconds});
    std::map<ir::RuleRef, z3::expr> spoke;
    for (const ir::RuleRef& ref : silent) spoke.emplace(ref, encoder.spoke(ref));
    std::vector<std::pair<ir::RuleRef, z3::expr>> asked;
    for (const ir::RuleRef& ref : silent) {
      encoder.leave_out(ref);
      const symbolic::SideTerms without = encoder.side(direction, from, to, traffic);
      if (z3::eq(whole.allowed, without.allowed) && z3::eq(whole.plain, without.plain) && z3::eq(whole.passes, without.passes)) continue;
      asked.emplace_back(ref, context_.bool_const(("without " + std::to_string(ref.policy) + " " + std::to_string(ref.rule)).c_str()));
      // Where it doesn't speak it changes nothing, not even where what lists let pass is not known.
      const bool narrows = !world_.policies.policies[ref.policy].rules[ref.rule].requires_all.empty();
      if (!narrows) solver.add(!asked.back().second || spoke.at(ref));
      solver.add(!asked.back().second || whole.allowed != without.allowed || whole.plain != without.plain || whole.passes != without.passes);
    }
    if (asked.empty()) return "";
    solver.add(pod.holds(policy.policy->subject));
    for (const auto* one : pods)
      for (const z3::expr& fact : one->facts()) solver.add(fact);
    for (const z3::expr& fact : traffic.facts()) solver.add(fact);
    for (const z3::expr& fact : encoder.facts()) solver.add(fact);
    if (request) {
      const bool dns = request->kind() == ir::eval::kDnsKind;
      solver.add(smt::any(context_, {traffic.is(ir::Protocol::Tcp), dns ? traffic.is(ir::Protocol::Udp) : context_.bool_val(false)}));
      for (const z3::expr& fact : request->facts()) solver.add(fact);
    }
    std::string unknown;
    for (const auto& [ref, literal] : asked) {
      smt::Answer answer = solver.ask("a rule that never decides", {literal});
      while (request && std::holds_alternative<smt::Possible>(answer)) {
        const auto clause = request->impossible(std::get<smt::Possible>(answer).model);
        if (!clause) break;
        solver.add(*clause);
        answer = solver.ask("a rule that never decides", {literal});
      }
      if (std::holds_alternative<smt::Possible>(answer)) silent.erase(ref);
      if (const auto* why = std::get_if<smt::Undecided>(&answer)) unknown = why->why;
    }
    steps_ += solver.steps();
    return unknown;
  }

  const ir::eval::World& world_;
  const symbolic::PreparedRules rules_;
  const symbolic::Universe universe_;
  const SolverBudget budget_;
  z3::context context_;
  std::vector<std::unique_ptr<Somebody>> everybody_;
  std::map<std::pair<std::optional<std::string>, ir::Direction>, std::vector<const Somebody*>> others_;
  std::vector<std::optional<RequestRange>> asked_{std::nullopt};  // connections, and what proxies look at where some are asked
  bool named_ranges_ = false;
  std::vector<DeadPolicy> out_;
  std::uint64_t steps_ = 0;
};

}  // namespace

std::vector<DeadPolicy> find_dead(const ir::eval::World& world, Judge& judge, const KeepsLabel& keeps, SolverBudget budget, std::uint64_t& steps) {
  return Dead(world, judge, keeps, budget).run(steps);
}

}  // namespace netpolc::verify
