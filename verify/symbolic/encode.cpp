#include "verify/symbolic/encode.h"

#include <algorithm>

#include "ir/eval/requests.h"
#include "verify/node_labels.h"
#include "verify/smt/solver.h"

namespace netpolc::verify::symbolic {
Encoder::Encoder(const ir::eval::World& world, const PreparedRules& rules, z3::context& context, std::vector<SymbolicPod*> pods, bool guards,
                 SymbolicRequest* request, SymbolicNames* names)
    : world_(world), rules_(rules), context_(context), pods_(std::move(pods)), guarding_(guards), request_(request), names_(names), address_labels_(rules.address_labels) {}

// ---- who is selected -------------------------------------------------------------------------------

z3::expr Encoder::holds(const ir::Selector& selector, const Party& party) {
  if (party.pod != nullptr) return party.pod->holds(selector);
  return constant(ir::eval::matches(selector, party.subject->labels));
}

z3::expr Encoder::has_key(const Party& subject, const std::string& key) {
  if (subject.pod != nullptr) return subject.pod->has(key);
  return constant(ir::eval::has_key(subject.subject->labels, key));
}

// Section 2.4.
z3::expr Encoder::selects(const ir::Policy& policy, const Party& subject) {
  const bool is_host = subject.is_host();
  if (policy.subject_is_node != is_host) return constant(false);
  if (!is_clusterwide(policy)) {
    const z3::expr there = subject.pod != nullptr ? subject.pod->in_namespace(policy.ns) : constant(subject.subject->ns == policy.ns);
    if (there.is_false()) return there;
    return smt::all(context_, {there, holds(policy.subject, subject)});
  }
  return holds(policy.subject, subject);
}

std::vector<Encoder::Selected> Encoder::selected(ir::Direction direction, const Party& subject) {
  std::vector<Selected> out;
  const bool is_host = subject.is_host();
  const auto ns = subject.pod != nullptr ? subject.pod->fixed_namespace() : is_host ? std::nullopt : std::optional(subject.subject->ns);
  for (const PreparedPolicy* policy : rules_.of_namespace(ns)) {
    if (policy->rules[index(direction)].empty()) continue;
    z3::expr by = selects(*policy->policy, subject);
    if (!by.is_false()) out.push_back({std::move(by), policy});
  }
  return out;
}

// ---- who is a peer -----------------------------------------------------------------------------------

z3::expr Encoder::is_peer(const ir::eval::Matcher& matcher, const Party& peer) {
  if (peer.pod == nullptr) {
    auto known = labels_of_.find(peer.facts);
    if (known == labels_of_.end()) known = labels_of_.emplace(peer.facts, peer.facts->address ? address_labels_.of(*peer.facts) : peer.facts->labels).first;
    const bool outside = ir::eval::is_external(*peer.facts);
    const auto* selector = std::get_if<ir::Selector>(&matcher);
    if (selector != nullptr && outside && names_ != nullptr && peer.facts->address) return holds_outside(*selector, known->second);
    const bool is = ir::eval::matches(matcher, {*peer.facts, known->second, outside}, world_.cluster.config, address_labels_);
    const auto* list = std::get_if<ir::eval::AddressList>(&matcher);
    return !is && list != nullptr && outside && names_ != nullptr && peer.facts->address ? names_->has(list->names) : constant(is);
  }
  struct Visitor {
    SymbolicPod& pod;
    z3::context& context;
    z3::expr operator()(const ir::eval::Everyone&) const { return context.bool_val(true); }
    z3::expr operator()(const ir::Selector& selector) const { return pod.holds(selector); }
    // A pod is known by its labels, never by its address (section 3.2).
    z3::expr operator()(const ir::CidrPeer&) const { return context.bool_val(false); }
    z3::expr operator()(const ir::eval::GroupByName&) const { return context.bool_val(false); }
    z3::expr operator()(const ir::eval::AddressList&) const { return context.bool_val(false); }
    z3::expr operator()(const ir::eval::GroupBySelector& group) const { return context.bool_val(ir::eval::matches(group.selector, {})); }
  };
  return std::visit(Visitor{*peer.pod, context_}, matcher);
}

// An address outside may have more labels than are known: of names that may resolve to it.
z3::expr Encoder::holds_outside(const ir::Selector& selector, const ir::LabelSet& labels) {
  std::vector<z3::expr> out;
  for (const ir::Requirement& requirement : selector.requirements) {
    const bool known = ir::eval::matches(requirement, labels);
    std::vector<z3::expr> more;
    for (const auto& [text, list] : rules_.names)
      if (asks_for_name(requirement, text) && !ir::eval::has_label(labels, "fqdn", text)) more.push_back(names_->has(list.names));
    const z3::expr has = smt::any(context_, more);
    const bool by_value = requirement.op == ir::Operator::In || requirement.op == ir::Operator::NotIn;
    const bool asked = !by_value || std::find(requirement.values.begin(), requirement.values.end(), "") != requirement.values.end();
    const bool wants = requirement.op == ir::Operator::In || requirement.op == ir::Operator::Exists;
    if (more.empty() || !asked) out.push_back(constant(known));
    else out.push_back(wants ? smt::any(context_, {constant(known), has}) : smt::all(context_, {constant(known), smt::negate(has)}));
    if (out.back().is_false()) break;
  }
  return smt::all(context_, out);
}

// from/toRequires of one rule narrow the endpoints of all others with its action (section 2.5).
z3::expr Encoder::narrowing(const std::vector<Selected>& selected, ir::Direction direction, ir::Action action, const Party& peer) {
  std::vector<z3::expr> out;
  if (world_.cluster.config.version >= 19) return constant(true);
  for (const Selected& s : selected)
    for (const PreparedRule& rule : s.policy->rules[index(direction)]) {
      if (rule.rule->action != action || rule.ref == left_out_) continue;
      for (const ir::Selector& selector : rule.rule->requires_all)
        out.push_back(smt::any(context_, {smt::negate(s.by), is_peer(ir::eval::Matcher(selector), peer)}));
    }
  return smt::all(context_, out);
}

z3::expr Encoder::is_peer(const PreparedRule& rule, const Party& peer, const z3::expr& narrowed) {
  std::vector<z3::expr> out;
  for (const ir::eval::ResolvedPeer& one : rule.peers) {
    out.push_back(is_peer(one, peer, narrowed));
    if (out.back().is_true()) break;
  }
  return smt::any(context_, out);
}

z3::expr Encoder::is_peer(const ir::eval::ResolvedPeer& one, const Party& peer, const z3::expr& narrowed) {
  const z3::expr plain = is_peer(one.matcher, peer);
  return one.endpoints ? smt::all(context_, {plain, narrowed}) : plain;
}

// ---- ports -------------------------------------------------------------------------------------------

// Any pod of the cluster may define what a name means, or make it ambiguous (section 5.9).
z3::expr Encoder::cluster_port(const std::string& name, ir::Protocol protocol) {
  const auto key = std::pair(name, protocol);
  if (const auto found = cluster_ports_.find(key); found != cluster_ports_.end()) return found->second;
  const z3::expr zero = context_.bv_val(0, 16);
  const auto known = rules_.known_ports.find(key);
  if (known != rules_.known_ports.end() && known->second == 0) return cluster_ports_.emplace(key, zero).first->second;
  const z3::expr number = context_.bv_const(("cluster port " + name + "/" + std::to_string(static_cast<int>(protocol))).c_str(), 16);
  if (known != rules_.known_ports.end()) facts_.push_back(number == zero || number == context_.bv_val(known->second, 16));
  for (SymbolicPod* pod : pods_) {
    const z3::expr own = pod->named_port(name, protocol);
    facts_.push_back(number == zero || own == zero || own == number);
  }
  return cluster_ports_.emplace(key, number).first->second;
}

z3::expr Encoder::peer_port(const std::string& name, ir::Protocol protocol, const Party& peer) {
  if (peer.pod != nullptr) return peer.pod->identity_port(name, protocol);
  ir::eval::NamedPorts table;
  for (const ir::Endpoint& endpoint : world_.cluster.endpoints)
    if (!endpoint.host_network && endpoint.labels == peer.facts->labels) table.add(endpoint.named_ports);
  return context_.bv_val(table.find(name, protocol).value_or(0), 16);
}

z3::expr Encoder::number_of(const std::string& name, ir::Protocol protocol, ir::Direction direction, const Party& subject, const Party& peer) {
  if (direction == ir::Direction::Egress) return world_.cluster.config.version >= 20 ? peer_port(name, protocol, peer) : cluster_port(name, protocol);
  if (subject.pod != nullptr) return subject.pod->named_port(name, protocol);
  ir::eval::NamedPorts table;
  table.add(subject.subject->named_ports);
  return context_.bv_val(table.find(name, protocol).value_or(0), 16);
}

z3::expr Encoder::port(const ir::PortMatch& match, ir::Protocol protocol, ir::Direction direction, const Party& subject, const Party& peer,
                       const Traffic& traffic) {
  const z3::expr is = traffic.is(protocol);
  if (is.is_false()) return is;
  if (match.name.empty()) {
    const bool every = match.first == 0 && match.last == 0;
    return every ? is : smt::all(context_, {is, traffic.within(match.first, match.last)});
  }
  const z3::expr number = number_of(match.name, protocol, direction, subject, peer);
  // QUIRK: endPort beside a name, where names are numbers before the rule is asked (section 1.6).
  const bool by_peer = direction == ir::Direction::Egress && world_.cluster.config.version >= 20;
  const std::uint16_t last = by_peer ? 0 : match.last;
  if (number.is_numeral()) {
    const auto known = static_cast<std::uint16_t>(number.get_numeral_uint());
    return known == 0 ? constant(false) : smt::all(context_, {is, traffic.within(known, std::max(known, last))});
  }
  z3::expr inside = traffic.number() == number;
  if (last != 0) inside = inside || (z3::uge(traffic.number(), number) && z3::ule(traffic.number(), context_.bv_val(last, 16)));
  return smt::all(context_, {is, number != context_.bv_val(0, 16), inside});
}

z3::expr Encoder::ports(const PreparedRule& rule, ir::Direction direction, const Party& subject, const Party& peer, const Traffic& traffic, bool redirected) {
  if (rule.rule->any_l4) return constant(!redirected);
  std::vector<z3::expr> out;
  for (const ir::PortRule& item : rule.rule->ports) {
    if (redirected && ir::eval::redirect_of(item.l7).rank == 0) continue;
    for (const ir::PortMatch& match : item.ports)
      for (const ir::Protocol protocol : ir::eval::protocols_of(match.protocol)) out.push_back(port(match, protocol, direction, subject, peer, traffic));
  }
  return smt::any(context_, out);
}

// ---- verdicts ----------------------------------------------------------------------------------------

z3::expr Encoder::guarded(const z3::expr& term, Forbids what) {
  if (term.is_false() || !guarding_) return term;
  auto found = guard_of_.find(what);
  if (found == guard_of_.end()) {
    found = guard_of_.emplace(what, context_.bool_const(("guard " + std::to_string(guards_.size())).c_str())).first;
    guards_.push_back({found->second, what});
  }
  return smt::all(context_, {found->second, term});
}

// Where no rule decides: sections 4.3 to 4.5.
z3::expr Encoder::unmatched(ir::Direction direction, const std::vector<Selected>& selected, const Party& subject, const Party& peer) {
  const auto& config = world_.cluster.config;
  std::vector<z3::expr> denies, rules;
  if (config.mode == ir::PolicyMode::Always) denies.push_back(constant(true));
  denies.push_back(has_key(subject, "init"));
  for (const Selected& s : selected) {
    rules.push_back(s.by);
    if (s.policy->default_denies[index(direction)]) denies.push_back(guarded(s.by, {s.policy->rules[index(direction)].front().ref, true}));
  }
  const bool is_host = subject.is_host();
  const bool from_host = peer.pod == nullptr && ir::eval::has_label(peer.facts->labels, "reserved", "host");
  const bool localhost = direction == ir::Direction::Ingress && config.allow_localhost && !is_host && from_host;
  const z3::expr excepted = !localhost ? constant(false) : config.version < 20 ? constant(true) : smt::any(context_, rules);
  return smt::any(context_, {smt::negate(smt::any(context_, denies)), excepted});
}

// Only nodes send to the overlay's port of a node (section 8.5).
z3::expr Encoder::encapsulates(ir::Direction direction, const Party& subject, const Party& peer, const Traffic& traffic) {
  const std::uint16_t port = world_.cluster.config.tunnel_port;
  if (direction != ir::Direction::Egress || port == 0 || subject.is_host() || peer.pod != nullptr || !is_node(peer.facts->labels)) return constant(false);
  return smt::all(context_, {traffic.is(ir::Protocol::Udp), traffic.within(port, port)});
}

SideTerms Encoder::side(ir::Direction direction, const Party& subject, const Party& peer, const Traffic& traffic) {
  const auto& config = world_.cluster.config;
  const bool is_host = subject.is_host();
  const z3::expr may = smt::negate(encapsulates(direction, subject, peer, traffic));
  if (config.mode == ir::PolicyMode::Never || (is_host && !config.host_firewall)) return {may, may, may};
  const auto selected = this->selected(direction, subject);
  const z3::expr of_allows = narrowing(selected, direction, ir::Action::Allow, peer), of_denies = narrowing(selected, direction, ir::Action::Deny, peer);

  spoken_.clear();
  std::map<Level, Sums> levels;
  Question question{direction, subject, peer, traffic};
  if (request_ != nullptr) collect_names(selected, question);
  for (const Selected& s : selected)
    for (const PreparedRule& rule : s.policy->rules[index(direction)]) {
      if (rule.ref == left_out_) continue;
      const bool allows = rule.rule->action == ir::Action::Allow;
      const z3::expr who = smt::all(context_, {s.by, is_peer(rule, peer, allows ? of_allows : of_denies)});
      if (who.is_false()) continue;
      const z3::expr matches = smt::all(context_, {who, ports(rule, direction, subject, peer, traffic, false)});
      spoken_.emplace(rule.ref, matches);
      Sums& sums = levels[rule.level];
      switch (rule.rule->action) {
        case ir::Action::Deny: sums.denies.push_back(guarded(matches, {rule.ref, false})); break;
        case ir::Action::Pass: sums.passes.push_back(matches); break;
        case ir::Action::Allow:
          sums.allows.push_back(matches);
          sums.redirects.push_back(smt::all(context_, {who, ports(rule, direction, subject, peer, traffic, true)}));
          if (request_ != nullptr) lists(s, rule, of_allows, question, sums);
          break;
      }
    }

  // From the last level back: the first with a deny or an allow decides, a pass leaves out the rest of its tier.
  const auto after = [&](const Sums& sums, const z3::expr& passed, const z3::expr& next) {
    const z3::expr passes = smt::any(context_, sums.passes);
    return smt::any(context_, {smt::all(context_, {passes, passed}), smt::all(context_, {smt::negate(passes), next})});
  };
  const auto choose = [&](const Sums& sums, const z3::expr& allowed, const z3::expr& otherwise) {
    const z3::expr any_allow = smt::any(context_, sums.allows);
    return smt::all(context_, {smt::negate(smt::any(context_, sums.denies)),
                               smt::any(context_, {smt::all(context_, {any_allow, allowed}), smt::all(context_, {smt::negate(any_allow), otherwise})})});
  };
  const z3::expr rest = unmatched(direction, selected, subject, peer);
  std::optional<Chosen> chosen;
  if (config.version < 17) chosen = first_hit(selected, of_allows, question);
  if (chosen)  // it is not said what the proxy for server names knows of lists of HTTP
    for (const auto& [level, sums] : levels) question.unmodelled.push_back(smt::all(context_, {chosen->tls, smt::any(context_, sums.http)}));
  const z3::expr unknown = smt::any(context_, question.unmodelled);
  if (!unknown.is_false()) unmodelled_.push_back(unknown);
  const z3::expr anything = unknown_alike_ ? context_.bool_const(direction == ir::Direction::Egress ? "not modelled: egress" : "not modelled: ingress")
                                           : z3::expr(context_, Z3_mk_fresh_const(context_, "not modelled", context_.bool_sort()));
  // QUIRK: before 1.17 the DNS proxy keeps to its lists also where nothing is denied by default (section 4.4).
  const z3::expr listed = config.version < 17 && request_ != nullptr && request_->kind() == ir::eval::kDnsKind ? constant(false) : rest;
  // `proxied`, `at_names`: the word of a proxy that begins at this level, which skips allows that don't have the request.
  struct Value {
    z3::expr allowed, plain, passes, proxied, at_names;
  } value{rest, rest, rest, listed, rest}, later = value;  // `later`: what the tiers after this one say
  std::optional<ir::Tier> tier;
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    if (tier != std::get<ir::Tier>(level->first)) later = value;
    tier = std::get<ir::Tier>(level->first);
    const Sums& sums = level->second;
    const z3::expr redirects = chosen ? chosen->redirected : smt::any(context_, sums.redirects);
    Value here{choose(sums, constant(true), after(sums, later.allowed, value.allowed)),
               choose(sums, smt::negate(redirects), after(sums, later.plain, value.plain)), constant(true), constant(true), constant(true)};
    if (request_ != nullptr) {
      const AtProxy proxy = at_proxy(sums, chosen, unknown, anything, after(sums, later.proxied, value.proxied), after(sums, later.at_names, value.at_names));
      const z3::expr undenied = smt::negate(smt::any(context_, sums.denies));
      here.passes = choose(sums, smt::any(context_, {smt::negate(redirects), proxy.passes}), after(sums, later.passes, value.passes));
      here.proxied = smt::all(context_, {undenied, proxy.proxied});
      here.at_names = smt::all(context_, {undenied, proxy.at_names});
    }
    value = here;
  }
  // QUIRK: a label whose key is `host` makes a pod the host in this respect (section 4.1).
  const z3::expr free = config.host_firewall ? constant(false) : has_key(subject, "host");
  const auto whole = [&](const z3::expr& term) { return smt::all(context_, {may, smt::any(context_, {free, term})}); };
  return {whole(value.allowed), whole(value.plain), whole(request_ == nullptr ? value.allowed : value.passes)};
}

z3::expr Encoder::spoke(ir::RuleRef rule) const {
  const auto found = spoken_.find(rule);
  return found == spoken_.end() ? context_.bool_val(false) : found->second;
}

// ---- what a model says -------------------------------------------------------------------------------

std::vector<z3::expr> Encoder::preferences() const {
  std::vector<z3::expr> out;
  for (const auto& [key, number] : cluster_ports_) {
    if (number.is_numeral()) continue;
    const auto known = rules_.known_ports.find(key);
    out.push_back(number == context_.bv_val(known == rules_.known_ports.end() ? 0 : known->second, 16));
  }
  return out;
}

bool Encoder::is_unmodelled(const z3::model& model) const {
  return std::any_of(unmodelled_.begin(), unmodelled_.end(), [&](const z3::expr& term) { return model.eval(term, true).is_true(); });
}

std::vector<ir::NamedPort> Encoder::cluster_ports(const z3::model& model) const {
  std::vector<ir::NamedPort> out;
  for (const auto& [key, number] : cluster_ports_)
    out.push_back({key.first, static_cast<std::uint16_t>(model.eval(number, true).get_numeral_uint()), key.second});
  return out;
}

}  // namespace netpolc::verify::symbolic
