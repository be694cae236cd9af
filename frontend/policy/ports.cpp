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

char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The base that Go's ParseUint(text, 0, …) finds; takes the prefix from `text`, but not the
// zero that alone means octal.
int take_base(std::string_view& text) {
  if (text.size() < 2 || text[0] != '0') return 10;
  const char letter = lower_case(text[1]);
  const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
  if (base == 0) return 8;
  text.remove_prefix(2);
  return base;
}

// As Go's ParseUint(text, 0, 16): prefixes and leading zeros choose the base, `_` separates digits.
std::optional<std::uint16_t> parse_number(std::string_view text) {
  const std::size_t size = text.size();
  const int base = take_base(text);
  std::string digits;
  bool after_digit = text.size() < size;  // an underscore may follow the prefix
  for (const char c : text) {
    if (c == '_') {
      if (!after_digit) return std::nullopt;
      after_digit = false;
      continue;
    }
    after_digit = true;
    digits += c;
  }
  if (digits.empty() || !after_digit) return std::nullopt;
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
    judge.error(DiagKind::UnknownProtocol, *at, quote(*text) + " cannot be used in `toPorts`", "use `icmps` in an entry of its own");
    return ir::Protocol::Any;
  }
  judge.one_of(*at, *text, known, DiagKind::UnknownProtocol);
  return ir::Protocol::Any;
}

// What a port list entry becomes when its port has been read: sections 1.6 and 11.
void warn_octal(Judge& judge, const Value& at, std::string_view text, const ir::PortMatch& match) {
  if (!match.name.empty() || text.size() < 2 || text[0] != '0' || match.first == 0) return;
  judge.warning(DiagKind::OctalPort, at, "port " + quote(text) + " is port " + std::to_string(match.first), "a leading zero means octal",
                "\"" + std::to_string(match.first) + "\"");
}

std::optional<ir::PortMatch> read_port(Judge& judge, const Value& item) {
  judge.known_fields(item, {"port", "endPort", "protocol"});
  const auto protocol = read_protocol(judge, item);
  const auto end = read_end_port(judge, item);
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
  warn_octal(judge, *port, *text, *match);
  if (extended(protocol) && (!portless || match->first != 0 || !match->name.empty()))
    judge.agent_error(DiagKind::UnknownProtocol, *port, "an IP protocol without ports cannot have one here",
                      portless ? "leave `port` out" : "needs `enable-extended-ip-protocols`");
  if (end) set_end_port(judge, *judge.field(item, "endPort"), *end, *match);
  return match;
}

}  // namespace

std::optional<std::uint16_t> read_end_port(Judge& judge, const Value& item) {
  const auto end = judge.integer_field(item, "endPort");
  if (!end) return std::nullopt;
  if (*end >= 0 && *end <= 65535) return static_cast<std::uint16_t>(*end);
  judge.error(DiagKind::PortOutOfRange, *judge.field(item, "endPort"), "`endPort` " + std::to_string(*end) + " is out of range",
              "ports are 0 to 65535");
  return std::nullopt;
}

// Not larger than the port: as if it were not there. Up to 1.19 port 0 begins a range like any
// other, from 1.20 it is every port.
void set_end_port(Judge& judge, const Value& at, std::uint16_t end, ir::PortMatch& match) {
  if (!match.name.empty()) {
    match.last = end;
    if (end != 0) judge.warning(DiagKind::EndPortIgnored, at, "`endPort` does not apply to a named port", "write the range in numbers");
  } else if (match.first == 0) {
    if (judge.config.version < 20) match.last = end;
    if (end != 0) judge.warning(DiagKind::EndPortIgnored, at, "`endPort` with port 0 means different things to different versions of Cilium",
                                judge.config.version < 20 ? "here it is ports 0 to " + std::to_string(end) : "here it is every port");
  } else if (end > match.first) {
    match.last = end;
  } else if (end != 0 && end < match.first) {
    judge.warning(DiagKind::EndPortIgnored, at, "`endPort` " + std::to_string(end) + " is less than `port` " + std::to_string(match.first),
                  "only port " + std::to_string(match.first) + " is meant then");
  }
}

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
    bool any_port = false;
    judge.each_mapping(item, "ports", [&](const Value& port) {
      any_port = true;
      if (auto match = read_port(judge, port)) out.ports.push_back(std::move(*match));
    });
    if (!any_port)
      judge.warning(DiagKind::EmptyPorts, item, "this `toPorts` entry has no `ports`",
                    allow ? "it allows nothing, whatever its rules" : "it denies nothing");
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
    judge.agent_error(DiagKind::IcmpWithPorts, judge.field(element, "icmps")->named(), "`icmps` cannot be combined with `toPorts`",
                      "write two entries: they add up");
  if (any_icmp && !judge.config.icmp_rules)
    judge.agent_error(DiagKind::IcmpOff, judge.field(element, "icmps")->named(), "`icmps` needs `enable-icmp-rules`", "set it in `cilium-config`");
  rule.any_l4 = !any_item && !any_icmp;
}

}  // namespace netpolc::frontend::policy
