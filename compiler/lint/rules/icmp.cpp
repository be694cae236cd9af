// Rules about ICMP: types of the other family, replies, and ports that leave it out (semantics reference, sections 1.6 and 1.8).
#include <algorithm>

#include "compiler/lint/edits.h"
#include "compiler/lint/rule.h"
#include "ir/icmp_names.h"

namespace netpolc::lint {
namespace {

constexpr std::uint16_t kEcho4 = 8, kEcho6 = 128, kEchoReply6 = 129;

bool is_type(int number, bool v6) {
  return std::any_of(std::begin(ir::kIcmpNames), std::end(ir::kIcmpNames), [&](const ir::IcmpName& one) { return (v6 ? one.v6 : one.v4) == number; });
}

// Known in the other family and not in its own.
bool is_of_other_family(const ir::PortMatch& type) {
  const bool v6 = type.protocol == ir::Protocol::Icmpv6;
  if (!v6 && type.protocol != ir::Protocol::Icmp) return false;
  return type.first != 0 && !is_type(type.first, v6) && is_type(type.first, !v6);
}

std::string name_of(int number, bool v6) {
  for (const ir::IcmpName& one : ir::kIcmpNames)
    if ((v6 ? one.v6 : one.v4) == number) return std::string(one.name);
  return "";
}

// The field of `icmps` that says so.
const frontend::Node* field_of(const Facts& facts, const ir::PortRule& item, const ir::PortMatch& type) {
  const frontend::Node* written = facts.places().node_at(item.where);
  const frontend::Node* fields = written == nullptr || !written->is_mapping() ? nullptr : written->find("fields");
  if (fields == nullptr) return nullptr;
  for (const frontend::Node& field : fields->items) {
    const frontend::Node* number = field.is_mapping() ? field.find("type") : nullptr;
    const frontend::Node* family = field.is_mapping() ? field.find("family") : nullptr;
    const bool v6 = family != nullptr && family->text == "IPv6";
    if (number != nullptr && number->text == std::to_string(type.first) && v6 == (type.protocol == ir::Protocol::Icmpv6)) return &field;
  }
  return nullptr;
}

std::string_view raw(const Facts& facts, Span place) { return facts.places().sources().text(place.file).substr(place.begin, place.end - place.begin); }

// With `family: IPv6` in place of what is written, or where nothing is.
std::optional<FixIt> with_family(const Facts& facts, const frontend::Node& field) {
  if (const frontend::Node* family = field.find("family"); family != nullptr && raw(facts, family->span) == "IPv4") return FixIt{family->span, "IPv6"};
  if (field.find("family") != nullptr) return std::nullopt;
  return entry_before(facts, field, field.entries.front().first, "family: IPv6");
}

template <typename Visit>
void each_item(const Facts& facts, const Visit& visit) {
  for (const ir::Policy& policy : facts.policies())
    for (const ir::Rule& rule : policy.rules)
      for (const ir::PortRule& item : rule.ports) visit(policy, rule, item);
}

void find_family(const Facts& facts, Findings& out) {
  each_item(facts, [&](const ir::Policy&, const ir::Rule&, const ir::PortRule& item) {
    for (const ir::PortMatch& type : item.ports) {
      if (!is_of_other_family(type)) continue;
      const bool v6 = type.protocol == ir::Protocol::Icmpv6;
      const frontend::Node* field = field_of(facts, item, type);
      const std::string number = std::to_string(type.first);
      Diagnostic found{.kind = DiagKind::IcmpWrongFamily,
                       .where = field != nullptr ? field->find("type")->span : item.where,
                       .message = "ICMP type " + number + " is `" + name_of(type.first, !v6) + "` of " + (v6 ? "IPv4" : "IPv6") + ", and none of " + (v6 ? "IPv6" : "IPv4"),
                       .label = v6 ? (type.first == kEcho4 ? "an echo request of IPv6 is 128" : "nothing has this type")
                                   : (field != nullptr && field->find("family") == nullptr ? "without `family` it is IPv4" : "nothing has this type"),
                       .severity = Severity::Warning};
      if (field != nullptr && !v6) found.fix = with_family(facts, *field);
      if (field != nullptr && v6 && type.first == kEcho4 && raw(facts, *found.where) == number) found.fix = FixIt{*found.where, std::to_string(kEcho6)};
      out.push_back(std::move(found));
    }
  });
}

// ---- replies -------------------------------------------------------------------------------------
bool has_type(const ir::Policy& policy, ir::Direction direction, ir::Protocol protocol, std::uint16_t number) {
  return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& rule) {
    return rule.direction == direction && rule.action == ir::Action::Allow && std::any_of(rule.ports.begin(), rule.ports.end(), [&](const ir::PortRule& item) {
      return std::any_of(item.ports.begin(), item.ports.end(), [&](const ir::PortMatch& one) { return one.protocol == protocol && (one.first == number || one.first == 0); });
    });
  });
}

void find_replies(const Facts& facts, Findings& out) {
  each_item(facts, [&](const ir::Policy& policy, const ir::Rule& rule, const ir::PortRule& item) {
    if (rule.action != ir::Action::Allow) return;
    for (const ir::PortMatch& type : item.ports) {
      if (type.protocol != ir::Protocol::Icmpv6 || type.first != kEchoReply6 || has_type(policy, rule.direction, type.protocol, kEcho6)) continue;
      out.push_back({.kind = DiagKind::IcmpReplyOnly,
                     .where = facts.places().key(item.where, "type"),
                     .message = "this allows echo replies, which need no rule where the request was allowed",
                     .label = "to let others ping allow `EchoRequest`",
                     .severity = Severity::Warning});
    }
  });
}

// ---- every port ----------------------------------------------------------------------------------
bool is_every_port(const ir::PortMatch& port) {
  const bool all = (port.first == 0 && (port.last == 0 || port.last == 65535)) || (port.first == 1 && port.last == 65535);
  return port.name.empty() && all && port.protocol == ir::Protocol::Any;
}

// Pings of the same peers may be in an entry of their own.
bool speaks_of_icmp(const ir::Policy& policy, ir::Direction direction) {
  return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const ir::Rule& rule) {
    if (rule.direction != direction) return false;
    return std::any_of(rule.ports.begin(), rule.ports.end(), [](const ir::PortRule& item) {
      return std::any_of(item.ports.begin(), item.ports.end(), [](const ir::PortMatch& one) { return one.protocol == ir::Protocol::Icmp || one.protocol == ir::Protocol::Icmpv6; });
    });
  });
}

void find_every_port(const Facts& facts, Findings& out) {
  each_item(facts, [&](const ir::Policy& policy, const ir::Rule& rule, const ir::PortRule& item) {
    if (item.l7.redirects() || std::none_of(item.ports.begin(), item.ports.end(), is_every_port) || speaks_of_icmp(policy, rule.direction)) return;
    const bool deny = rule.action == ir::Action::Deny;
    out.push_back({.kind = DiagKind::PortsWithoutIcmp,
                   .where = facts.places().key(item.where, "port"),
                   .message = std::string("every port is TCP, UDP and SCTP: ICMP is not ") + (deny ? "denied" : "allowed") + " by this",
                   .label = "without `toPorts` the entry is for every protocol",
                   .severity = deny ? Severity::Warning : Severity::Note});
  });
}

}  // namespace

std::vector<Rule> icmp_rules() {
  return {
          {DiagKind::IcmpWrongFamily, Severity::Warning, Needs::Policies, find_family,
           "Types of ICMP and of ICMPv6 have other numbers: an echo request is 8 in IPv4 and 128 in IPv6. Without `family` a type is "
           "one of IPv4, and 128 there is nothing that is ever sent.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: ping
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - icmps:
    - fields:
      - type: 8
      - type: 128
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: ping
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - icmps:
    - fields:
      - type: 8
      - family: IPv6
        type: 128
)"},
          {DiagKind::IcmpReplyOnly, Severity::Warning, Needs::Policies, find_replies,
           "Replies to what was allowed pass without a rule. A rule for `EchoReply` alone lets in replies that nobody asked for, and "
           "no ping: that begins with `EchoRequest`. (In IPv4 `EchoReply` is type 0, and stands for every type: NP161.)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: ping
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - icmps:
    - fields: [{family: IPv6, type: EchoReply}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: ping
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  ingress:
  - icmps:
    - fields: [{family: IPv6, type: EchoRequest}]
)"},
          {DiagKind::PortsWithoutIcmp, Severity::Warning, Needs::Policies, find_every_port,
           "A port, also 0 for every port, means TCP, UDP and SCTP. Ping, path MTU discovery and other protocols are not among them. "
           "A rule for everything has no `toPorts`. A warning in a deny rule, which so lets ICMP pass; else a note, as that may be "
           "what is meant.",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: no-world
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  enableDefaultDeny: {egress: false}
  egressDeny:
  - toEntities: [world]
    toPorts:
    - ports: [{port: "0"}]
)",
           R"(apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: no-world
  namespace: shop
spec:
  endpointSelector: {matchLabels: {app: cart}}
  enableDefaultDeny: {egress: false}
  egressDeny:
  - toEntities: [world]
)"}};
}

}  // namespace netpolc::lint
