#include <charconv>
#include <cstdint>

#include "frontend/policy/parts.h"
#include "ir/icmp_names.h"

namespace netpolc::frontend::policy {
namespace {

// Any integer of 32 bits is accepted, and what is no type at all is judged by its low 16 bits
// or, below zero, as 0: every type.
std::optional<int> type_number(Judge& judge, const Value& at) {
  const auto value = at->integer_value();
  if (!value || *value < INT32_MIN || *value > INT32_MAX) {
    judge.error(DiagKind::IcmpType, at, "ICMP type " + quote(at->text) + " is out of range", "0 to 255");
    return std::nullopt;
  }
  const int type = *value < 0 ? 0 : static_cast<int>(*value & 0xffff);
  if (*value < 0 || *value > 255)
    judge.warning(DiagKind::IcmpEveryType, at, "ICMP type " + std::to_string(*value) + " does not exist",
                  type == 0 ? "Cilium matches every type instead" : "no packet has this type");
  return type;
}

// "8", "255"; not "08": the schema's pattern.
std::optional<int> type_digits(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text[0] == '-' || value > 255) return std::nullopt;
  return value;
}

void warn_every_type(Judge& judge, const Value& at, int type) {
  if (type != 0 || at->integer_value().value_or(0) != 0) return;  // others have been warned of
  judge.warning(DiagKind::IcmpEveryType, at, "ICMP type 0 matches every type", "Cilium encodes it as a wildcard");
}

std::optional<int> type_named(Judge& judge, const Value& at, bool v6) {
  std::vector<std::string_view> family_names;
  bool other_family = false;
  for (const auto& entry : ir::kIcmpNames) {
    const int number = v6 ? entry.v6 : entry.v4;
    if (entry.name == at->text) {
      if (number >= 0) return number;
      other_family = true;
    }
    if (number >= 0) family_names.push_back(entry.name);
  }
  if (other_family) {
    judge.error(DiagKind::IcmpType, at, "ICMP type " + quote(at->text) + " does not exist in IPv" + (v6 ? "6" : "4"),
                v6 ? "it belongs to `family: IPv4`" : "it belongs to `family: IPv6`");
    return std::nullopt;
  }
  std::optional<std::string> fix;
  if (const auto meant = nearest(at->text, family_names)) fix = std::string(*meant);
  judge.error(DiagKind::IcmpType, at, "unknown ICMP type " + quote(at->text), "a number from 0 to 255, or a name such as `EchoRequest`", std::move(fix));
  return std::nullopt;
}

std::optional<int> read_type(Judge& judge, const Value& item, bool v6) {
  const auto at = judge.required(item, "type");
  if (!at) return std::nullopt;
  if ((*at)->is_integer()) return type_number(judge, *at);
  if (!(*at)->is_string()) {
    judge.error(DiagKind::IcmpType, *at, "`type` is " + std::string(type_name(at->node())) + ", not an integer or a name");
    return std::nullopt;
  }
  if (const auto number = type_digits((*at)->text)) return number;
  return type_named(judge, *at, v6);
}

}  // namespace

std::vector<ir::PortMatch> read_icmp_fields(Judge& judge, const Value& item) {
  std::vector<ir::PortMatch> out;
  judge.known_fields(item, {"fields"});
  judge.limit_items(item, "fields", 40, DiagKind::TooManyPorts, false);
  judge.each_mapping(item, "fields", [&](const Value& field) {
    judge.known_fields(field, {"family", "type"});
    bool v6 = false;
    if (const auto family = judge.field(field, "family")) {
      const auto* text = judge.string(*family);
      if (!text || !judge.one_of(*family, *text, {"IPv4", "IPv6"}, DiagKind::IcmpFamily)) return;
      v6 = *text == "IPv6";
    }
    const auto type = read_type(judge, field, v6);
    if (!type) return;
    warn_every_type(judge, *judge.field(field, "type"), *type);
    const auto number = static_cast<std::uint16_t>(*type);
    out.push_back({v6 ? ir::Protocol::Icmpv6 : ir::Protocol::Icmp, number, number, ""});
  });
  return out;
}

}  // namespace netpolc::frontend::policy
