#include "compiler/explain/nearest.h"

#include <algorithm>
#include <cstdlib>
#include <tuple>

#include "compiler/explain/words.h"
#include "ir/base/edit_distance.h"

namespace netpolc::explain {
namespace {

namespace eval = ir::eval;

// What has to be different, in tens; below ten, how different it is.
constexpr int kOne = 10, kAddress = 20, kOtherKind = 50, kFarthest = 60;
constexpr int kCloseness = 9;

struct Gap {
  int cost = 0;
  std::vector<Difference> differences;
};

bool is_pod(const ir::LabelSet& labels) { return eval::has_key(labels, kNamespaceKey); }

std::string quoted(const std::string& text) { return "`" + text + "`"; }

std::string any_of(const std::vector<std::string>& values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) out += (i == 0 ? "" : i + 1 == values.size() ? " or " : ", ") + quoted(values[i]);
  return out;
}

// ---- the other side ---------------------------------------------------------------------------
class PeerGap {
 public:
  explicit PeerGap(const Asked& asked) : asked_(asked), labels_(asked.inspection.labels) {}

  Gap operator()(const eval::Everyone&) const { return {}; }

  Gap operator()(const ir::Selector& selector) const {
    Gap out;
    for (const ir::Requirement& one : selector.requirements) {
      if (eval::matches(one, labels_)) continue;
      if (one.source == "reserved" || !is_pod(labels_)) return other_kind(selector_words(selector));
      out.differences.push_back(difference(one));
      out.cost += kOne;
    }
    return out;
  }

  Gap operator()(const ir::CidrPeer& cidr) const {
    const std::string range = cidr.prefix.to_string();
    if (!asked_.peer.address) {
      for (const IpAddress& own : asked_.addresses)
        if (cidr.prefix.contains(own)) return {kAddress, {{Differs::Kind, "", who(asked_.peer), "addresses outside the cluster: such a rule does not mean " + own.to_string() + ", though it is in " + range}}};
      return other_kind("addresses outside the cluster in " + range);
    }
    for (const IpPrefix& except : cidr.except)
      if (except.contains(*asked_.peer.address)) return address(range + " without " + except.to_string(), kOne);
    return address(range, kAddress);
  }

  Gap operator()(const eval::GroupByName& group) const {
    std::string list;
    for (std::size_t i = 0; i < group.prefixes.size() && i < 3; ++i) list += (i == 0 ? "" : ", ") + group.prefixes[i].to_string();
    if (group.prefixes.size() > 3) list += ", …";
    const std::string whom = "the addresses of its group (" + (list.empty() ? "none are known" : list) + ")";
    return asked_.peer.address ? address(whom, kAddress) : other_kind(whom);
  }

  Gap operator()(const eval::GroupBySelector&) const {
    return asked_.peer.address ? address("the addresses of its groups", kAddress) : other_kind("the addresses of its groups");
  }

  Gap operator()(const eval::AddressList& list) const {
    const std::string& pattern = list.names.match_name.empty() ? list.names.match_pattern : list.names.match_name;
    if (!asked_.peer.address) return other_kind("addresses outside the cluster that " + quoted(pattern) + " has");
    if (asked_.name.empty()) return address("what " + quoted(pattern) + " resolves to" + (list.addresses.empty() ? ", of which no address is known" : ""), kAddress + kOne);
    const int far = static_cast<int>(std::min<std::size_t>(edit_distance(asked_.name.substr(0, 255), pattern.substr(0, 255)), kCloseness));
    return {kOne + far, {{Differs::Name, "", asked_.name, pattern}}};
  }

 private:
  Gap address(const std::string& range, int cost) const { return {cost, {{Differs::Address, "", asked_.peer.address->to_string(), range}}}; }
  Gap other_kind(const std::string& whom) const { return {kOtherKind, {{Differs::Kind, "", who(asked_.peer), whom}}}; }

  Difference difference(const ir::Requirement& one) const {
    Difference out{one.key == kNamespaceKey ? Differs::Namespace : Differs::Label, one.key, "", ""};
    for (const ir::Label& label : labels_)
      if (label.key == one.key && (one.source == "any" || one.source == label.source)) out.asked = quoted(label.value);
    if (out.asked.empty()) out.asked = "missing";
    switch (one.op) {
      case ir::Operator::In: out.allowed = any_of(one.values); break;
      case ir::Operator::NotIn: out.allowed = "anything but " + any_of(one.values); break;
      case ir::Operator::Exists: out.allowed = "any value"; break;
      case ir::Operator::DoesNotExist: out.allowed = "no such label"; break;
    }
    return out;
  }

  const Asked& asked_;
  const ir::LabelSet& labels_;
};

struct Near {
  Gap gap;
  std::optional<std::size_t> index;
};

Near nearest_peer(const eval::RuleMeeting& meeting, const Asked& asked) {
  Near out{{kFarthest + 1, {}}, std::nullopt};
  const PeerGap gap(asked);
  for (std::size_t p = 0; p < meeting.peers.size(); ++p) {
    if (meeting.peers[p]) return {{}, p};
    Gap one = std::visit(gap, meeting.rule->peers[p].matcher);
    // What is said of a peer that fails for another reason would be wrong.
    if (one.differences.empty()) continue;
    if (one.cost < out.gap.cost) out = {std::move(one), p};
  }
  return out;
}

// ---- the traffic ------------------------------------------------------------------------------
bool is_icmp(ir::Protocol protocol) { return protocol == ir::Protocol::Icmp || protocol == ir::Protocol::Icmpv6; }

int port_cost(const eval::ResolvedPort& port, ir::Flow flow) {
  const bool covers = (port.first == 0 && port.last == 0) || (flow.number >= port.first && flow.number <= port.last);
  if (is_icmp(port.protocol) != is_icmp(flow.protocol)) return 3 * kOne;
  const int distance = std::min(std::abs(port.first - flow.number), std::abs(port.last - flow.number));
  const int far = covers ? 0 : kOne + std::min(distance / 100, kCloseness);
  return (port.protocol == flow.protocol ? 0 : kOne) + far;
}

std::string number_text(ir::Flow flow) { return std::string(ir::to_string(flow.protocol)) + (is_icmp(flow.protocol) ? " type " : " ") + std::to_string(flow.number); }

// With the numbers that names have here.
std::string allowed_ports(const eval::ResolvedRule& resolved, const ir::Rule& rule) {
  return ports_words(rule, [&](const ir::PortMatch& match) {
    for (const eval::ResolvedPort& port : resolved.ports)
      if (port.match != nullptr && port.match->name == match.name && port.peer_name.empty()) return std::to_string(port.first);
    return std::string();
  });
}

std::vector<Difference> port_differences(const eval::ResolvedPort& port, const std::string& allowed, ir::Flow flow) {
  if (!port.peer_name.empty()) return {{Differs::PortName, "", number_text(flow), allowed}};
  const bool protocol = port.protocol != flow.protocol, covers = (port.first == 0 && port.last == 0) || (flow.number >= port.first && flow.number <= port.last);
  std::vector<Difference> out;
  if (protocol) out.push_back({Differs::Protocol, "", number_text(flow), allowed});
  // A port is no number of ICMP's, nor the other way round.
  if (!covers && is_icmp(port.protocol) == is_icmp(flow.protocol)) out.push_back({Differs::Port, "", number_text(flow), allowed});
  return out;
}

Near nearest_port(const eval::RuleMeeting& meeting, const ir::Rule& rule, ir::Flow flow) {
  Near out{{kFarthest + 1, {}}, std::nullopt};
  for (std::size_t p = 0; p < meeting.ports.size(); ++p) {
    const eval::ResolvedPort& port = meeting.rule->ports[p];
    if (meeting.ports[p]) return {{}, p};
    const int cost = port.peer_name.empty() ? port_cost(port, flow) : kOne;
    if (cost < out.gap.cost) out = {{cost, port_differences(port, allowed_ports(*meeting.rule, rule), flow)}, p};
  }
  // Names that nobody has a port for make no port at all.
  const bool named = std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) { return std::any_of(item.ports.begin(), item.ports.end(), [](const ir::PortMatch& match) { return !match.name.empty(); }); });
  if (!out.index && named) out.gap = {kOne, {{Differs::PortName, "", number_text(flow), ports_words(rule)}}};
  return out;
}

}  // namespace

const char* to_string(Differs in) {
  switch (in) {
    case Differs::Name: return "name";
    case Differs::Address: return "address";
    case Differs::Namespace: return "namespace";
    case Differs::Label: return "label";
    case Differs::Kind: return "kind";
    case Differs::Port: return "port";
    case Differs::Protocol: return "protocol";
    case Differs::PortName: return "portName";
  }
  return "port";
}

std::string Difference::what() const {
  switch (in) {
    case Differs::Name: return "the name";
    case Differs::Address: return "the address";
    case Differs::Namespace: return "the namespace";
    case Differs::Label: return "the label " + quoted(key);
    case Differs::Kind: return "who is at the other end";
    case Differs::Port:
    case Differs::PortName: return "the port";
    case Differs::Protocol: return "the protocol";
  }
  return "the port";
}

std::string Difference::sentence() const {
  switch (in) {
    case Differs::Name: return quoted(asked) + ", where it has " + quoted(allowed);
    case Differs::Address: return asked + ", where it has " + allowed;
    case Differs::Namespace:
    case Differs::Label: return asked + ", where it wants " + allowed;
    case Differs::Kind: return asked + ", where it is for " + allowed;
    case Differs::Port:
    case Differs::Protocol: return asked + ", where it has " + allowed;
    case Differs::PortName: return asked + ", where it has " + allowed + ", which is not this port here";
  }
  return "";
}

std::optional<Nearest> nearest(const Asked& asked, const ir::PolicySet& policies) {
  std::optional<Nearest> best;
  std::pair<int, ir::RuleRef> weight{kFarthest + 1, {}};
  for (const eval::RuleMeeting& meeting : asked.inspection.rules) {
    const ir::RuleRef ref = meeting.rule->ref;
    if (meeting.rule->action != ir::Action::Allow || meeting.matches()) continue;
    const ir::Rule& rule = policies.policies[ref.policy].rules[ref.rule];
    Near peer = nearest_peer(meeting, asked);
    // A rule for somebody else altogether is near only where it is for this port.
    if (peer.gap.cost > kFarthest || (peer.gap.cost >= kOtherKind && rule.any_l4)) continue;
    Near port = nearest_port(meeting, rule, asked.flow);
    const std::pair<int, ir::RuleRef> own{peer.gap.cost + port.gap.cost, ref};
    if (own >= weight) continue;
    weight = own;
    best = Nearest{ref, std::move(peer.gap.differences), peer.index, port.index};
    best->differences.insert(best->differences.end(), port.gap.differences.begin(), port.gap.differences.end());
  }
  return best;
}

std::vector<std::string> Nearest::sentences() const {
  std::vector<std::string> out;
  for (const Difference& one : differences) out.push_back("differs in " + one.what() + (differences.size() == 1 && one.in != Differs::Kind ? " only: " : ": ") + one.sentence());
  return out;
}

}  // namespace netpolc::explain
