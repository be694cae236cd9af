#include "compiler/explain/fix.h"

#include <algorithm>

#include "compiler/explain/words.h"

namespace netpolc::explain {
namespace {

using frontend::Node;

struct Addition {
  const Node* list = nullptr;  // a sequence
  std::string name, item;
};

class Fixer {
 public:
  Fixer(const Nearest& nearest, const Asked& asked, const ir::PolicySet& policies, lint::Places& places)
      : nearest_(nearest), asked_(asked), places_(places), policy_(policies.policies[nearest.rule.policy]), rule_(policy_.rules[nearest.rule.rule]) {
    for (const ir::eval::RuleMeeting& meeting : asked.inspection.rules)
      if (meeting.rule->ref == nearest.rule) resolved_ = meeting.rule;
  }

  std::optional<Fix> fix() {
    if (nearest_.differences.size() != 1 || resolved_ == nullptr || policy_.kind == ir::PolicyKind::ClusterNetworkPolicy) return std::nullopt;
    const auto addition = add(nearest_.differences.front());
    if (!addition || addition->list == nullptr || !addition->list->is_sequence() || addition->list->items.empty()) return std::nullopt;
    return placed(*addition);
  }

 private:
  std::optional<Addition> add(const Difference& difference) {
    switch (difference.in) {
      case Differs::Name: return into("toFQDNs", "matchName: " + asked_.name);
      case Differs::Address: return address();
      case Differs::Namespace: return other_namespace();
      case Differs::Port:
      case Differs::Protocol: return port();
      case Differs::Label:
      case Differs::Kind:
      case Differs::PortName: return std::nullopt;  // the rule, the pod or the question may be what is wrong
    }
    return std::nullopt;
  }

  bool of_cilium() const { return policy_.kind != ir::PolicyKind::NetworkPolicy; }

  std::optional<Addition> into(std::string name, std::string item) {
    const Node* node = of_cilium() ? places_.node_at(rule_.where) : nullptr;
    return node == nullptr || !node->is_mapping() ? std::nullopt : std::optional(Addition{node->find(name), name, std::move(item)});
  }

  std::optional<Addition> address() {
    const auto* cidr = nearest_.peer ? std::get_if<ir::CidrPeer>(&resolved_->peers[*nearest_.peer].matcher) : nullptr;
    if (cidr == nullptr || !asked_.peer.address || cidr->prefix.contains(*asked_.peer.address)) return std::nullopt;
    const std::string quote = asked_.peer.address->v6 ? "\"" : "";
    const std::string range = quote + IpPrefix::host(*asked_.peer.address).to_string() + quote, side = rule_.direction == ir::Direction::Ingress ? "from" : "to";
    if (!of_cilium()) return listed_at(rule_.where, side, "ipBlock: {cidr: " + range + "}");
    return cidr->in_set ? into(side + "CIDRSet", "cidr: " + range) : into(side + "CIDR", range);
  }

  // The near selector once more, for the other namespace.
  std::optional<Addition> other_namespace() {
    const auto* selector = nearest_.peer ? std::get_if<ir::Selector>(&resolved_->peers[*nearest_.peer].matcher) : nullptr;
    if (selector == nullptr) return std::nullopt;
    std::string labels;
    for (const ir::Requirement& one : selector->requirements) {
      if (one.key == kNamespaceKey || one.key == kClusterKey) continue;
      if (one.op != ir::Operator::In || one.values.size() != 1) return std::nullopt;
      if (one.key.starts_with("io.cilium.k8s.")) return std::nullopt;
      const bool plain = one.source == "any" || !of_cilium();
      labels += ", " + (plain ? "" : one.source + ":") + one.key + ": " + value(one.values.front());
    }
    if (labels.empty()) return std::nullopt;  // a whole namespace is more than was asked for
    for (const ir::Label& label : asked_.inspection.labels)
      if (label.key == kNamespaceKey) return selected(value(label.value), labels);
    return std::nullopt;
  }

  std::optional<Addition> selected(const std::string& ns, const std::string& labels) {
    const std::string side = rule_.direction == ir::Direction::Ingress ? "from" : "to";
    if (of_cilium()) return into(side + "Endpoints", "matchLabels: {k8s:" + std::string(kNamespaceKey) + ": " + ns + labels + "}");
    return listed_at(rule_.where, side, "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: " + ns + "}}, podSelector: {matchLabels: {" + labels.substr(2) + "}}}");
  }

  // What a plain scalar would not be a string as is quoted.
  static std::string value(const std::string& text) {
    const bool plain = !text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0 && text.size() > 5;
    return plain ? text : "\"" + text + "\"";
  }

  std::optional<Addition> port() {
    if (!nearest_.port) return std::nullopt;
    const ir::PortMatch* near = resolved_->ports[*nearest_.port].match;
    for (const ir::PortRule& item : rule_.ports)
      for (const ir::PortMatch& match : item.ports)
        if (&match == near) return beside(item, match);
    return std::nullopt;
  }

  static bool is_icmp(ir::Protocol protocol) { return protocol == ir::Protocol::Icmp || protocol == ir::Protocol::Icmpv6; }

  std::optional<Addition> beside(const ir::PortRule& item, const ir::PortMatch& match) {
    const ir::Flow flow = asked_.flow;
    if (item.l7.redirects() || is_icmp(match.protocol) != is_icmp(flow.protocol)) return std::nullopt;
    const std::string number = std::to_string(flow.number);
    if (is_icmp(flow.protocol)) return listed_at(item.where, "fields", "{type: " + number + ", family: " + (flow.protocol == ir::Protocol::Icmp ? "IPv4" : "IPv6") + "}");
    const std::string protocol = ", protocol: " + std::string(ir::to_string(flow.protocol)) + "}";
    if (!of_cilium()) return listed_at(rule_.where, "ports", "{port: " + number + protocol);
    return listed_at(item.where, "ports", "{port: \"" + number + "\"" + protocol);
  }

  std::optional<Addition> listed_at(Span place, std::string name, std::string item) {
    const Node* node = places_.node_at(place);
    return node == nullptr || !node->is_mapping() ? std::nullopt : std::optional(Addition{node->find(name), name, std::move(item)});
  }

  std::optional<Fix> placed(const Addition& addition) const {
    const SourceManager& sources = places_.sources();
    const Span list = addition.list->span, last = addition.list->items.back().span;
    const std::string_view text = sources.text(list.file);
    Fix out{sources.path(list.file), sources.locate(list.file, list.begin).line, true, addition.name, 0, addition.item};
    if (text[list.begin] == '[') {
      if (!out.yaml.starts_with("{") && out.yaml.find(": ") != std::string::npos) out.yaml = "{" + out.yaml + "}";
      return out;
    }
    const std::size_t dash = text.rfind('-', last.begin);
    if (dash == std::string_view::npos || last.end == last.begin) return std::nullopt;
    const std::uint32_t line = sources.locate(list.file, last.end - 1).line;
    return Fix{out.file, line, false, addition.name, sources.locate(list.file, static_cast<std::uint32_t>(dash)).column - 1, "- " + addition.item};
  }

  const Nearest& nearest_;
  const Asked& asked_;
  lint::Places& places_;
  const ir::Policy& policy_;
  const ir::Rule& rule_;
  const ir::eval::ResolvedRule* resolved_ = nullptr;
};

}  // namespace

std::optional<Fix> fix_of(const Nearest& nearest, const Asked& asked, const ir::PolicySet& policies, lint::Places& places) {
  return Fixer(nearest, asked, policies, places).fix();
}

std::string to_text(const Fix& fix) {
  if (fix.inside_list) return "help: to allow it, add to the list of `" + fix.list + "` on line " + std::to_string(fix.line) + " of " + fix.file + "\n" + std::string(10, ' ') + fix.yaml + "\n";
  return "help: to allow it, add below line " + std::to_string(fix.line) + " of " + fix.file + "\n" + std::string(fix.indent, ' ') + fix.yaml + "\n";
}

}  // namespace netpolc::explain
