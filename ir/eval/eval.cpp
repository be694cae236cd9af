#include "ir/eval/eval.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "ir/eval/candidates.h"
#include "ir/eval/conflicts.h"
#include "ir/eval/inspect.h"
#include "ir/eval/requests.h"
#include "ir/eval/resolve.h"

namespace netpolc::ir::eval {
namespace {

std::size_t index(Direction direction) { return direction == Direction::Ingress ? 0 : 1; }
constexpr std::array kDirections{Direction::Ingress, Direction::Egress};

// QUIRK: a label whose key is `host`, of any source, makes a pod the host in this respect.
bool never_enforced(const Subject& subject, const Config& config) {
  if (config.mode == PolicyMode::Never) return true;
  return !config.host_firewall && (subject.is_host || has_key(subject.labels, "host"));
}

bool always_enforced(const Subject& subject, const Config& config) {
  return config.mode == PolicyMode::Always || has_key(subject.labels, "init");
}

bool default_denies(const Policy& policy, Direction direction, const Config& config) {
  if (policy.tier != Tier::Normal) return false;
  if (!config.non_default_deny_policies) return true;
  return direction == Direction::Ingress ? policy.default_deny_ingress : policy.default_deny_egress;
}

// Whether a selector asks for labels that come from an address.
bool asks_for_address_labels(const Requirement& r) {
  return r.source == "any" || r.source == "cidr" || r.source == "fqdn" || r.source == "cidrgroup";
}

bool asks_for_address_labels(const Rule& rule) {
  for (const Peer& peer : rule.peers) {
    const auto* labels = std::get_if<LabelPeer>(&peer);
    if (!labels) continue;
    for (const Requirement& r : labels->selector.requirements) {
      if (asks_for_address_labels(r)) return true;
    }
  }
  return false;
}

bool names_ports(const Rule& rule) {
  for (const PortRule& item : rule.ports) {
    for (const PortMatch& match : item.ports) {
      if (!match.name.empty()) return true;
    }
  }
  return false;
}

struct PolicyRule {  // a rule whose policy selects the subject
  RuleRef ref;
  const Policy* policy;
  const Rule* rule;
};

using LevelKey = std::tuple<Tier, std::uint16_t, std::uint16_t>;  // priority, order

std::map<LevelKey, std::vector<PolicyRule>> by_level(const std::vector<PolicyRule>& rules) {
  std::map<LevelKey, std::vector<PolicyRule>> out;
  for (const PolicyRule& r : rules) out[{r.policy->tier, r.policy->priority, r.rule->order}].push_back(r);
  return out;
}

std::vector<Requirement> required(const std::vector<PolicyRule>& rules, Action action, const Config& config) {
  std::vector<Requirement> out;
  if (config.version >= 19) return out;
  for (const PolicyRule& r : rules) {
    if (r.rule->action != action) continue;
    for (const Selector& s : r.rule->requires_all) out.insert(out.end(), s.requirements.begin(), s.requirements.end());
  }
  return out;
}

}  // namespace

// Rules of a namespace are only considered for its pods.
bool selects(const Policy& policy, const Subject& subject) {
  if (policy.subject_is_node != subject.is_host) return false;
  const bool clusterwide = policy.kind == PolicyKind::CiliumClusterwideNetworkPolicy || policy.kind == PolicyKind::ClusterNetworkPolicy;
  if (!clusterwide && policy.ns != subject.ns) return false;
  return matches(policy.subject, subject.labels);
}

struct SubjectPolicy::State {
  State(const World& w, Subject s) : world(w), subject(std::move(s)) { select(); }

  struct Level {
    Tier tier = Tier::Normal;
    std::vector<ResolvedRule> rules;
  };
  struct Side {
    Enforcement enforcement = Enforcement::None;
    bool localhost = false;  // the exception of section 4.5 applies
    bool passes = false;     // some rule does
    std::vector<Level> levels;  // in the order in which they are asked
    std::vector<RuleRef> default_deny;
  };

  const World world;
  const Subject subject;
  std::optional<AddressLabels> address_labels;
  bool needs_address_labels = false;
  std::size_t selecting = 0;
  std::optional<Incomputable> incomputable;
  std::array<Side, 2> sides;
  std::map<LabelSet, NamedPorts> peer_ports;  // by identity; egress from 1.20 on

  const Config& config() const { return world.cluster.config; }

  void select() {
    address_labels.emplace(world, false);
    if (never_enforced(subject, config())) return;
    std::array<std::vector<PolicyRule>, 2> rules;
    const auto& policies = world.policies.policies;
    for (std::uint32_t p = 0; p < policies.size(); ++p) {
      if (!selects(policies[p], subject)) continue;
      ++selecting;
      for (std::uint32_t r = 0; r < policies[p].rules.size(); ++r) {
        const Rule& rule = policies[p].rules[r];
        rules[index(rule.direction)].push_back({{p, r}, &policies[p], &rule});
      }
    }
    for (Direction direction : kDirections) {
      enforce(direction, rules[index(direction)]);
      resolve_rules(direction, rules[index(direction)]);
    }
    if (needs_address_labels) address_labels.emplace(world, true);
  }

  // Section 4.3.
  void enforce(Direction direction, const std::vector<PolicyRule>& rules) {
    Side& side = sides[index(direction)];
    for (const PolicyRule& r : rules) {
      side.passes |= r.rule->action == Action::Pass;
      if (default_denies(*r.policy, direction, config())) side.default_deny.push_back(r.ref);
    }
    if (always_enforced(subject, config()) || !side.default_deny.empty()) side.enforcement = Enforcement::DefaultDeny;
    else if (!rules.empty()) side.enforcement = Enforcement::DefaultAllow;
    side.localhost = direction == Direction::Ingress && config().allow_localhost && !subject.is_host &&
                     side.enforcement == Enforcement::DefaultDeny && (config().version < 20 || !rules.empty());
  }

  NamedPorts named_ports(Direction direction) const {
    NamedPorts out;
    if (direction == Direction::Ingress) {
      out.add(subject.named_ports);
    } else if (config().version < 20) {  // one table for the whole cluster (section 5.9)
      for (const Endpoint& endpoint : world.cluster.endpoints) {
        if (!endpoint.host_network) out.add(endpoint.named_ports);
      }
    }
    return out;
  }

  // From 1.20 on names are looked up at the peer: pods with equal labels are one identity, and
  // a name on which they disagree is skipped (section 5.9).
  void collect_peer_ports() {
    for (const Endpoint& endpoint : world.cluster.endpoints) {
      if (!endpoint.host_network && !endpoint.named_ports.empty()) peer_ports[endpoint.labels].add(endpoint.named_ports);
    }
  }

  void resolve_rules(Direction direction, const std::vector<PolicyRule>& rules) {
    Side& side = sides[index(direction)];
    const bool by_name = std::any_of(rules.begin(), rules.end(), [](const PolicyRule& r) { return names_ports(*r.rule); });
    const NamedPorts names = by_name ? named_ports(direction) : NamedPorts{};
    if (by_name && direction == Direction::Egress && config().version >= 20) collect_peer_ports();
    const std::vector<Requirement> of_allows = required(rules, Action::Allow, config());
    const std::vector<Requirement> of_denies = required(rules, Action::Deny, config());
    for (const auto& [level, members] : by_level(rules)) {
      Level& out = side.levels.emplace_back(Level{std::get<Tier>(level), {}});
      for (const PolicyRule& r : members) {
        const RuleContext context{world, r.rule->action == Action::Allow ? of_allows : of_denies, names};
        out.rules.push_back({r.ref, r.rule->action, r.rule->auth, resolve_peers(*r.rule, context), resolve_ports(*r.rule, context)});
        needs_address_labels |= asks_for_address_labels(*r.rule);
      }
      note_conflict(members, out);
    }
    needs_address_labels |= std::any_of(of_allows.begin(), of_allows.end(), [](const auto& r) { return asks_for_address_labels(r); });
    needs_address_labels |= std::any_of(of_denies.begin(), of_denies.end(), [](const auto& r) { return asks_for_address_labels(r); });
  }

  // Of rules of different levels the higher one's word holds, so these never conflict.
  void note_conflict(const std::vector<PolicyRule>& rules, const Level& level) {
    if (incomputable) return;
    std::vector<SelectedRule> selected;
    for (std::size_t i = 0; i < rules.size(); ++i) selected.push_back({rules[i].ref, rules[i].rule, &level.rules[i].peers});
    incomputable = find_conflict(selected);
  }

  // ---- judging -------------------------------------------------------------------------------
  struct Hit {
    int key_bits;
    Redirect redirect;
  };

  std::optional<std::uint16_t> peer_port(const PeerFacts& peer, const std::string& name, Protocol protocol) const {
    const auto at = peer_ports.find(peer.labels);
    return at == peer_ports.end() ? std::nullopt : at->second.find(name, protocol);
  }

  std::optional<Hit> port_hit(const ResolvedPort& port, const PeerFacts& peer, Flow flow) const {
    if (port.any_protocol) return Hit{0, port.redirect};
    if (port.protocol != flow.protocol) return std::nullopt;
    ResolvedPort numbered = port;
    if (!port.peer_name.empty()) {
      const auto number = peer_port(peer, port.peer_name, port.protocol);
      if (!number || *number == 0) return std::nullopt;
      numbered.first = numbered.last = *number;
    }
    const bool every = numbered.first == 0 && numbered.last == 0;
    if (!every && (flow.number < numbered.first || flow.number > numbered.last)) return std::nullopt;
    return Hit{numbered.key_bits(flow.number), port.redirect};
  }

  struct PeerHit {
    bool own = false, everyone = false;
  };

  PeerHit peer_hit(const ResolvedRule& rule, const PeerView& peer) const {
    PeerHit hit;
    for (const ResolvedPeer& p : rule.peers) {
      const bool wildcard = std::holds_alternative<Everyone>(p.matcher);
      if (wildcard ? hit.everyone : hit.own) continue;
      if (matches(p.matcher, peer, config(), *address_labels)) (wildcard ? hit.everyone : hit.own) = true;
    }
    return hit;
  }

  struct Matched {
    std::vector<RuleRef> allows, denies;
    bool passed = false;
    Candidates candidates;
  };

  void match(const ResolvedRule& rule, const PeerView& peer, Flow flow, Matched& out) const {
    std::vector<Hit> hits;
    for (const ResolvedPort& port : rule.ports) {
      if (auto hit = port_hit(port, peer.facts, flow)) hits.push_back(*hit);
    }
    if (hits.empty()) return;
    const PeerHit by = peer_hit(rule, peer);
    if (!by.own && !by.everyone) return;
    switch (rule.action) {
      case Action::Deny: return out.denies.push_back(rule.ref);
      case Action::Pass: out.passed = true; return;
      case Action::Allow: out.allows.push_back(rule.ref);
    }
    for (const Hit& hit : hits) {
      if (by.own) out.candidates.add(false, hit.key_bits, hit.redirect, rule.auth);
      if (by.everyone) out.candidates.add(true, hit.key_bits, hit.redirect, rule.auth);
    }
  }

  RuleMeeting meet(const ResolvedRule& rule, const PeerView& peer, Flow flow) const {
    RuleMeeting out;
    out.rule = &rule;
    for (const ResolvedPeer& p : rule.peers) out.peers.push_back(matches(p.matcher, peer, config(), *address_labels));
    for (const ResolvedPort& port : rule.ports) {
      const auto hit = port_hit(port, peer.facts, flow);
      out.ports.push_back(hit.has_value());
      if (hit && hit->redirect.rank > out.redirect.rank) out.redirect = hit->redirect;
    }
    return out;
  }

  Inspection inspect(const Side& side, const PeerView& peer, Flow flow) const {
    Inspection out{peer.labels, {}, side.default_deny};
    for (std::size_t l = 0; l < side.levels.size(); ++l)
      for (const ResolvedRule& rule : side.levels[l].rules) {
        out.rules.push_back(meet(rule, peer, flow));
        out.rules.back().tier = side.levels[l].tier;
        out.rules.back().level = l;
      }
    return out;
  }

  SideVerdict allowed(const Side& side, Matched matched, bool localhost) const {
    SideVerdict out;
    out.enforcement = side.enforcement;
    out.localhost_exception = localhost && matched.allows.empty();
    out.rules = std::move(matched.allows);
    const Candidates::Choice choice = matched.candidates.choose(config().version);
    out.auth = choice.auth;
    const bool bypass = localhost && config().version < 17;  // section 4.5
    if (choice.redirect.rank > 0 && !bypass) {
      out.verdict = Verdict::AllowL7;
      out.l7 = choice.redirect.parser;
    }
    return out;
  }

  // With the labels that its address adds, where a selector could ask for them.
  template <typename Judge>
  auto seen(const PeerFacts& peer, const Judge& judge) const {
    if (!needs_address_labels || !peer.address) return judge(PeerView{peer, peer.labels, is_external(peer)});
    const LabelSet labels = address_labels->of(peer);
    return judge(PeerView{peer, labels, is_external(peer)});
  }

  // Section 5.1: the first level with a deny or an allow for this traffic decides. A pass leaves
  // the rest of its tier out.
  SideVerdict judge(const Side& side, const PeerView& peer, Flow flow) const {
    if (side.enforcement == Enforcement::None) return {};
    std::optional<Tier> passed;
    for (const Level& level : side.levels) {
      if (passed == level.tier) continue;
      Matched matched;
      for (const ResolvedRule& rule : level.rules) match(rule, peer, flow, matched);
      if (!matched.denies.empty()) {
        return {Verdict::Deny, side.enforcement, L7Parser::None, AuthMode::Unset, std::move(matched.denies), false};
      }
      if (!matched.allows.empty()) return allowed_by(side, level, std::move(matched), peer);
      if (matched.passed) passed = level.tier;
    }
    return unmatched(side, peer);
  }

  bool by_localhost(const Side& side, const PeerView& peer) const {
    return side.localhost && has_label(peer.facts.labels, "reserved", "host");
  }

  // What would be allowed without any rule joins the rules of the Normal tier (sections 4.4, 4.5).
  void add_defaults(const Side& side, const PeerView& peer, Candidates& candidates) const {
    if (by_localhost(side, peer)) candidates.add(false, 0, {}, AuthMode::Unset);
    if (side.enforcement == Enforcement::DefaultAllow) candidates.add(true, 0, {}, AuthMode::Unset);
  }

  SideVerdict allowed_by(const Side& side, const Level& level, Matched matched, const PeerView& peer) const {
    if (level.tier != Tier::Normal) return allowed(side, std::move(matched), false);
    add_defaults(side, peer, matched.candidates);
    return allowed(side, std::move(matched), by_localhost(side, peer));
  }

  SideVerdict unmatched(const Side& side, const PeerView& peer) const {
    Matched nothing;
    add_defaults(side, peer, nothing.candidates);
    if (nothing.candidates.empty()) {
      // Beside a rule that passes Cilium makes a rule of default deny (section 5.10).
      const Verdict verdict = side.passes ? Verdict::Deny : Verdict::DefaultDeny;
      return {verdict, side.enforcement, L7Parser::None, AuthMode::Unset, side.default_deny, false};
    }
    return allowed(side, std::move(nothing), by_localhost(side, peer));
  }
};

// Sections 5.8, 7.1, 7.3, 7.5. Envoy asks all rules for the connection's peer and port, the DNS proxy those of just this port.
class SubjectPolicy::Requests {
 public:
  Requests(const State& state, const State::Side& side, const PeerView& peer, Flow flow, const Request& request)
      : state_(state), side_(side), peer_(peer), flow_(flow), request_(request) {}

  RequestVerdict judge() {
    SideVerdict packets = state_.judge(side_, peer_, flow_);
    if (packets.verdict == Verdict::Allow) return {Word::Allowed, std::move(packets.rules), ""};
    if (packets.verdict != Verdict::AllowL7) return {Word::Denied, std::move(packets.rules), ""};
    proxy_ = packets.l7;
    for (const State::Level& level : side_.levels) look(level);
    if (!unknown_.empty()) return {Word::Unknown, {}, unknown_};
    if (!reads(proxy_, request_.index())) return {Word::Denied, std::move(packets.rules), ""};
    std::optional<Tier> passed;
    std::string perhaps;  // why a level that was asked already may let it pass
    for (const Found& found : found_) {
      if (passed == found.tier) continue;
      if (found.denies) return refused(perhaps);
      if (!found.lets_pass.empty()) return {Word::Allowed, found.lets_pass, ""};
      if (perhaps.empty()) perhaps = found.perhaps;
      listed_.insert(listed_.end(), found.listed.begin(), found.listed.end());
      if (found.passes) passed = found.tier;
    }
    const bool by_default = side_.enforcement == Enforcement::DefaultAllow && (!of_dns() || state_.config().version >= 17);
    if (by_default || state_.by_localhost(side_, peer_)) return {Word::Allowed, {}, ""};
    return refused(perhaps);
  }

 private:
  using Word = RequestVerdict::Word;
  struct Found {  // in one level
    Tier tier = Tier::Normal;
    bool denies = false, passes = false;
    std::string perhaps;  // why some list may let it pass, and may not
    std::vector<RuleRef> lets_pass, listed;
  };
  using Filter = std::tuple<Protocol, std::uint16_t, std::uint16_t, std::string, std::string>;  // a port as written, and a selector

  bool of_dns() const { return proxy_ == L7Parser::Dns; }

  RequestVerdict refused(const std::string& perhaps) const {
    return perhaps.empty() ? RequestVerdict{Word::Denied, listed_, ""} : RequestVerdict{Word::Unknown, {}, perhaps};
  }

  static Filter filter(const ResolvedPort& port, const std::string& selector) {
    return {port.protocol, port.match->first, port.match->last, port.match->name, selector};
  }

  // What the rules of one port and one selector list together; a rule there without names does not lift that (section 5.6).
  static std::map<Filter, std::vector<const L7*>> named(const State::Level& level) {
    std::map<Filter, std::vector<const L7*>> out;
    for (const ResolvedRule& rule : level.rules)
      for (const ResolvedPort& port : rule.ports)
        if (port.l7 != nullptr && !port.l7->server_names.empty())
          for (const ResolvedPeer& peer : rule.peers) out[filter(port, peer.key)].push_back(port.l7);
    return out;
  }

  void look(const State::Level& level) {
    Found& out = found_.emplace_back(Found{level.tier, false, false, "", {}, {}});
    named_ = named(level);
    for (const ResolvedRule& rule : level.rules) {
      const auto by = state_.peer_hit(rule, peer_);
      if (!by.own && !by.everyone) continue;
      for (const ResolvedPort& port : rule.ports)
        if (state_.port_hit(port, peer_.facts, flow_)) look(rule, port, out);
    }
  }

  void look(const ResolvedRule& rule, const ResolvedPort& port, Found& out) {
    if (rule.action == Action::Deny) out.denies = true;
    if (rule.action == Action::Pass) out.passes = true;
    if (rule.action != Action::Allow) return;
    static const L7 none;
    const L7& l7 = port.l7 == nullptr ? none : *port.l7;
    const bool of_this_port = !port.any_protocol && (!port.peer_name.empty() || (port.first == port.last && port.first != 0));
    std::string why = unmodelled(l7, request_.index(), flow_.protocol, state_.config().version);
    if (request_.index() == kDnsKind && !l7.dns.empty() && !of_this_port) why = "DNS rules on a range of ports";
    if (!why.empty()) {
      unknown_ = std::move(why);
      return;
    }
    if (!reads(proxy_, request_.index()) || (of_dns() && !of_this_port)) return;
    InList in = in_list(l7, request_, proxy_, state_.config().version);
    if (in != InList::No && !of_dns() && !by_server_name(rule, port)) in = InList::No;
    if (in == InList::Unknown) out.perhaps = l7.dns.empty() && proxy_ == L7Parser::Http ? "the request's host" : "what a proxy makes of rules for another one";
    auto& where = in == InList::Yes ? out.lets_pass : out.listed;
    if (where.empty() || where.back() != rule.ref) where.push_back(rule.ref);
  }

  // By one of the selectors that mean the peer.
  bool by_server_name(const ResolvedRule& rule, const ResolvedPort& port) const {
    if (named_.empty() || port.match == nullptr) return true;
    const auto& config = state_.config();
    return std::any_of(rule.peers.begin(), rule.peers.end(), [&](const ResolvedPeer& peer) {
      if (!matches(peer.matcher, peer_, config, *state_.address_labels)) return false;
      const auto names = named_.find(filter(port, peer.key));
      return names == named_.end() || std::any_of(names->second.begin(), names->second.end(), [&](const L7* l7) { return has_server_name(*l7, request_, config.version); });
    });
  }

  const State& state_;
  const State::Side& side_;
  const PeerView& peer_;
  const Flow flow_;
  const Request& request_;
  L7Parser proxy_ = L7Parser::None;
  std::map<Filter, std::vector<const L7*>> named_;  // of the level that is looked at
  std::vector<Found> found_;
  std::vector<RuleRef> listed_;
  std::string unknown_;
};

SubjectPolicy::SubjectPolicy(const World& world, Subject subject)
    : state_(std::make_shared<const State>(world, std::move(subject))) {}

Enforcement SubjectPolicy::enforcement(Direction direction) const { return state_->sides[index(direction)].enforcement; }

std::size_t SubjectPolicy::selecting_policies() const { return state_->selecting; }

const std::optional<Incomputable>& SubjectPolicy::incomputable() const { return state_->incomputable; }

SideVerdict SubjectPolicy::judge(Direction direction, const PeerFacts& peer, Flow flow) const {
  return state_->seen(peer, [&](const PeerView& view) { return state_->judge(state_->sides[index(direction)], view, flow); });
}

RequestVerdict SubjectPolicy::judge(Direction direction, const PeerFacts& peer, Flow flow, const Request& request) const {
  return state_->seen(peer, [&](const PeerView& view) { return Requests(*state_, state_->sides[index(direction)], view, flow, request).judge(); });
}

Inspection SubjectPolicy::inspect(Direction direction, const PeerFacts& peer, Flow flow) const {
  return state_->seen(peer, [&](const PeerView& view) { return state_->inspect(state_->sides[index(direction)], view, flow); });
}

bool RuleMeeting::by_peer() const { return std::find(peers.begin(), peers.end(), true) != peers.end(); }
bool RuleMeeting::by_port() const { return std::find(ports.begin(), ports.end(), true) != ports.end(); }

}  // namespace netpolc::ir::eval
