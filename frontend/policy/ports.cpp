#include <charconv>

#include "frontend/policy/parts.h"

namespace netpolc::frontend::policy {
namespace {

// IANA service name syntax (section 1.6): at least one letter, at most 15 of [a-zA-Z0-9-],
// no hyphen at either end, no two in a row.
bool is_service_name(std::string_view text) {
  if (text.empty() || text.size() > 15 || text.front() == '-' || text.back() == '-') return false;
  bool letter = false, hyphen = false;
  for (const unsigned char c : text) {
    if (c == '-') {
      if (hyphen) return false;
      hyphen = true;
      continue;
    }
    hyphen = false;
    if (!std::isalnum(c)) return false;
    letter |= std::isalpha(c) != 0;
  }
  return letter;
}

// As Go's ParseUint(text, 0, 16): a leading zero means octal, `_` may separate digits.
std::optional<std::uint16_t> parse_number(std::string_view text) {
  std::string digits;
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    base = 8;
    text.remove_prefix(1);
    if (!text.empty() && (text[0] == 'o' || text[0] == 'O')) text.remove_prefix(1);
  }
  bool separator = true;
  for (const char c : text) {
    if (c == '_') {
      if (separator && base == 10) return std::nullopt;
      separator = true;
      continue;
    }
    separator = false;
    digits += c;
  }
  if (digits.empty() || separator) return std::nullopt;
  unsigned long value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size() || value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

struct NamedProtocol {
  std::string_view name;
  ir::Protocol protocol;
  int since;
};
constexpr NamedProtocol kProtocols[] = {
    {"TCP", ir::Protocol::Tcp, 16},   {"UDP", ir::Protocol::Udp, 16},   {"SCTP", ir::Protocol::Sctp, 16}, {"ANY", ir::Protocol::Any, 16},
    {"VRRP", ir::Protocol::Vrrp, 19}, {"IGMP", ir::Protocol::Igmp, 19}, {"GRE", ir::Protocol::Gre, 20},   {"IPIP", ir::Protocol::Ipip, 20},
    {"IPV6", ir::Protocol::Ipv6, 20}, {"ESP", ir::Protocol::Esp, 20},   {"AH", ir::Protocol::Ah, 20}};

bool extended(ir::Protocol protocol) {
  return protocol >= ir::Protocol::Vrrp;
}

ir::Protocol read_protocol(Judge& judge, const Value& item) {
  const auto at = judge.field(item, "protocol");
  if (!at) return ir::Protocol::Any;
  const auto* text = judge.string(*at);
  if (!text) return ir::Protocol::Any;
  std::vector<std::string_view> known;
  for (const auto& p : kProtocols) {
    if (p.since > judge.config.version) continue;
    if (p.name == *text) return p.protocol;
    known.push_back(p.name);
  }
  if (*text == "ICMP" || *text == "ICMPv6" || *text == "ICMPV6") {
    judge.error(DiagKind::UnknownProtocol, *at, quote(*text) + " cannot be used in `toPorts`", "write `icmps` instead");
    return ir::Protocol::Any;
  }
  judge.one_of(*at, *text, known, DiagKind::UnknownProtocol);
  return ir::Protocol::Any;
}

std::optional<ir::PortMatch> read_port(Judge& judge, const Value& item) {
  judge.known_fields(item, {"port", "endPort", "protocol"});
  const auto protocol = read_protocol(judge, item);
  const auto end = judge.integer_field(item, "endPort");
  if (end && (*end < 0 || *end > 65535))
    judge.error(DiagKind::PortOutOfRange, *judge.field(item, "endPort"), "`endPort` " + std::to_string(*end) + " is out of range", "ports are 0 to 65535");
  auto port = judge.field(item, "port");
  const bool portless = judge.config.extended_protocols && judge.config.version >= 19;
  if (!port || ((*port)->is_string() && (*port)->text.empty())) {
    if (portless) return ir::PortMatch{protocol, 0, 0, ""};
    if (!port) port = judge.required(item, "port");
    else judge.error(DiagKind::PortSyntax, *port, "`port` is empty", "write \"0\" for every port");
    return std::nullopt;
  }
  const auto* text = judge.string(*port);
  if (!text) return std::nullopt;
  auto match = parse_port(judge, *port, *text);
  if (!match) return std::nullopt;
  match->protocol = protocol;
  if (extended(protocol) && (!portless || match->first != 0 || !match->name.empty()))
    judge.agent_error(DiagKind::UnknownProtocol, *port, "an IP protocol without ports cannot have one here",
                      portless ? "leave `port` out" : "needs `enable-extended-ip-protocols`");
  if (end && *end >= 0 && *end <= 65535) {
    const auto last = static_cast<std::uint16_t>(*end);
    if (!match->name.empty()) match->last = last;
    else if (last > match->first && !(match->first == 0 && judge.config.version >= 20)) match->last = last;
  }
  return match;
}

}  // namespace

std::optional<ir::PortMatch> parse_port(Judge& judge, const Value& at, std::string_view text) {
  ir::PortMatch match;
  if (is_service_name(text)) {
    for (const char c : text) match.name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return match;
  }
  if (const auto number = parse_number(text)) {
    match.first = match.last = *number;
    return match;
  }
  if (all_digits(text) && text[0] != '0')
    judge.error(DiagKind::PortOutOfRange, at, "port " + std::string(text) + " is out of range", "ports are 0 to 65535");
  else
    judge.error(DiagKind::PortSyntax, at, quote(text) + " is neither a port number nor a port name",
                "a number from 0 to 65535, or a name of at most 15 letters, digits and single hyphens");
  return std::nullopt;
}

void read_ports(Judge& judge, const Value& element, const ElementContext& context, ir::Rule& rule) {
  const bool allow = context.action == ir::Action::Allow;
  bool any_item = false, any_icmp = false;
  judge.each_mapping(element, "toPorts", [&](const Value& item) {
    any_item = true;
    if (allow) judge.known_fields(item, {"ports", "rules", "terminatingTLS", "originatingTLS", "serverNames", "listener"});
    else judge.known_fields(item, {"ports"});
    ir::PortRule out;
    out.where = item.span();
    // The schema limits allow rules; for deny rules the agent does.
    judge.limit_items(item, "ports", 40, DiagKind::TooManyPorts, !allow);
    judge.each_mapping(item, "ports", [&](const Value& port) {
      if (auto match = read_port(judge, port)) out.ports.push_back(std::move(*match));
    });
    if (allow) out.l7 = read_l7(judge, item, context, out.ports);
    rule.ports.push_back(std::move(out));
  });
  judge.each_mapping(element, "icmps", [&](const Value& item) {
    any_icmp = true;
    ir::PortRule out;
    out.where = item.span();
    out.ports = read_icmp_fields(judge, item);
    rule.ports.push_back(std::move(out));
  });
  if (any_item && any_icmp)
    judge.agent_error(DiagKind::IcmpWithPorts, *judge.field(element, "icmps"), "`icmps` cannot be combined with `toPorts`",
                      "write two entries: they add up");
  if (any_icmp && !judge.config.icmp_rules)
    judge.agent_error(DiagKind::IcmpOff, *judge.field(element, "icmps"), "`icmps` needs `enable-icmp-rules`");
  rule.any_l4 = !any_item && !any_icmp;
}

}  // namespace netpolc::frontend::policy
