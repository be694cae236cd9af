#include <re2/re2.h>

#include <algorithm>
#include <cstdint>

#include "frontend/policy/parts.h"

namespace netpolc::frontend::policy {
namespace {

using ir::L7Parser;

// Go also knows `(?<name>…)`, which older versions of RE2 do not.
std::string with_named_groups(std::string_view pattern) {
  std::string out;
  bool escaped = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    out += pattern[i];
    const bool group = !escaped && pattern.substr(0, i + 1).ends_with("(?") && i + 2 < pattern.size() && pattern[i + 1] == '<' &&
                       pattern[i + 2] != '=' && pattern[i + 2] != '!';
    escaped = !escaped && pattern[i] == '\\';
    if (group) out += 'P';
  }
  return out;
}

void check_regex(Judge& judge, const Value& item, std::string_view key) {
  const auto at = judge.field(item, key);
  if (!at || !(*at)->is_string()) return;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(std::int64_t{64} << 20);  // Go sets no limit of this kind
  const re2::RE2 compiled(with_named_groups((*at)->text), options);
  if (!compiled.ok())
    judge.agent_error(DiagKind::Regex, *at, "`" + std::string(key) + "` is not a regular expression: " + compiled.error(),
                      "RE2 syntax; no lookaround, no back references");
}

ir::HeaderMatch read_header_match(Judge& judge, const Value& item) {
  judge.known_fields(item, {"name", "value", "secret", "mismatch"});
  ir::HeaderMatch out;
  if (const auto name = judge.required(item, "name")) {
    if (const auto* text = judge.string(*name)) {
      out.name = *text;
      if (text->empty()) judge.error(DiagKind::HeaderMatch, *name, "the header's `name` is empty", "name the header");
    }
  }
  out.value = judge.string_field(item, "value").value_or("");
  if (const auto at = judge.field(item, "mismatch")) {
    if (const auto* text = judge.string(*at); text && judge.one_of(*at, *text, {"LOG", "ADD", "DELETE", "REPLACE"}, DiagKind::HeaderMatch)) out.mismatch = *text;
  }
  if (const auto secret = judge.field(item, "secret"); secret && judge.mapping(*secret)) {
    judge.known_fields(*secret, {"name", "namespace"});
    out.secret_namespace = judge.string_field(*secret, "namespace").value_or("");
    if (const auto name = judge.required(*secret, "name"); name && judge.string(*name)) {
      out.secret_name = (*name)->text;
      if (out.secret_name.empty()) judge.agent_error(DiagKind::HeaderMatch, *name, "the secret has no name", "name the secret");
    }
  }
  return out;
}

void read_http(Judge& judge, const Value& rules, ir::L7& l7) {
  judge.each_mapping(rules, "http", [&](const Value& item) {
    judge.known_fields(item, {"path", "method", "host", "headers", "headerMatches"});
    ir::HttpRule out;
    out.path = judge.string_field(item, "path").value_or("");
    out.method = judge.string_field(item, "method").value_or("");
    out.host = judge.string_field(item, "host").value_or("");
    check_regex(judge, item, "path");
    check_regex(judge, item, "method");
    judge.each_string(item, "headers", [&](const Value&, const std::string& text) { out.headers.push_back(text); });
    judge.each_mapping(item, "headerMatches", [&](const Value& match) { out.header_matches.push_back(read_header_match(judge, match)); });
    l7.http.push_back(std::move(out));
  });
}

void read_dns(Judge& judge, const Value& rules, ir::L7& l7) {
  judge.each_mapping(rules, "dns", [&](const Value& item) {
    judge.known_fields(item, {"matchName", "matchPattern"});
    const auto name = judge.field(item, "matchName"), pattern = judge.field(item, "matchPattern");
    if (bool(name) == bool(pattern)) {
      judge.error(DiagKind::FqdnChoice, item, "exactly one of `matchName` and `matchPattern` is required");
      return;
    }
    const auto& given = name ? *name : *pattern;
    const auto* text = judge.string(given);
    if (!text) return;
    judge.limit_length(given, *text, 255);
    if (!is_dns_name(*text, !name))
      judge.error(DiagKind::FqdnSyntax, given, quote(*text) + " is not a DNS " + (name ? "name" : "pattern"), dns_syntax(!name));
    l7.dns.push_back(name ? ir::DnsRule{*text, ""} : ir::DnsRule{"", *text});
  });
}

constexpr std::string_view kKafkaKeys[] = {
    "produce", "fetch", "offsets", "metadata", "leaderandisr", "stopreplica", "updatemetadata", "controlledshutdown",
    "offsetcommit", "offsetfetch", "findcoordinator", "joingroup", "heartbeat", "leavegroup", "syncgroup", "describegroups",
    "listgroups", "saslhandshake", "apiversions", "createtopics", "deletetopics", "deleterecords", "initproducerid",
    "offsetforleaderepoch", "addpartitionstotxn", "addoffsetstotxn", "endtxn", "writetxnmarkers", "txnoffsetcommit",
    "describeacls", "createacls", "deleteacls", "describeconfigs", "alterconfigs"};

std::string lower(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

void check_kafka(Judge& judge, const Value& item, const ir::KafkaRule& rule) {
  static const re2::RE2 version("\\+?0*[0-9]{1,5}"), topic("[a-zA-Z0-9._-]+");
  const auto at = [&](std::string_view key) { return judge.field(item, key).value_or(item); };
  if (!rule.role.empty() && !rule.api_key.empty())
    judge.agent_error(DiagKind::KafkaRule, at("apiKey"), "`role` and `apiKey` exclude each other", "a role stands for a set of API keys");
  if (!rule.api_key.empty() && std::find(std::begin(kKafkaKeys), std::end(kKafkaKeys), lower(rule.api_key)) == std::end(kKafkaKeys))
    judge.agent_error(DiagKind::KafkaRule, at("apiKey"), "unknown Kafka API key " + quote(rule.api_key), "such as `produce` or `fetch`");
  if (!rule.api_version.empty() && (!re2::RE2::FullMatch(rule.api_version, version) || std::stol(rule.api_version) > 32767))
    judge.agent_error(DiagKind::KafkaRule, at("apiVersion"), "Kafka API version " + quote(rule.api_version) + " is out of range", "0 to 32767");
  if (!rule.topic.empty() && !re2::RE2::FullMatch(rule.topic, topic))
    judge.agent_error(DiagKind::KafkaRule, at("topic"), quote(rule.topic) + " is not a Kafka topic", "letters, digits, `.`, `_` and `-`");
}

void read_kafka(Judge& judge, const Value& rules, ir::L7& l7) {
  judge.each_mapping(rules, "kafka", [&](const Value& item) {
    judge.known_fields(item, {"role", "apiKey", "apiVersion", "clientID", "topic"});
    ir::KafkaRule out;
    if (const auto at = judge.field(item, "role")) {
      if (const auto* text = judge.string(*at); text && judge.one_of(*at, *text, {"produce", "consume"}, DiagKind::KafkaRule)) out.role = *text;
    }
    out.api_key = judge.string_field(item, "apiKey").value_or("");
    out.api_version = judge.string_field(item, "apiVersion").value_or("");
    out.client_id = judge.string_field(item, "clientID").value_or("");
    out.topic = judge.string_field(item, "topic").value_or("");
    if (const auto at = judge.field(item, "topic")) judge.limit_length(*at, out.topic, 255);
    check_kafka(judge, item, out);
    l7.kafka.push_back(std::move(out));
  });
}

void read_generic(Judge& judge, const Value& rules, ir::L7& l7) {
  l7.generic_name = judge.string_field(rules, "l7proto").value_or("");
  judge.each_mapping(rules, "l7", [&](const Value& item) {
    judge.string_map(item);
    ir::GenericRule out;
    for (const auto& [key, value] : item->entries) {
      if (key.text.empty()) judge.agent_error(DiagKind::GenericRule, Value(item, key.text, key), "an `l7` rule has an empty key", "name the field to match");
      out[key.text] = value.text;
    }
    l7.generic.push_back(std::move(out));
  });
}

// Whether the agent sees rules; `l7proto` alone is none, so that what rules exclude goes with it.
bool has_rules(const ir::L7& l7) {
  return !l7.http.empty() || !l7.dns.empty() || !l7.kafka.empty() || !l7.generic.empty();
}

// Also an empty `l7` list is one too many, but only beside rules that the agent looks at.
void check_generic(Judge& judge, const Value& rules, const ir::L7& l7) {
  const auto at = judge.field(rules, "l7");
  if (at && l7.generic_name.empty() && has_rules(l7))
    judge.agent_error(DiagKind::GenericRule, at->named(), "`l7` without `l7proto`", "`l7proto` names the parser of these rules");
}

// Exactly one protocol (section 1.7). Kafka and l7proto left the schema with 1.20.
void read_rules(Judge& judge, const Value& item, ir::L7& l7) {
  const auto rules = judge.field(item, "rules");
  if (!rules || !judge.mapping(*rules)) return;
  std::vector<std::string_view> known = {"http", "dns"};
  if (judge.config.version < 20) known.insert(known.end(), {"kafka", "l7proto", "l7"});
  judge.known_fields(*rules, known);
  int protocols = 0;
  for (const auto key : known)
    if (key != "l7") protocols += judge.has(*rules, key);
  if (protocols != 1) {
    judge.error(DiagKind::L7Protocol, rules->named(), "`rules` must name exactly one protocol", "one of `http`, `dns`" + std::string(judge.config.version < 20 ? ", `kafka`, `l7proto`" : ""));
    return;
  }
  read_http(judge, *rules, l7);
  read_dns(judge, *rules, l7);
  if (judge.config.version < 20) {
    read_kafka(judge, *rules, l7);
    read_generic(judge, *rules, l7);
    check_generic(judge, *rules, l7);
  }
  l7.parser = !l7.http.empty()    ? L7Parser::Http
              : !l7.dns.empty()   ? L7Parser::Dns
              : !l7.kafka.empty() ? L7Parser::Kafka
              : !l7.generic_name.empty() ? L7Parser::Generic
                                         : L7Parser::None;
}

std::optional<ir::TlsContext> read_tls(Judge& judge, const Value& item, std::string_view key) {
  const auto tls = judge.field(item, key);
  if (!tls || !judge.mapping(*tls)) return std::nullopt;
  judge.known_fields(*tls, {"secret", "trustedCA", "certificate", "privateKey"});
  ir::TlsContext out;
  out.trusted_ca = judge.string_field(*tls, "trustedCA").value_or("");
  out.certificate = judge.string_field(*tls, "certificate").value_or("");
  out.private_key = judge.string_field(*tls, "privateKey").value_or("");
  if (const auto secret = judge.required(*tls, "secret"); secret && judge.mapping(*secret)) {
    judge.known_fields(*secret, {"name", "namespace"});
    out.secret_namespace = judge.string_field(*secret, "namespace").value_or("");
    if (const auto name = judge.required(*secret, "name"); name && judge.string(*name)) out.secret_name = (*name)->text;
  }
  return out;
}

void read_server_names(Judge& judge, const Value& item, ir::L7& l7) {
  static const re2::RE2 leading("(\\*\\*?\\.)?([-a-zA-Z0-9_]+[.]?)+"), anywhere("([-a-zA-Z0-9_*]+[.]?)+");
  const auto list = judge.field(item, "serverNames");
  if (list && (*list)->is_sequence() && (*list)->items.empty())
    judge.error(DiagKind::ServerNames, *list, "`serverNames` is empty", "leave it out to allow every name");
  judge.each_string(item, "serverNames", [&](const Value& at, const std::string& text) {
    judge.limit_length(at, text, 255);
    if (!re2::RE2::FullMatch(text, judge.config.version >= 20 ? anywhere : leading))
      judge.error(DiagKind::ServerNames, at, quote(text) + " is not a server name", "a DNS name; a wildcard only as a leading `*.`");
    if (std::find(l7.server_names.begin(), l7.server_names.end(), text) != l7.server_names.end())
      judge.error(DiagKind::ServerNames, at, "server name " + quote(text) + " is given twice", "remove one of them");
    l7.server_names.push_back(text);
  });
  std::sort(l7.server_names.begin(), l7.server_names.end());
}

std::optional<ir::Listener> read_listener(Judge& judge, const Value& item) {
  const auto at = judge.field(item, "listener");
  if (!at || !judge.mapping(*at)) return std::nullopt;
  judge.known_fields(*at, {"envoyConfig", "name", "priority"});
  ir::Listener out;
  if (const auto name = judge.required(*at, "name"); name && judge.string(*name)) {
    out.name = (*name)->text;
    if (out.name.empty()) judge.error(DiagKind::ListenerRule, *name, "the listener's `name` is empty", "name the listener");
  }
  if (const auto config = judge.required(*at, "envoyConfig"); config && judge.mapping(*config)) {
    judge.known_fields(*config, {"kind", "name"});
    out.kind = judge.ns.empty() ? "CiliumClusterwideEnvoyConfig" : "CiliumEnvoyConfig";
    if (const auto kind = judge.field(*config, "kind"); kind && judge.string(*kind)) {
      if (judge.one_of(*kind, (*kind)->text, {"CiliumEnvoyConfig", "CiliumClusterwideEnvoyConfig"}, DiagKind::ListenerRule)) out.kind = (*kind)->text;
    }
    if (const auto name = judge.required(*config, "name"); name && judge.string(*name)) {
      out.config_name = (*name)->text;
      if (out.config_name.empty()) judge.error(DiagKind::ListenerRule, *name, "the `name` of `envoyConfig` is empty", "name the object that has the listener");
    }
    if (out.kind == "CiliumEnvoyConfig") out.config_namespace = judge.ns;
    out.unusable = judge.ns.empty() && out.kind == "CiliumEnvoyConfig";
  }
  if (const auto priority = judge.integer_field(*at, "priority")) {
    if (*priority < 1 || *priority > 100)
      judge.error(DiagKind::ListenerRule, *judge.field(*at, "priority"), "listener priority " + std::to_string(*priority) + " is out of range", "1 to 100");
    else out.priority = static_cast<std::uint16_t>(*priority);
  }
  return out;
}

void check_dns(Judge& judge, const Value& rules, const ElementContext& context, const std::vector<ir::PortMatch>& ports) {
  if (context.direction == ir::Direction::Ingress)
    judge.agent_error(DiagKind::L7Place, rules, "`dns` rules are not allowed on ingress", "they belong to the client's egress");
  if (ports.empty()) judge.agent_error(DiagKind::L7Place, rules, "`dns` rules need a port", "usually `{port: \"53\", protocol: ANY}`");
  for (const auto& port : ports)
    if (port.last > port.first && port.name.empty()) judge.agent_error(DiagKind::L7Place, rules, "`dns` rules cannot have a port range", "leave `endPort` out");
}

// Rules of all protocols but DNS: each port must say TCP.
void check_tcp(Judge& judge, const Value& item) {
  const auto ports = judge.field(item, "ports");
  if (!ports || !(*ports)->is_sequence()) return;
  for (std::size_t i = 0; i < (*ports)->items.size(); ++i) {
    const Value port(*ports, i, (*ports)->items[i]);
    if (!port->is_mapping()) continue;
    const auto protocol = judge.field(port, "protocol");
    if (!protocol) judge.agent_error(DiagKind::L7Place, port, "L7 rules need `protocol: TCP` on every port", "omitted means ANY");
    else if ((*protocol)->text != "TCP")
      judge.agent_error(DiagKind::L7Place, *protocol, "L7 rules need `protocol: TCP` on every port", "only `dns` rules allow others");
  }
}

void check_place(Judge& judge, const Value& item, const ElementContext& context, const ir::L7& l7, const std::vector<ir::PortMatch>& ports) {
  const auto rules = judge.field(item, "rules").value_or(item).named();
  const bool dns = !l7.dns.empty();
  if (!judge.config.l7_proxy && has_rules(l7))
    judge.agent_error(DiagKind::L7Place, rules, "L7 rules need `enable-l7-proxy`", "set it in `cilium-config`");
  if (context.subject_is_node && has_rules(l7) && (context.direction == ir::Direction::Ingress || !dns))
    judge.agent_error(DiagKind::L7Place, rules, "L7 rules are not allowed for nodes", "only `dns` on egress is");
  if (dns) check_dns(judge, rules, context, ports);
  if (!has_rules(l7)) return;
  if (!dns) check_tcp(judge, item);
  for (const auto& port : ports) {
    if (port.name.empty() && port.first == 0) judge.agent_error(DiagKind::L7Place, rules, "L7 rules cannot be used with port \"0\"", "name the ports of the service");
  }
}

}  // namespace

ir::L7 read_l7(Judge& judge, const Value& item, const ElementContext& context, const std::vector<ir::PortMatch>& ports) {
  ir::L7 l7;
  read_rules(judge, item, l7);
  l7.terminating_tls = read_tls(judge, item, "terminatingTLS");
  l7.originating_tls = read_tls(judge, item, "originatingTLS");
  read_server_names(judge, item, l7);
  l7.listener = read_listener(judge, item);
  check_place(judge, item, context, l7, ports);
  if (!l7.server_names.empty() && has_rules(l7) && !l7.terminating_tls)
    judge.agent_error(DiagKind::ServerNames, judge.field(item, "serverNames")->named(), "`serverNames` with L7 rules need `terminatingTLS`", "without it the requests are encrypted");
  if (l7.listener) {
    const auto at = judge.field(item, "listener")->named();
    if (context.direction == ir::Direction::Ingress) judge.agent_error(DiagKind::ListenerRule, at, "`listener` is not allowed on ingress", "only egress traffic can be sent to one");
    if (has_rules(l7)) judge.agent_error(DiagKind::ListenerRule, at, "`listener` cannot be combined with L7 rules", "the listener has its own");
  }
  return l7;
}

}  // namespace netpolc::frontend::policy
