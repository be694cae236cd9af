#include <charconv>

#include "frontend/policy/parts.h"

namespace netpolc::frontend::policy {
namespace {

struct IcmpName {
  std::string_view name;
  int v4, v6;  // -1: not of this family
};
// Section 1.8. `ExtendedEchoReply` cannot be written: the CRD's pattern has a blank in it.
constexpr IcmpName kNames[] = {
    {"EchoReply", 0, 129}, {"DestinationUnreachable", 3, 1}, {"Redirect", 5, -1}, {"Echo", 8, -1}, {"EchoRequest", 8, 128},
    {"RouterAdvertisement", 9, 134}, {"RouterSelection", 10, -1}, {"TimeExceeded", 11, 3}, {"ParameterProblem", 12, 4},
    {"Timestamp", 13, -1}, {"TimestampReply", 14, -1}, {"Photuris", 40, -1}, {"ExtendedEchoRequest", 42, 160},
    {"PacketTooBig", -1, 2}, {"MulticastListenerQuery", -1, 130}, {"MulticastListenerReport", -1, 131},
    {"MulticastListenerDone", -1, 132}, {"RouterSolicitation", -1, 133}, {"NeighborSolicitation", -1, 135},
    {"NeighborAdvertisement", -1, 136}, {"RedirectMessage", -1, 137}, {"RouterRenumbering", -1, 138},
    {"ICMPNodeInformationQuery", -1, 139}, {"ICMPNodeInformationResponse", -1, 140},
    {"InverseNeighborDiscoverySolicitation", -1, 141}, {"InverseNeighborDiscoveryAdvertisement", -1, 142},
    {"HomeAgentAddressDiscoveryRequest", -1, 144}, {"HomeAgentAddressDiscoveryReply", -1, 145},
    {"MobilePrefixSolicitation", -1, 146}, {"MobilePrefixAdvertisement", -1, 147},
    {"DuplicateAddressRequestCodeSuffix", -1, 157}, {"DuplicateAddressConfirmationCodeSuffix", -1, 158}};

// Any integer is accepted, and what is no type at all is judged by its low 16 bits or, below
// zero, as 0: every type.
std::optional<int> type_number(long long value) {
  if (value < 0) return 0;
  return static_cast<int>(value & 0xffff);
}

std::optional<int> type_named(Judge& judge, const Value& at, bool v6) {
  std::vector<std::string_view> family_names;
  bool other_family = false;
  for (const auto& entry : kNames) {
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
  if ((*at)->is_integer()) return type_number((*at)->integer_value().value_or(-1));
  if (!(*at)->is_string()) {
    judge.error(DiagKind::IcmpType, *at, "`type` is " + std::string(type_name(at->node())) + ", not an integer or a name");
    return std::nullopt;
  }
  const auto& text = (*at)->text;
  if (!text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); })) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && value <= 255) return value;
  }
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
      if (const auto* text = judge.string(*family); text && judge.one_of(*family, *text, {"IPv4", "IPv6"}, DiagKind::IcmpFamily)) v6 = *text == "IPv6";
    }
    const auto type = read_type(judge, field, v6);
    if (!type) return;
    const auto number = static_cast<std::uint16_t>(*type);
    out.push_back({v6 ? ir::Protocol::Icmpv6 : ir::Protocol::Icmp, number, number, ""});
  });
  return out;
}

}  // namespace netpolc::frontend::policy
