// verify/random_policies_for_tests.h — policy sets of chance over a small world of labels, prefixes and ports; the same set in
// other words; and sets with one change.
#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ir/policy.h"
#include "ir/cluster.h"
#include "verify/random_for_tests.h"

namespace netpolc::verify::random_policies {

using P = ir::Protocol;
using D = ir::Direction;

inline constexpr const char* kNs = "io.kubernetes.pod.namespace";

// ---- random sets ---------------------------------------------------------------------------------------

inline ir::Requirement requirement(Random& random) {
  ir::Requirement out{"any", random.of<std::string>({"a", "a", "b", kNs}), random.of({ir::Operator::In, ir::Operator::In, ir::Operator::NotIn, ir::Operator::Exists, ir::Operator::DoesNotExist}), {}};
  if (out.key == kNs) out.op = ir::Operator::In;
  if (out.op != ir::Operator::In && out.op != ir::Operator::NotIn) return out;
  out.values = {out.key == kNs ? random.of<std::string>({"n1", "n2"}) : "x"};
  if (out.key == "a" && random.one_in(2)) out.values.push_back("y");
  return out;
}

inline ir::Selector selector(Random& random, std::uint32_t most) {
  ir::Selector out;
  for (std::uint32_t n = random.below(most + 1); n > 0; --n) out.requirements.push_back(requirement(random));
  ir::normalise(out);
  return out;
}

inline IpPrefix prefix(const char* text) { return *IpPrefix::parse(text); }

inline ir::Peer peer(Random& random) {
  if (random.one_in(8)) return ir::EntityPeer{random.of({ir::Entity::All, ir::Entity::Cluster, ir::Entity::World, ir::Entity::Host})};
  if (random.one_in(3)) {
    ir::CidrPeer out{prefix(random.of({"10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32"})), {}, false};
    if (out.prefix == prefix("10.0.0.0/8") && random.one_in(2)) out.except = {prefix(random.of({"10.0.0.0/9", "10.1.0.0/16"}))};
    return out;
  }
  return ir::LabelPeer{selector(random, 2), true};
}

inline ir::PortRule ports(Random& random, bool allows) {
  ir::PortRule out;
  if (allows && random.one_in(3)) {
    out.ports = {{P::Tcp, 80, 80, ""}};
    out.l7.parser = ir::L7Parser::Http;
    for (std::uint32_t n = 1 + random.below(2); n > 0; --n) out.l7.http.push_back({random.of({"/x", "/y", "/[xy]", "/.*"}), random.of({"GET", "GET|PUT", ""}), "", {}, {}});
    return out;
  }
  for (std::uint32_t n = 1 + random.below(2); n > 0; --n)
    out.ports.push_back(random.of<ir::PortMatch>({{P::Tcp, 80, 80, ""}, {P::Tcp, 80, 90, ""}, {P::Tcp, 85, 90, ""}, {P::Any, 80, 85, ""}, {P::Udp, 53, 53, ""}, {P::Any, 0, 0, ""}, {P::Icmp, 8, 8, ""}}));
  return out;
}

inline ir::Rule rule(Random& random, ir::CiliumVersion version) {
  ir::Rule out;
  out.direction = random.of({D::Ingress, D::Egress});
  out.action = random.one_in(4) ? ir::Action::Deny : ir::Action::Allow;
  out.peer_kind = random.one_in(5) ? ir::PeerKind::Unspecified : ir::PeerKind::Listed;
  if (out.peer_kind == ir::PeerKind::Listed)
    for (std::uint32_t n = 1 + random.below(2); n > 0; --n) out.peers.push_back(peer(random));
  if (version < 19 && random.one_in(10)) out.requires_all.push_back(selector(random, 1));
  out.any_l4 = random.one_in(3);
  if (!out.any_l4)
    for (std::uint32_t n = 1 + random.below(2); n > 0; --n) out.ports.push_back(ports(random, out.action == ir::Action::Allow));
  return out;
}

inline ir::Policy policy(Random& random, ir::CiliumVersion version) {
  ir::Policy out;
  out.kind = random.of({ir::PolicyKind::CiliumNetworkPolicy, ir::PolicyKind::CiliumNetworkPolicy, ir::PolicyKind::CiliumClusterwideNetworkPolicy});
  if (out.kind == ir::PolicyKind::CiliumNetworkPolicy) out.ns = random.of<std::string>({"n1", "n1", "n2"});
  out.name = "p";
  out.subject = selector(random, 1);
  out.default_deny_ingress = !random.one_in(5);
  out.default_deny_egress = !random.one_in(5);
  for (std::uint32_t n = 1 + random.below(3); n > 0; --n) out.rules.push_back(rule(random, version));
  return out;
}

template <class T>
T& one_of(Random& random, std::vector<T>& all) {
  return all[random.below(static_cast<std::uint32_t>(all.size()))];
}
template <class T>
inline void shuffle(Random& random, std::vector<T>& all) {
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random.below(static_cast<std::uint32_t>(i))]);
}
template <class T>
inline void remove_one(Random& random, std::vector<T>& all) {
  all.erase(all.begin() + random.below(static_cast<std::uint32_t>(all.size())));
}

// ---- the same in other words -----------------------------------------------------------------------------

// The lower and the upper half.
inline std::pair<IpPrefix, IpPrefix> halves(const IpPrefix& whole) {
  IpPrefix lower = whole, upper = whole;
  lower.length = upper.length = static_cast<std::uint8_t>(whole.length + 1);
  upper.address.bytes[whole.length / 8] |= static_cast<std::uint8_t>(0x80U >> (whole.length % 8));
  return {lower, upper};
}

inline std::vector<ir::Peer> reworded(Random& random, const ir::Peer& one) {
  if (const auto* cidr = std::get_if<ir::CidrPeer>(&one); cidr != nullptr && cidr->prefix.length > 0) {
    const auto [lower, upper] = halves(cidr->prefix);
    if (cidr->except.empty() && random.one_in(2)) return {ir::CidrPeer{lower, {}, false}, ir::CidrPeer{upper, {}, false}};
    if (cidr->except == std::vector<IpPrefix>{lower}) return {ir::CidrPeer{upper, {}, false}};
  }
  if (const auto* labels = std::get_if<ir::LabelPeer>(&one)) {
    for (std::size_t i = 0; i < labels->selector.requirements.size(); ++i) {
      const ir::Requirement& asked = labels->selector.requirements[i];
      if (asked.values.size() != 2 || random.one_in(2)) continue;
      ir::LabelPeer first = *labels, second = *labels;
      first.selector.requirements[i].values = {asked.values[0]};
      second.selector.requirements[i].values = {asked.values[1]};
      if (asked.op == ir::Operator::In) {
        ir::normalise(first.selector);
        ir::normalise(second.selector);
        return {first, second};
      }
      first.selector.requirements.push_back(second.selector.requirements[i]);
      ir::normalise(first.selector);
      return {first};
    }
    if (random.one_in(3) && !labels->selector.requirements.empty() && labels->selector.requirements[0].op == ir::Operator::In) {
      ir::LabelPeer more = *labels;
      more.selector.requirements.push_back({more.selector.requirements[0].source, more.selector.requirements[0].key, ir::Operator::Exists, {}});
      ir::normalise(more.selector);
      return {more};
    }
  }
  return random.one_in(6) ? std::vector<ir::Peer>{one, one} : std::vector<ir::Peer>{one};
}

inline std::vector<ir::PortMatch> reworded(Random& random, const ir::PortMatch& one) {
  if (one.protocol == P::Any && random.one_in(2)) {
    std::vector<ir::PortMatch> out;
    for (const P protocol : {P::Sctp, P::Tcp, P::Udp}) out.push_back({protocol, one.first, one.last, ""});
    return out;
  }
  if (one.first == one.last || random.one_in(3)) return {one};
  const auto middle = static_cast<std::uint16_t>(one.first + random.below(static_cast<std::uint32_t>(one.last - one.first)));
  return {{one.protocol, static_cast<std::uint16_t>(middle + 1), one.last, ""}, {one.protocol, one.first, middle, ""}};
}

inline std::vector<ir::Rule> reworded(Random& random, ir::Rule one) {
  std::vector<ir::Peer> peers;
  for (const ir::Peer& p : one.peers)
    for (ir::Peer& more : reworded(random, p)) peers.push_back(std::move(more));
  shuffle(random, peers);
  one.peers = std::move(peers);
  for (ir::PortRule& item : one.ports) {
    std::vector<ir::PortMatch> all;
    for (const ir::PortMatch& match : item.ports)
      for (const ir::PortMatch& more : reworded(random, match)) all.push_back(more);
    shuffle(random, all);
    item.ports = std::move(all);
    shuffle(random, item.l7.http);
    if (!item.l7.http.empty() && random.one_in(3)) item.l7.http.push_back(item.l7.http[0]);
  }
  shuffle(random, one.ports);
  ir::Rule other = one;
  if (one.peers.size() > 1 && random.one_in(2)) {
    other.peers.assign(one.peers.begin() + 1, one.peers.end());
    one.peers.resize(1);
    return {one, other};
  }
  if (one.ports.size() > 1 && random.one_in(2)) {
    other.ports.assign(one.ports.begin() + 1, one.ports.end());
    one.ports.resize(1);
    return {one, other};
  }
  if (random.one_in(6)) return {one, other};
  return {one};
}

inline ir::PolicySet reworded(Random& random, const ir::PolicySet& set) {
  ir::PolicySet out;
  for (ir::Policy one : set.policies) {
    std::vector<ir::Rule> rules;
    for (const ir::Rule& r : one.rules)
      for (ir::Rule& more : reworded(random, r)) rules.push_back(std::move(more));
    shuffle(random, rules);
    one.rules = rules;
    ir::Policy other = one;
    if (rules.size() > 1 && random.one_in(2)) {
      one.rules.assign(rules.begin(), rules.begin() + 1);
      other.rules.assign(rules.begin() + 1, rules.end());
      out.policies.push_back(other);
    } else if (random.one_in(6)) {
      out.policies.push_back(other);
    }
    out.policies.push_back(one);
  }
  shuffle(random, out.policies);
  return out;
}

// ---- one change --------------------------------------------------------------------------------------------

inline void change(Random& random, ir::Selector& selector) {
  if (selector.requirements.empty() || random.one_in(4)) selector.requirements.push_back({"any", "b", ir::Operator::In, {"x"}});
  else if (ir::Requirement& one = one_of(random, selector.requirements); one.values.empty()) one.op = one.op == ir::Operator::Exists ? ir::Operator::DoesNotExist : ir::Operator::Exists;
  else if (random.one_in(2)) one.op = one.op == ir::Operator::In ? ir::Operator::NotIn : ir::Operator::In;
  else if (one.values.size() > 1) one.values.pop_back();
  else one.values = {one.key == kNs ? "n1" : "y"};
  ir::normalise(selector);
}

inline void change(Random& random, ir::Peer& one) {
  if (auto* labels = std::get_if<ir::LabelPeer>(&one)) return change(random, labels->selector);
  if (auto* cidr = std::get_if<ir::CidrPeer>(&one)) {
    if (!cidr->except.empty()) cidr->except.clear();
    else if (cidr->prefix.length > 0) cidr->prefix = random.one_in(2) ? halves(cidr->prefix).first : halves(cidr->prefix).second;
    else one = ir::EntityPeer{ir::Entity::Cluster};
    return;
  }
  if (const auto* name = std::get_if<ir::FqdnPeer>(&one)) {
    one = name->match_name.empty() ? ir::FqdnPeer{"api.example.com", ""} : ir::FqdnPeer{"", "*.example.com"};
    return;
  }
  one = ir::EntityPeer{std::get<ir::EntityPeer>(one).entity == ir::Entity::World ? ir::Entity::All : ir::Entity::World};
}

inline void change(Random& random, ir::PortRule& item) {
  if (!item.l7.http.empty()) {
    ir::HttpRule& http = one_of(random, item.l7.http);
    if (random.one_in(3)) item.l7 = {};
    else if (random.one_in(2)) http.path = http.path == "/x" ? "/y" : "/x";
    else http.method = http.method == "GET" ? "PUT" : "GET";
    return;
  }
  ir::PortMatch& match = one_of(random, item.ports);
  if (random.one_in(3)) match.protocol = match.protocol == P::Tcp ? P::Udp : P::Tcp;
  else if (match.last != 0 && random.one_in(2)) ++match.last;
  else if (match.first < match.last) ++match.first;
  else match.first = match.last = 85;
}

inline ir::PolicySet changed(Random& random, ir::PolicySet set) {
  ir::Policy& policy = one_of(random, set.policies);
  ir::Rule& rule = one_of(random, policy.rules);
  switch (random.below(10)) {
    case 0: remove_one(random, set.policies); break;
    case 1: remove_one(random, policy.rules); break;
    case 2: (random.one_in(2) ? policy.default_deny_ingress : policy.default_deny_egress) ^= true; break;
    case 3: rule.action = rule.action == ir::Action::Deny ? ir::Action::Allow : ir::Action::Deny; for (ir::PortRule& item : rule.ports) item.l7 = {}; break;
    case 4: change(random, policy.subject); break;
    case 5: rule.direction = rule.direction == D::Ingress ? D::Egress : D::Ingress; break;
    case 6: if (policy.ns.empty()) { policy.kind = ir::PolicyKind::CiliumNetworkPolicy; policy.ns = "n1"; } else { policy.ns = policy.ns == "n1" ? "n2" : "n1"; } break;
    default:
      if (!rule.peers.empty() && random.one_in(2)) change(random, one_of(random, rule.peers));
      else if (!rule.ports.empty()) change(random, one_of(random, rule.ports));
      else rule.peer_kind = rule.peer_kind == ir::PeerKind::Nobody ? ir::PeerKind::Listed : ir::PeerKind::Nobody, rule.peers.clear();
  }
  return set;
}

}  // namespace netpolc::verify::random_policies
