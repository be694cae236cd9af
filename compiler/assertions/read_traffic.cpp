// The traffic of tests and targets, and requests over it.
#include <re2/re2.h>

#include <algorithm>
#include <cctype>

#include "compiler/assertions/read_test_item.h"
#include "compiler/queries.h"
#include "frontend/policy/object.h"

namespace netpolc::compiler::assertions {

using frontend::policy::quote;

namespace {

std::string shown(const Node& node) { return node.is_scalar() ? quote(node.text) : "this"; }

std::optional<std::string> protocol_word(const Node& protocol, const Fields& fields) {
  if (protocol.is_scalar())
    if (const auto known = parse_protocol(protocol.text); known && *known != ir::Protocol::Icmp && *known != ir::Protocol::Icmpv6) return std::string(ir::to_string(*known));
  return fields.word(protocol, {"TCP", "UDP", "SCTP"});
}

std::optional<verify::FlowRange> port(const Node& item, const Node& around, const Fields& fields) {
  std::string text = item.is_scalar() ? item.text : "";
  if (text == "any" && !fields.has(around, "protocol")) return verify::FlowRange{};
  if (const Node* protocol = fields.value(around, "protocol"); protocol != nullptr && text.find('/') == std::string::npos) {
    const auto word = protocol_word(*protocol, fields);
    if (!word) return std::nullopt;
    text = (text == "any" ? "0-65535" : text) + "/" + *word;
  }
  if (const auto range = parse_port_range(text)) return range;
  fields.error(DiagKind::TestValue, item.span, shown(item) + " is no port", "expected a number to 65535 or a range, with TCP, UDP or SCTP if need be (53/UDP), or `any`");
  return std::nullopt;
}

std::optional<verify::FlowRange> type(const Node& item, bool v6, const Fields& fields) {
  if (const auto flow = item.is_scalar() ? parse_icmp(item.text, v6) : std::nullopt) return verify::FlowRange{flow->protocol, flow->number, flow->number};
  fields.error(DiagKind::TestValue, item.span, shown(item) + " is no ICMP type", "expected a type, such as EchoRequest, or its number to 255");
  return std::nullopt;
}

// ---- requests -----------------------------------------------------------------------------------------

bool is_name(const std::string& text, bool pattern) {
  return std::all_of(text.begin(), text.end(), [&](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || (pattern && c == '*'); });
}

// A method, a path or a host: a text, or an expression.
std::string part(const Node& http, const char* key, bool patterns, const char* otherwise, const Fields& fields) {
  const auto text = fields.text(http, key);
  if (!text) return patterns ? ".*" : otherwise;
  const Span where = fields.value(http, key)->span;
  if (patterns) {
    if (const re2::RE2 expression(*text, re2::RE2::Quiet); !expression.ok()) fields.error(DiagKind::TestValue, where, quote(*text) + " is no regular expression", expression.error());
  } else if (text->find(' ') != std::string::npos || (std::string_view(key) == "path" && !text->starts_with('/'))) {
    fields.error(DiagKind::TestValue, where, quote(*text) + " is no " + key + " of a request", std::string_view(key) == "path" ? "expected /path" : "expected one word");
  }
  return *text;
}

void read_http(const Node& http, bool patterns, const Fields& fields, RequestOptions& out) {
  if (!fields.mapping(http, "`http`")) return;
  fields.known(http, {"method", "path", "host", "headers"});
  out.http = part(http, "method", patterns, "GET", fields) + " " + part(http, "path", patterns, "/", fields);
  if (fields.has(http, "host")) out.host = part(http, "host", patterns, "", fields);
  const Node* headers = fields.value(http, "headers");
  if (headers == nullptr || !fields.mapping(*headers, "`headers`")) return;
  for (const auto& [name, value] : headers->entries)
    if (const auto text = fields.text(value)) out.headers.push_back(name.text + ": " + *text);
}

}  // namespace

std::vector<verify::FlowRange> read_traffic(const Node& node, const Fields& fields) {
  std::vector<verify::FlowRange> out;
  std::string said;
  for (const char* key : {"port", "ports", "icmp", "icmpv6"}) {
    const Node* value = fields.value(node, key);
    if (value == nullptr) continue;
    if (!said.empty()) {
      fields.error(DiagKind::TestFieldChoice, fields.place(node, key), "both `" + said + "` and `" + key + "`", "make it two tests, or one list of ports");
      return out;
    }
    said = key;
    for (const Node* item : fields.one_or_more(*value))
      if (auto range = said.starts_with("icmp") ? type(*item, said == "icmpv6", fields) : port(*item, node, fields)) out.push_back(*range);
  }
  if (!said.starts_with("port") && fields.has(node, "protocol"))
    fields.error(DiagKind::TestFieldChoice, fields.place(node, "protocol"), "`protocol` without `port`", "it says which protocol ports are of");
  return out;
}

RequestOptions read_request(const Node& node, bool patterns, const Fields& fields) {
  RequestOptions out;
  const char* said = nullptr;
  for (const char* key : {"http", "dns", "sni"}) {
    const Node* value = fields.value(node, key);
    if (value == nullptr) continue;
    if (said != nullptr) {
      fields.error(DiagKind::TestFieldChoice, fields.place(node, key), std::string("both `") + said + "` and `" + key + "`", "a test is about one kind of requests");
      return {};
    }
    said = key;
    const std::size_t before = fields.errors();
    if (*key == 'h') {
      read_http(*value, patterns, fields, out);
    } else if (const auto name = fields.text(*value)) {
      (*key == 'd' ? out.dns : out.sni) = *name;
      if (!is_name(*name, patterns)) fields.error(DiagKind::TestValue, value->span, quote(*name) + " is no name", "expected a name, such as www.example.com");
    }
    if (fields.errors() != before) return {};
    // What only the engines see.
    const std::string problem = patterns ? (requests_of(out) ? "" : requests_of(out).error()) : request_of(out) ? "" : request_of(out).error();
    if (problem.empty()) continue;
    fields.error(DiagKind::TestValue, value->span, "this is no such request", problem.starts_with("--") ? problem.substr(2) : problem);
    return {};
  }
  return out;
}

}  // namespace netpolc::compiler::assertions
