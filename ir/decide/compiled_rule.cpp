#include "ir/decide/compiled_rule.h"

#include <algorithm>

namespace netpolc::ir {
namespace {

std::vector<Protocol> expanded(Protocol protocol) {
  if (protocol != Protocol::Any) return {protocol};
  return {Protocol::Tcp, Protocol::Udp, Protocol::Sctp};
}

void add_filters(const PortRule& rule, std::vector<RuleFilter>& out) {
  for (const PortMatch& match : rule.ports) {
    for (Protocol protocol : expanded(match.protocol)) {
      const bool every = match.name.empty() && match.first == 0 && match.last == 0;
      const auto last = every ? std::uint16_t{65535} : match.last;
      out.push_back({{false, protocol, match.first, last, match.name}, &rule.l7});
    }
  }
}

std::string port_text(const Filter& filter) {
  if (filter.all) return "all traffic";
  const std::string protocol = protocol_name(filter.protocol);
  if (!filter.name.empty()) return filter.name + (filter.last ? "-" + std::to_string(filter.last) : "") + "/" + protocol;
  if (filter.first == 0 && filter.last == 65535) return "*/" + protocol;
  return std::to_string(filter.first) + (filter.last > filter.first ? "-" + std::to_string(filter.last) : "") + "/" + protocol;
}

// Names and values come from users: lengths keep fields apart, so that equal texts mean equal rules.
void field(std::string& out, const char* name, const std::string& value) {
  if (!value.empty()) out += std::string(" ") + name + ":" + std::to_string(value.size()) + "=" + value;
}

std::string tls_text(const char* name, const TlsContext& tls) {
  std::string out;
  field(out, "ns", tls.secret_namespace);
  field(out, "secret", tls.secret_name);
  field(out, "ca", tls.trusted_ca);
  field(out, "certificate", tls.certificate);
  field(out, "key", tls.private_key);
  return std::string(" ") + name + " {" + out + "}";
}

std::string http_text(const HttpRule& rule) {
  std::string out;
  field(out, "method", rule.method);
  field(out, "path", rule.path);
  field(out, "host", rule.host);
  for (const std::string& header : rule.headers) field(out, "header", header);
  for (const HeaderMatch& match : rule.header_matches) {
    out += " match {";
    field(out, "name", match.name);
    field(out, "value", match.value);
    field(out, "secret-ns", match.secret_namespace);
    field(out, "secret", match.secret_name);
    field(out, "mismatch", match.mismatch);
    out += "}";
  }
  return " {" + out + "}";
}

template <class List, class F>
std::string sorted_texts(const List& list, F&& text) {
  std::vector<std::string> texts;
  for (const auto& item : list) texts.push_back(text(item));
  std::sort(texts.begin(), texts.end());
  std::string out;
  for (const std::string& item : texts) out += item;
  return out;
}

std::string kafka_text(const KafkaRule& rule) {
  std::string out;
  field(out, "role", rule.role);
  field(out, "key", rule.api_key);
  field(out, "version", rule.api_version);
  field(out, "client", rule.client_id);
  field(out, "topic", rule.topic);
  return " {" + out + "}";
}

std::string generic_text(const GenericRule& rule) {
  std::string out;
  for (const auto& [key, value] : rule) {
    field(out, "key", key);
    field(out, "value", value);
  }
  return " {" + out + "}";
}

std::string l7_text(const L7& l7) {
  std::string out = l7_name(l7);
  out += sorted_texts(l7.http, http_text);
  out += sorted_texts(l7.dns, [](const DnsRule& rule) {
    std::string text;
    field(text, "name", rule.match_name);
    field(text, "pattern", rule.match_pattern);
    return " {" + text + "}";
  });
  out += sorted_texts(l7.kafka, kafka_text);
  out += sorted_texts(l7.generic, generic_text);
  for (const std::string& name : l7.server_names) field(out, "sni", name);
  if (l7.terminating_tls) out += tls_text("terminating", *l7.terminating_tls);
  if (l7.originating_tls) out += tls_text("originating", *l7.originating_tls);
  if (l7.listener) {
    field(out, "listener", l7.listener->name);
    field(out, "of", l7.listener->kind + " " + l7.listener->config_namespace + "/" + l7.listener->config_name);
    out += " priority " + std::to_string(l7.listener->priority) + (l7.listener->unusable ? " unusable" : "");
  }
  return out;
}

std::string level_text(const Level& level) {
  if (level.tier == Tier::Normal) return "";
  return std::string(level.tier == Tier::Admin ? "admin " : "baseline ") + std::to_string(level.priority) + "[" + std::to_string(level.order) + "]: ";
}

std::string rule_text(const CompiledRule& rule, Direction direction, const Conditions& conditions) {
  std::vector<std::string> peers, filters;
  for (ConditionId peer : rule.peers) peers.push_back(conditions[peer].text);
  for (const RuleFilter& filter : rule.filters)
    filters.push_back(port_text(filter.filter) + (filter.l7 && filter.l7->redirects() ? " " + l7_text(*filter.l7) : ""));
  for (auto* list : {&peers, &filters}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  static constexpr const char* actions[] = {"allow ", "deny ", "pass "};
  std::string out = level_text(rule.level) + actions[static_cast<int>(rule.action)];
  out += direction == Direction::Ingress ? "from " : "to ";
  for (std::size_t i = 0; i < peers.size(); ++i) out += (i ? " | " : "") + peers[i];
  out += " on ";
  for (std::size_t i = 0; i < filters.size(); ++i) out += (i ? " | " : "") + filters[i];
  if (rule.auth == AuthMode::Disabled) out += " auth disabled";
  if (rule.auth == AuthMode::Required) out += " auth required";
  if (rule.auth == AuthMode::AlwaysFail) out += " auth always-fail";
  return out;
}

}  // namespace

const char* protocol_name(Protocol protocol) { return protocol == Protocol::Any ? "other" : to_string(protocol); }

std::string l7_name(const L7& l7) {
  switch (l7.parser) {
    case L7Parser::Http: return "http";
    case L7Parser::Dns: return "dns";
    case L7Parser::Kafka: return "kafka";
    case L7Parser::Generic: return l7.generic_name;
    case L7Parser::Tls: return "tls";
    case L7Parser::Crd: return "crd";
    case L7Parser::None: break;
  }
  return l7.listener ? "crd" : "tls";
}

CompiledRule compile_rule(const Policy& policy, const Rule& rule, RuleRef ref, Conditions& conditions) {
  CompiledRule out{ref, rule.action, rule.auth, {policy.tier, policy.priority, rule.order}, {}, {}, {}, {}, 0};
  if (rule.peer_kind == PeerKind::Nobody) return out;
  if (rule.any_l4) out.filters.push_back({{true, Protocol::Any, 0, 65535, {}}, nullptr});
  else
    for (const PortRule& ports : rule.ports) add_filters(ports, out.filters);

  bool only_services = !rule.peers.empty();
  for (const Peer& peer : rule.peers) {
    only_services &= std::holds_alternative<ServicePeer>(peer);
    const auto ids = conditions.of(peer, rule.action == Action::Allow);
    out.peers.insert(out.peers.end(), ids.begin(), ids.end());
    const auto* label = std::get_if<LabelPeer>(&peer);
    if (label && label->endpoints) out.endpoint_selectors.push_back(label->selector);
    const auto* service = std::get_if<ServicePeer>(&peer);
    if (service && rule.action == Action::Allow)
      for (Selector& selector : conditions.service_selectors(*service)) out.endpoint_selectors.push_back(std::move(selector));
  }
  // Sections 1.5 step 3 and 1.9: no peers named, or services that resolve to nothing.
  const bool unspecified = rule.peer_kind == PeerKind::Unspecified || (only_services && out.peers.empty());
  if (unspecified && !rule.any_l4) out.peers = {everyone};
  std::sort(out.peers.begin(), out.peers.end());
  out.peers.erase(std::unique(out.peers.begin(), out.peers.end()), out.peers.end());
  if (out.filters.empty() || (unspecified && rule.any_l4)) out.peers.clear();
  if (out.peers.empty()) return out;
  out.text = rule_text(out, rule.direction, conditions);
  return out;
}

}  // namespace netpolc::ir
